"""The directory a store lies in: who may read it, and that one server at a time has it."""

import fcntl
import os
from pathlib import Path

from hubbub.storage.errors import StoreInUse, StoreUnusable

DATABASE = "hubbub.db"
LOCK = "lock"
RESTORING = "hubbub.db.restoring"
"""There while a restored database takes the place of another: neither is the store then."""


def prepare(directory: Path, *, create: bool) -> Path:
    """Where the database of `directory` lies; both are made when `create`. Raises StoreUnusable.

    A directory made here is its owner's alone (0700); one that was there keeps its mode, for it may hold
    more than ours. The files are 0600 in any case: SQLite gives its own files the mode of the database.
    """
    database = directory / DATABASE
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
