"""What can go wrong with a call of a disk, and when."""

from dataclasses import dataclass

import apsw


@dataclass(slots=True, kw_only=True)
class Fault:
    """Something that goes wrong with the calls of one kind."""

    kind: str
    """write, sync, read, truncate, delete, open or any."""
    error: type[apsw.Error] | None = apsw.IOError
    """What SQLite is told; None where it is told that all is well."""
    ending: str = ""
    """Of the names of the files it concerns: ".db", "-wal"; all files end in ""."""
    nth: int = 1
    """Which of these calls, from now on, is the first to go wrong; from 1."""
    forever: bool = False
    """Whether all later ones do, too."""
    part: float | None = None
    """How much of a write or read is done all the same, from 0 to 1; None: nothing."""
    flip: int | None = None
    """Which bit of a write or read is turned (modulo its length); done, then, but for that."""

    calls: int = 0
    """How many such calls there were."""
    struck: int = 0
    """How many of them went wrong."""

    def strikes(self, kind: str, file: str) -> bool:
        """Whether this call, which is counted, goes wrong."""
        if self.kind not in (kind, "any") or not file.endswith(self.ending):
            return False
        self.calls += 1
        if self.calls == self.nth or (self.forever and self.calls > self.nth):
            self.struck += 1
            return True
        return False

    def happen(self, file: str) -> None:
        if self.error is not None:
            raise self.error(f"a {self.kind} of {file} was told to fail")


def flipped(data: bytes, bit: int) -> bytes:
    """`data` with one bit turned."""
    content = bytearray(data)
    if content:
        bit %= len(content) * 8
        content[bit // 8] ^= 1 << bit % 8
    return bytes(content)
