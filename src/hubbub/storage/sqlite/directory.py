"""The directory a store lies in: who may read it, that one server at a time has it, and whether any may."""

import fcntl
import os
from pathlib import Path

import msgspec

from hubbub.storage.errors import StoreInUse, StoreUnusable
from hubbub.storage.moving import Mark, why_not

DATABASE = "hubbub.db"
LOCK = "lock"
RESTORING = "hubbub.db.restoring"
"""There while a restored database takes the place of another: neither is the store then."""
MOVING = "moving"
"""There while the directory is one end of a move, and in the source of one for good."""


def prepare(directory: Path, *, create: bool, moving: bool = False) -> Path:
    """Where the database of `directory` lies; both are made when `create`. Raises StoreUnusable, also for one
    end of a move, unless it is opened for `moving`.

    A directory made here is its owner's alone (0700); one that was there keeps its mode, for it may hold
    more than ours. The files are 0600 in any case: SQLite gives its own files the mode of the database.
    """
    database = directory / DATABASE
    mark = None if moving else read_mark(directory)
    if mark is not None:
        raise StoreUnusable(why_not(mark, str(directory), unmark(directory)))
    if (directory / RESTORING).exists():
        raise StoreUnusable(f"A restore into {directory} was not finished; run hubbub restore again.")
    try:
        if create and not directory.exists():
            directory.mkdir(mode=0o700, parents=True)
            sync(directory.parent)
        if create and not database.exists():
            os.close(os.open(database, os.O_CREAT | os.O_RDWR, 0o600))
            sync(directory)
        if not database.exists():
            raise StoreUnusable(f"There is no hubbub store in {directory}; say where with --data.")
        database.chmod(0o600)
    except OSError as error:
        raise StoreUnusable(f"{directory} cannot hold the store: {error.strerror or error}.") from error
    return database


def read_mark(directory: Path) -> Mark | None:
    """Of the move that the directory is one end of. Raises StoreUnusable."""
    try:
        return msgspec.json.decode((directory / MOVING).read_bytes(), type=Mark)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as error:
        raise StoreUnusable(f"{directory / MOVING} cannot be read ({error}).") from error


def check_arrived(directory: Path) -> None:
    """Raises StoreUnusable when a move to the directory was not finished."""
    mark = read_mark(directory)
    if mark is not None and mark.end == "target":
        raise StoreUnusable(why_not(mark, str(directory), unmark(directory)))


def write_mark(directory: Path, mark: Mark) -> None:
    """Durably, all of it or nothing. Raises OSError."""
    new = directory / f"{MOVING}.partial"
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(msgspec.json.encode(mark) + b"\n")
    sync(new)
    new.rename(directory / MOVING)
    sync(directory)


def remove_mark(directory: Path) -> None:
    (directory / MOVING).unlink(missing_ok=True)
    sync(directory)


def unmark(directory: Path) -> str:
    """How somebody removes a mark by hand."""
    return f"remove {directory / MOVING}"


def sync(path: Path) -> None:
    """Have a file's content on disk; or a directory's, without which no name in it is."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class Lock:
    """That this process, and no other, serves from a directory. The kernel drops it with the process."""

    def __init__(self, directory: Path) -> None:
        """Raises StoreInUse, StoreUnusable."""
        path = directory / LOCK
        try:
            handle = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
        except OSError as error:
            raise StoreUnusable(f"{path} cannot be opened: {error.strerror or error}.") from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            owner = os.read(handle, 20).decode("ascii", "replace").strip()
            os.close(handle)
            who = f" (process {owner})" if owner.isdecimal() else ""
            raise StoreInUse(f"Another hubbub server{who} is using {directory}.") from error
        os.truncate(handle, 0)
        os.write(handle, b"%d\n" % os.getpid())
        self._handle: int | None = handle

    def release(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
