"""What is counted, and where."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

import apsw
import msgspec

_names = count(1)


class Encodes:
    def __init__(self) -> None:
        self.count = 0

    def __call__(self, frame, event, called) -> None:
        if event == "c_call" and isinstance(
            getattr(called, "__self__", None), msgspec.json.Encoder | type(msgspec.json)
        ):
            self.count += called.__name__.startswith("encode")


@contextmanager
def encodes() -> Iterator[Encodes]:
    """How often anything is made JSON by msgspec in this thread."""
    counting = Encodes()
    before = sys.getprofile()
    sys.setprofile(counting)
    try:
        yield counting
    finally:
        sys.setprofile(before)


class Statements:
    """What SQLite was asked by every connection that was opened within `statements`."""

    def __init__(self) -> None:
        self.sql: list[str] = []
        self.steps = 0
        """Instructions SQLite's machine took: what a statement costs, whatever the processor."""
        self.scanned = 0
        """Steps through a table without an index."""

    def forget(self) -> None:
        self.sql.clear()
        self.steps = self.scanned = 0

    def starting(self, *words: str) -> int:
        """How many began so."""
        return sum(sql.upper().lstrip().startswith(words) for sql in self.sql)

    def hook(self, connection: apsw.Connection) -> None:
        connection.trace_v2(apsw.SQLITE_TRACE_PROFILE, self._ended, id=self)

    def _ended(self, event) -> None:
        status = event["stmt_status"]
        self.sql.append(event["sql"])
        self.steps += status["SQLITE_STMTSTATUS_VM_STEP"]
        self.scanned += status["SQLITE_STMTSTATUS_FULLSCAN_STEP"]


@contextmanager
def statements() -> Iterator[Statements]:
    counting = Statements()
    apsw.connection_hooks.append(counting.hook)
    try:
        yield counting
    finally:
        apsw.connection_hooks.remove(counting.hook)


class Disk(apsw.VFS):
    """The system's, with its syncs counted."""

    def __init__(self) -> None:
        self.name = f"counting-{next(_names)}"
        self.syncs = 0
        super().__init__(self.name, "")

    def xOpen(self, name, flags):
        return _File(self, name, flags)


class _File(apsw.VFSFile):
    def __init__(self, disk: Disk, name, flags) -> None:
        self._disk = disk
        super().__init__("", name, flags)

    def xSync(self, flags):
        self._disk.syncs += 1
        super().xSync(flags)
