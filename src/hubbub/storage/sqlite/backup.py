"""Copying a SQLite store out of a server's hands, and putting a copy in the place of a store.

Whatever is killed half-way leaves nothing that looks whole: what is being written has a name of its own, is
synced before it gets the one it is known by, and from the first step that cannot be taken back the directory
says that it is amid a restore.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from itertools import count
from pathlib import Path

import apsw
import msgspec

from hubbub.domain.errors import HubbubError
from hubbub.storage.errors import StoreUnusable
from hubbub.storage.sqlite.auditing import connect
from hubbub.storage.sqlite.database import Database, Row
from hubbub.storage.sqlite.directory import DATABASE, MOVING, RESTORING, Lock, sync
from hubbub.storage.sqlite.schema import pending, steps
from hubbub.storage.sqlite.store import bring_up

_PARTIAL = "restore.partial"
_ENDS = ("-wal", "-shm", "")
"""Of the files that make a database; the one without goes last, for while it is there the others are its."""


_CONTENTS = """
    SELECT epoch, (SELECT count(*) FROM logs), (SELECT count(*) FROM events),
           (SELECT max(sent_at_ms) FROM events)
    FROM store
"""


class Contents(msgspec.Struct, frozen=True, kw_only=True):
    """What a database holds, by its own account."""

    form: int
    newest_form: bool
    """Whether this code reads it as it is."""
    epoch: str
    logs: int
    events: int
    newest_ms: int | None
    """When its newest event was sent."""


def contents(file: Path) -> Contents:
    """Raises StoreUnusable for what is none of our databases."""
    with _refusing(file), _open(file) as connection:
        known = steps()
        is_old = pending(connection, known)
        ((epoch, logs, events, newest_ms),) = _rows(connection, _CONTENTS)
        return Contents(
            form=int(connection.pragma("user_version")),
            newest_form=not is_old,
            epoch=epoch,
            logs=logs,
            events=events,
            newest_ms=newest_ms,
        )


# -- backup -----------------------------------------------------------------


def backing_up(source: Path, target: Path) -> AbstractContextManager[Path]:
    """A copy of the database `source`, as it is at one moment, also while a server writes to it."""
    return written(target, partial(copy, source))


@contextmanager
def written(target: Path, make: Callable[[Path], None]) -> Iterator[Path]:
    """A backup, which `make` writes into a file that is not there yet.

    The block gets it under a name of its own; it becomes `target` when the block has ended well, and is
    removed otherwise. Raises StoreUnusable; OSError, FileExistsError when there is a `target`.
    """
    if target.exists():
        raise FileExistsError(f"{target} exists already")
    unfinished = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        make(unfinished)
        yield unfinished
        _put(unfinished, target)
    finally:
        _remove(unfinished)


def copy(source: Path, target: Path) -> None:
    """Write all of a database into a new file, its owner's alone, and sync it. Raises StoreUnusable, OSError.

    One read transaction, which holds up no writer; the write-ahead log is not shortened meanwhile. The copy
    has no free pages and is one file, complete in itself.
    """
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    with _refusing(source), _open(source) as connection:
        pending(connection, steps())  # is it one of ours at all?
        connection.execute("VACUUM INTO ?", (str(target),))
    sync(target)


def _put(partial: Path, target: Path) -> None:
    """Give a file its name, unless something has it."""
    os.link(partial, target)
    partial.unlink()
    sync(target.parent)


# -- restore ----------------------------------------------------------------


class Restored(msgspec.Struct, frozen=True, kw_only=True):
    epoch: str
    """The new one."""
    sessions_ended: int
    aside: Path | None
    """Where what was there before lies now."""


class Restore:
    """A copy of a backup, on its way to be the store of a directory. Use as a context manager.

    Always true: until `finish` the store that was there is untouched, and can be served from if this ends.
    """

    def __init__(self, backup: Path, directory: Path, *, replace: bool) -> None:
        """Raises StoreInUse, StoreUnusable, OSError."""
        if not directory.exists():
            directory.mkdir(mode=0o700, parents=True)
            sync(directory.parent)
        self._directory = directory
        self._lock = Lock(directory)
        try:
            if self._there() and not replace:
                raise StoreUnusable(f"There is a store in {directory} already; --replace puts it aside.")
            self.file = directory / _PARTIAL
            _remove(self.file)
            copy(backup, self.file)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Leave nothing behind, of what was not finished."""
        _remove(self._directory / _PARTIAL)
        self._lock.release()

    def __enter__(self) -> "Restore":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def bring_up(self, randomness: Callable[[int], bytes]) -> None:
        """To the form this code reads. Raises StoreUnusable."""
        with _refusing(self.file), self._opened() as database:
            bring_up(database, lambda: 0, randomness)

    def finish(self, randomness: Callable[[int], bytes], *, keep_sessions: bool, aside: str) -> Restored:
        """Make it another history than the one the backup was taken of, and the directory's store. What was
        there goes into a new directory called `aside`. Raises StoreUnusable, OSError."""
        epoch = randomness(8).hex()
        ended = 0
        with _refusing(self.file), self._opened() as database, database.writing():
            database.rows("UPDATE store SET epoch = ?, ticket_secret = ?", (epoch, randomness(32)))
            if not keep_sessions:
                database.rows("DELETE FROM sessions")
                ended = database.connection.changes()
        sync(self.file)
        replaced = self._there()
        where = self._new_directory(aside) if replaced else None
        # From here until it has the store's name the directory cannot be served from.
        restoring = self._directory / RESTORING
        self.file.rename(restoring)
        sync(self._directory)
        for file in replaced:
            assert where is not None
            file.rename(where / file.name)
        restoring.rename(self._directory / DATABASE)
        sync(self._directory)
        return Restored(epoch=epoch, sessions_ended=ended, aside=where)

    def _new_directory(self, name: str) -> Path:
        for number in count(1):
            directory = self._directory / f"{name}{f'-{number}' if number > 1 else ''}"
            with suppress(FileExistsError):
                directory.mkdir(mode=0o700)
                return directory
        raise AssertionError("there is always a further number")

    def _there(self) -> list[Path]:
        """The files of the store that is there, and its mark of a move: what is restored is another store."""
        files = [self._directory / name for name in (MOVING, *(DATABASE + end for end in _ENDS))]
        return [file for file in files if file.exists()]

    @contextmanager
    def _opened(self) -> Iterator[Database]:
        database = Database(self.file, on_broken=lambda failure: None)
        try:
            yield database
        finally:
            database.close()


def _rows(connection: apsw.Connection, sql: str) -> list[Row]:
    return connection.execute(sql).fetchall()


def _remove(file: Path) -> None:
    for end in _ENDS:
        Path(f"{file}{end}").unlink(missing_ok=True)


@contextmanager
def _open(file: Path) -> Iterator[apsw.Connection]:
    if not file.is_file():
        raise StoreUnusable("There is no such database.")
    connection = connect(file)
    try:
        yield connection
    finally:
        connection.close()


@contextmanager
def _refusing(file: Path) -> Iterator[None]:
    """What goes wrong with a database, said with its place."""
    try:
        yield
    except StoreUnusable as refusal:
        raise StoreUnusable(f"{file}: {refusal}") from refusal
    except (apsw.Error, HubbubError, UnicodeDecodeError) as error:
        raise StoreUnusable(f"{file}: the database cannot be read or written ({error}).") from error
