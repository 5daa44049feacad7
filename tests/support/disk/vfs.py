"""The VFS: it passes on what SQLite asks for, writes it down, and lets go wrong what is set to."""

import os
from collections import Counter
from collections.abc import Callable
from itertools import count
from threading import Lock
from typing import Any

import apsw

from support.disk.faults import Fault, flipped
from support.disk.medium import Image, Medium, Operation, Survivors

_numbers = count(1)


class Disk(apsw.VFS):
    """The disk that one data directory lies on.

    Always true: `operations` are those that were done, in the order in which they ended. A call that failed
    is among them as far as it was done.
    """

    def __init__(self) -> None:
        self.name = f"disk-{next(_numbers)}"
        self.operations: list[Operation] = []
        self.calls: Counter[str] = Counter()
        """How often SQLite asked for what: read, write, sync, truncate, delete, open."""
        self.struck = 0
        """How many calls went wrong."""
        self.free_bytes: int | None = None
        """How much longer files may become, all together; None: as much as they like."""
        self.lying = False
        """Whether a sync does nothing, and says that it did."""
        self.before: Callable[[str, str], None] | None = None
        """Called with the kind and the file of each call before it is made, in its thread: to count, to wait
        (which makes a slow sync), to raise what SQLite is to be told."""
        self._faults: list[Fault] = []
        self._lock = Lock()
        self._inodes: dict[str, int] = {}
        self._unnamed: set[int] = set()  # files whose names no sync has covered
        self._medium = Medium()
        super().__init__(self.name, "")

    # -- what goes wrong ----------------------------------------------------

    def fail(self, kind: str, **how: Any) -> Fault:
        """Have coming calls go wrong: see the fields of Fault."""
        fault = Fault(kind=kind, **how)
        self._faults.append(fault)
        return fault

    def full(self, *, ending: str = "") -> Fault:
        """No room for any write, until `heal`."""
        return self.fail("write", error=apsw.FullError, ending=ending, forever=True)

    def heal(self) -> None:
        self._faults.clear()
        self.free_bytes = None

    # -- what a power loss leaves -------------------------------------------

    def medium(self, at: int) -> Medium:
        """The disk below its cache when the first `at` operations were done. Good until the next call."""
        if at < self._medium.at:
            self._medium = Medium()
        self._medium.go(self.operations, at)
        return self._medium

    def unsynced(self, at: int) -> list[Operation]:
        """What no sync had covered then."""
        return self.medium(at).unsynced

    def image(self, at: int, survivors: Survivors) -> Image:
        """The files after a power loss then. Quickest when `at` goes forward."""
        return self.medium(at).image(survivors)

    # -- for what does not go through SQLite --------------------------------

    def sync(self, ending: str = "-wal") -> None:
        """Sync the file with this ending of its name, as SQLite would: for who syncs beside it."""
        for file, inode in [*self._inodes.items()]:
            if file.endswith(ending):
                covers = len(self.operations)
                if self._asked("sync", file) is None:
                    self._synced(file, inode, covers)

    # -- what SQLite calls --------------------------------------------------

    def xOpen(self, name, flags):
        return _File(self, name, flags)

    def xDelete(self, name, syncdir):
        file = os.path.basename(name)
        self._asked("delete", file)
        super().xDelete(name, syncdir)
        with self._lock:
            if (inode := self._inodes.pop(file, None)) is not None:
                self._did("delete", file, inode, names=bool(syncdir))

    def _asked(self, kind: str, file: str) -> Fault | None:
        """Take note of a call. Raises the error it is to end in; or what is to be wrong with it, if its
        own part in that is left to be done."""
        self.calls[kind] += 1
        if self.before is not None:
            self.before(kind, file)
        for fault in self._faults:
            if fault.strikes(kind, file):
                self.struck += 1
                if fault.part is None and fault.flip is None:
                    fault.happen(file)
                return fault
        return None

    def _room(self, file: str, longer: int) -> None:
        if self.free_bytes is not None and longer > 0:
            if longer > self.free_bytes:
                self.struck += 1
                raise apsw.FullError(f"no room for {longer} bytes of {file}")
            self.free_bytes -= longer

    def _opened(self, file: str, path: str, was_there: bool) -> int:
        with self._lock:
            if file not in self._inodes:
                inode = len(self.operations) + 1
                self._inodes[file] = inode
                if was_there:
                    with open(path, "rb") as content:
                        self._did("found", file, inode, data=content.read())
                else:
                    self._unnamed.add(inode)
                    self._did("create", file, inode)
            return self._inodes[file]

    def _synced(self, file: str, inode: int, covers: int) -> None:
        if self.lying:
            return
        with self._lock:
            names = inode in self._unnamed
            self._unnamed.discard(inode)
            self._did("sync", file, inode, covers=covers, names=names)

    def _did(self, kind: str, file: str, inode: int, **more: Any) -> None:
        self.operations.append(
            Operation(number=len(self.operations), kind=kind, file=file, inode=inode, **more)
        )


class _File(apsw.VFSFile):
    def __init__(self, disk: Disk, name, flags) -> None:
        self._disk = disk
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        self._file = os.path.basename(path or "")
        disk._asked("open", self._file)
        was_there = path is not None and os.path.exists(path)
        super().__init__("", name, flags)
        # One without a name is of no other process's concern: what is written there need not last.
        self._inode = None if path is None else disk._opened(self._file, path, was_there)

    def xRead(self, amount, offset):
        fault = self._disk._asked("read", self._file)
        data = super().xRead(amount, offset)
        if fault is None:
            return data
        if fault.part is not None:
            data = data[: int(len(data) * fault.part)]
        if fault.flip is not None:
            data = flipped(data, fault.flip)
        fault.happen(self._file)
        return data

    def xWrite(self, data, offset):
        fault = self._disk._asked("write", self._file)
        data = bytes(data)
        if fault is None:
            self._disk._room(self._file, offset + len(data) - self.xFileSize())
            self._write(data, offset)
            return
        if fault.part is not None:
            data = data[: int(len(data) * fault.part)]
        if fault.flip is not None:
            data = flipped(data, fault.flip)
        self._write(data, offset)
        fault.happen(self._file)

    def _write(self, data: bytes, offset: int) -> None:
        super().xWrite(data, offset)
        if self._inode is not None:
            with self._disk._lock:
                self._disk._did("write", self._file, self._inode, offset=offset, data=data)

    def xTruncate(self, newsize):
        self._disk._asked("truncate", self._file)
        super().xTruncate(newsize)
        if self._inode is not None:
            with self._disk._lock:
                self._disk._did("truncate", self._file, self._inode, offset=newsize)

    def xSync(self, flags):
        covers = len(self._disk.operations)
        self._disk._asked("sync", self._file)
        super().xSync(flags)
        if self._inode is not None:
            self._disk._synced(self._file, self._inode, covers)
