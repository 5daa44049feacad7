"""The disk of one machine, with the cache before it: what was synced stays, and of the rest anything may.

SQLite reaches it through a VFS of ours. Its files are real ones, in memory where the system has such a place;
what is remembered beside them is how each would look after a power cut.
"""

import shutil
from collections.abc import Callable
from itertools import count, pairwise
from pathlib import Path
from random import Random

import apsw

SECTOR_BYTES = 512
"""What a disk writes whole or not at all."""

_LOG = "hubbub.db-wal"

_names = count(1)


class _Kept:
    """One file as the disk has it.

    Always true: `pending` is what was asked for since, in order, that nothing guarantees yet.
    """

    def __init__(self, content: bytes | None) -> None:
        self.durable = None if content is None else bytearray(content)
        self.pending: list[tuple[int, bytes | None]] = []
        """Where, and what was written there; None where the file was cut off."""
        self.settled = 0
        """How many changes are certain."""

    @property
    def changes(self) -> int:
        """How many there were, ever."""
        return self.settled + len(self.pending)

    def settle(self, changes: int | None = None) -> None:
        """A sync has ended that began after so many changes; without a number, it began just now."""
        certain = len(self.pending) if changes is None else max(0, changes - self.settled)
        for change in self.pending[:certain]:
            self._make(change)
        del self.pending[:certain]
        self.settled += certain
        if self.durable is None:
            self.durable = bytearray()

    def forsake(self, chance: Random) -> None:
        """A sync has failed. As Linux has it: the pages count as clean now, and a later sync does not write
        them."""
        left = [change for change in self.pending if chance.random() < 0.5]
        self.settled += len(self.pending) - len(left)
        self.pending = left

    def _make(self, change: tuple[int, bytes | None]) -> None:
        offset, data = change
        if self.durable is None:
            self.durable = bytearray()
        if data is None:
            del self.durable[offset:]
            return
        if len(self.durable) < offset:
            self.durable += bytes(offset - len(self.durable))
        self.durable[offset : offset + len(data)] = data

    def after_a_power_cut(self, how: str, chance: Random) -> bytes | None:
        """What is found afterwards; None when there is no such file. `how` much of the rest was lucky."""
        if self.durable is None and not self.pending:
            return None
        found = _Kept(bytes(self.durable) if self.durable is not None else None)
        pending = self.pending
        if how == "first":
            pending = pending[: chance.randint(0, len(pending))]
        elif how == "nothing":
            pending = []
        elif how == "some":
            pending = [part for change in pending for part in _sectors(change) if chance.random() < 0.5]
        for change in pending:
            found._make(change)
        return None if found.durable is None else bytes(found.durable)


def _sectors(change: tuple[int, bytes | None]) -> list[tuple[int, bytes | None]]:
    offset, data = change
    if data is None:
        return [change]
    cuts = [0, *range(-offset % SECTOR_BYTES or SECTOR_BYTES, len(data), SECTOR_BYTES), len(data)]
    return [(offset + start, data[start:stop]) for start, stop in pairwise(cuts)]


class Disk:
    """What lies on it outlives the processes; each `plug` is a fresh sight of it for the next one."""

    def __init__(self, root: Path, image: bytes, chance: Random) -> None:
        self._root = root
        self._chance = chance
        self._count = count(1)
        self._files: dict[str, bytes] = {"hubbub.db": image}
        self._durable: dict[str, _Kept] = {"hubbub.db": _Kept(image)}
        self._ghosts: dict[str, _Kept] = {}
        self.plugged: Plugged | None = None
        self.full = False
        """No file grows any more."""
        self.failing: str | None = None
        """The next "sync" or "write" ends in an error, once."""
        self.slow_seconds = 0.0
        """How long a sync takes."""
        self.stall: Callable[[float], None] = lambda seconds: None
        self.operation: Callable[[str, str], None] = lambda what, file: None
        """Called before and after each: "write", "written", "sync", "synced", with the file's ending."""
        self.happened: Callable[[str], None] = lambda what: None

    def plug(self) -> "Plugged":
        """The disk for a process that starts now: what it finds is what the last one left."""
        directory = self._root / str(next(self._count))
        directory.mkdir(parents=True)
        for name, content in self._files.items():
            (directory / name).write_bytes(content)
        self.plugged = Plugged(self, directory, self._durable, self._ghosts)
        return self.plugged

    def unplug(self, *, power: bool) -> None:
        """Its process is gone at this moment. With `power` the cache stays, else only the disk does."""
        plugged = self.plugged
        if plugged is None:
            return
        self.plugged = None
        plugged.live = False
        if power:
            self._files = plugged.cached()
            self._durable = plugged.files
            self._ghosts = plugged.ghosts
            return
        how = self._chance.choice(("nothing", "some", "first", "all"))
        unsynced = sum(len(kept.pending) for kept in plugged.files.values())
        if unsynced:
            self.happened(f"power was lost with writes unsynced, and {how} of them got through")
        self._files = {}
        files = plugged.files
        if plugged.ghosts and self._chance.random() < 0.5:
            self.happened("a file that had been deleted was there again")
            files = files | plugged.ghosts
        for name, kept in files.items():
            content = kept.after_a_power_cut(how, self._chance)
            if content is not None:
                self._files[name] = content
        self._ghosts = {}
        self._durable = {name: _Kept(content) for name, content in self._files.items()}

    def heal(self) -> None:
        self.full = False
        self.failing = None
        self.slow_seconds = 0.0


