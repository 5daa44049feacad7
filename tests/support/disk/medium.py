"""What a power loss leaves of a list of operations.

The model:

  * a write, or a truncation, is on the medium for certain once a sync of its file has ended that began after
    it;
  * until then any part of it may be there: all, nothing, what lies before or behind any byte (at sector
    boundaries most of the time), whatever became of those before and after it. Of two writes that overlap
    and were both done, the newer one wins: no disk turns the writes of one sector round;
  * between the old end of a file and a surviving write behind it there are zeros;
  * a name is on the medium for certain once its directory was synced after the name was made or removed.
    SQLite's unix VFS does that in the first sync of a write-ahead log or journal it has made, and where it
    asks for a removal to be synced. Until then an older file of that name may be there again, or none;
  * the index of the write-ahead log (-shm) is memory, and gone.

Not modelled: sectors that change when a neighbour is written, and writes that land elsewhere.

Pure: no SQLite.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

SECTORS_BYTES = (512, 4096)
"""What disks write whole."""

Image = dict[str, bytes]
"""The files of a directory by their names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """Something that was done to the disk."""

    number: int
    """Its place in the list of all, from 0."""
    kind: str
    """found (a file that was there before), create, delete, write, truncate or sync."""
    file: str
    """Its name, without the directory."""
    inode: int
    """Which of the files that had this name one after the other."""
    offset: int = 0
    """Where a write begins; how long a truncated file is now."""
    data: bytes = b""
    covers: int = 0
    """Of a sync: how many operations had ended when it began."""
    names: bool = False
    """Whether the directory was synced with it."""


Survivors = Callable[[Sequence[Operation]], Iterable[Operation]]
"""Chooses, of the operations that no sync has covered, those that reached the medium: in their order, and
torn writes as pieces of themselves."""


def nothing(unsynced: Sequence[Operation]) -> Iterable[Operation]:
    return ()


def everything(unsynced: Sequence[Operation]) -> Iterable[Operation]:
    return unsynced


def prefix(length: int) -> Survivors:
    """The first ones, and no others: a disk that writes in order."""
    return lambda unsynced: unsynced[:length]


def torn(length: int, kept_bytes: int) -> Survivors:
    """The first ones, and of the next only its first bytes."""

    def choose(unsynced: Sequence[Operation]) -> Iterable[Operation]:
        yield from unsynced[:length]
        for write in unsynced[length : length + 1]:
            if write.kind == "write":
                yield replace(write, data=write.data[:kept_bytes])

    return choose


def some(seed: int) -> Survivors:
    """Any of them, whole or in parts; the same ones for the same seed."""

    def choose(unsynced: Sequence[Operation]) -> Iterable[Operation]:
        chance = Random(seed)
        kept = chance.choice((0.1, 0.5, 0.9))
        tears = chance.choice((0.0, 0.1, 0.5))
        for operation in unsynced:
            if chance.random() >= kept:
                continue
            tear = operation.kind == "write" and chance.random() < tears
            yield _torn(operation, chance) if tear else operation

    return choose


def _torn(write: Operation, chance: Random) -> Operation:
    sector = chance.choice((*SECTORS_BYTES, 1))
    cut = chance.randrange(len(write.data)) // sector * sector
    if chance.random() < 0.7:
        return replace(write, data=write.data[:cut])
    return replace(write, offset=write.offset + cut, data=write.data[cut:])


class Medium:
    """The disk below its cache, at one moment that goes forward.

    Always true: what is in `unsynced` was done, and no sync has covered it; everything else that was done is
    in the files.
    """

    def __init__(self) -> None:
        self.at = 0
        self.settled = 0
        """How many operations are on the medium for certain."""
        self.unsynced: list[Operation] = []
        self._files = _Files({}, {})

    def go(self, operations: Sequence[Operation], at: int) -> None:
        """On to the moment when the first `at` of these were done."""
        for operation in operations[self.at : at]:
            match operation.kind:
                case "found":
                    self._files.do(operation)
                case "sync":
                    self._sync(operation)
                case "delete" if operation.names:
                    self.unsynced.append(operation)
                    self._settle(lambda op: op.kind in ("create", "delete"))
                case _:
                    self.unsynced.append(operation)
        self.at = max(self.at, at)

    def _sync(self, sync: Operation) -> None:
        def covered(op: Operation) -> bool:
            if op.number >= sync.covers:
                return False
            return sync.names if op.kind in ("create", "delete") else op.inode == sync.inode

        self._settle(covered)

    def _settle(self, covered: Callable[[Operation], bool]) -> None:
        left = []
        for operation in self.unsynced:
            if covered(operation):
                self._files.do(operation)
                self.settled += 1
            else:
                left.append(operation)
        self.unsynced = left

    def image(self, survivors: Survivors) -> Image:
        """What is there if the power goes now."""
        files = self._files
        for operation in survivors(self.unsynced):
            if files is self._files:
                files = files.copy()
            files.do(operation)
        return {name: bytes(files.contents.get(inode, b"")) for name, inode in sorted(files.names.items())}


class _Files:
    """Names, the files they stand for, and what is in these."""

    def __init__(self, names: dict[str, int], contents: dict[int, bytearray]) -> None:
        self.names = names
        self.contents = contents

    def copy(self) -> "_Files":
        return _Files(dict(self.names), {inode: content[:] for inode, content in self.contents.items()})

    def do(self, operation: Operation) -> None:
        match operation.kind:
            case "found":
                self.names[operation.file] = operation.inode
                self.contents[operation.inode] = bytearray(operation.data)
            case "create":
                self.names[operation.file] = operation.inode
            case "delete":
                self.names.pop(operation.file, None)
            case "truncate":
                content = self.contents.setdefault(operation.inode, bytearray())
                del content[operation.offset :]
                content.extend(bytes(operation.offset - len(content)))
            case "write":
                content = self.contents.setdefault(operation.inode, bytearray())
                content.extend(bytes(max(0, operation.offset - len(content))))
                content[operation.offset : operation.offset + len(operation.data)] = operation.data


def lay(image: Image, directory: Path) -> None:
    """Have in `directory` these files and no others."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path in directory.iterdir():
        path.unlink()
    for name, content in image.items():
        (directory / name).write_bytes(content)