class Plugged(apsw.VFS):
    """The disk as one process has it before it.

    Always true: once it is not `live` nothing that is done to it is on the disk.
    """

    def __init__(
        self, disk: Disk, directory: Path, files: dict[str, _Kept], ghosts: dict[str, _Kept]
    ) -> None:
        self.disk = disk
        self.directory = directory
        self.files = files
        self.ghosts = ghosts
        """Files that were deleted, which the directory on the disk may still name."""
        self.live = True
        self.name = f"simulated-{next(_names)}"
        super().__init__(self.name, "")

    def cached(self) -> dict[str, bytes]:
        """What another process would read now."""
        return {
            name: (self.directory / name).read_bytes()
            for name in self.files
            if (self.directory / name).exists()
        }

    def xOpen(self, name, flags):
        return _File(self, name, flags)

    def xDelete(self, name, sync_directory):
        super().xDelete(name, sync_directory)
        if self.live and (kept := self.files.pop(Path(name).name, None)) and not sync_directory:
            self.ghosts[Path(name).name] = kept

    def sync_log(self, changes: int) -> None:
        """The sync of the write-ahead log that is made beside SQLite, which began after so many changes."""
        disk, kept = self.disk, self.files.get(_LOG)
        disk.operation("sync", "wal")
        if not self.live or kept is None:
            return
        if disk.failing == "sync":
            disk.failing = None
            disk.happened("a sync apart failed")
            kept.forsake(disk._chance)
            raise OSError("the simulated disk could not sync")
        kept.settle(changes)
        disk.operation("synced", "wal")

    def log_changes(self) -> int:
        kept = self.files.get(_LOG)
        return 0 if kept is None else kept.changes

    def discard(self) -> None:
        """Nobody will look at it again."""
        self.unregister()
        shutil.rmtree(self.directory, ignore_errors=True)


class _File(apsw.VFSFile):
    def __init__(self, plugged: Plugged, name, flags) -> None:
        path = name.filename() if isinstance(name, apsw.URIFilename) else name or ""
        self._plugged = plugged
        self._name = Path(path).name
        self._ending = "wal" if self._name.endswith("-wal") else "db"
        super().__init__("", name, flags)
        if plugged.live:
            self._kept = plugged.files.setdefault(self._name, _Kept(None))

    def xWrite(self, data, offset):
        plugged, disk = self._plugged, self._plugged.disk
        if plugged.live:
            disk.operation("write", self._ending)
        if plugged.live:
            if disk.full and offset + len(data) > self.xFileSize():
                disk.happened("the disk was full")
                data = bytes(data[: len(data) // 2])
                if offset + len(data) > self.xFileSize():  # a short write: as much as there was room for
                    super().xWrite(data, offset)
                    self._kept.pending.append((offset, data))
                raise apsw.FullError("the simulated disk is full")
            if disk.failing == "write":
                disk.failing = None
                disk.happened("a write failed")
                raise apsw.IOError("the simulated disk could not write")
            self._kept.pending.append((offset, bytes(data)))
        super().xWrite(data, offset)
        if plugged.live:
            disk.operation("written", self._ending)

    def xTruncate(self, size):
        super().xTruncate(size)
        if self._plugged.live:
            self._kept.pending.append((size, None))

    def xSync(self, flags):
        plugged, disk = self._plugged, self._plugged.disk
        if not plugged.live:
            return
        disk.operation("sync", self._ending)
        if not plugged.live:
            return
        if disk.slow_seconds:
            disk.happened("a sync was slow")
            disk.stall(disk.slow_seconds)
        if disk.failing == "sync":
            disk.failing = None
            disk.happened("a sync failed")
            self._kept.forsake(disk._chance)
            raise apsw.IOError("the simulated disk could not sync")
        if self._kept.durable is None:
            plugged.ghosts.clear()  # SQLite syncs the directory with a file's first sync
        self._kept.settle()
        disk.operation("synced", self._ending)
