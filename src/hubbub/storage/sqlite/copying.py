"""A SQLite store as rows, to be read from and written to: one end of a move, or a backup of another database.

Here the position of an event becomes the two numbers that it is of, and a log is told where it ends.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import apsw

from hubbub.domain.errors import HubbubError, StorageFailed
from hubbub.storage.copying import BATCH, Key, Row, Source, Table, copy
from hubbub.storage.errors import StoreUnusable
from hubbub.storage.moving import Mark
from hubbub.storage.sqlite import wal
from hubbub.storage.sqlite.auditing import connect
from hubbub.storage.sqlite.database import Database
from hubbub.storage.sqlite.directory import (
    DATABASE,
    RESTORING,
    Lock,
    prepare,
    read_mark,
    remove_mark,
    sync,
    unmark,
    write_mark,
)
from hubbub.storage.sqlite.places import last_position, position, seq_at
from hubbub.storage.sqlite.schema import migrate, pending, steps
from hubbub.storage.sqlite.store import bring_up

_LOGS = f"""
    SELECT number, name, last, e.link, floor, logs.link, oldest_ms
    FROM (
        SELECT *, {last_position("number")} AS last FROM logs WHERE number > ? ORDER BY number LIMIT ?
    ) AS logs
    LEFT JOIN events AS e ON e.position = last ORDER BY number
"""  # noqa: S608
_EVENT_COLUMNS = "position, id, sent, sender, recipient, text, key, sent_at_ms, salt, digest, link"
_EVENTS = f"SELECT {_EVENT_COLUMNS} FROM events WHERE position > ? ORDER BY position LIMIT ?"  # noqa: S608
_ADD_LOG = "INSERT INTO logs (number, name, floor, link, oldest_ms) VALUES (?, ?, ?, ?, ?)"
_ADD_EVENT = f"INSERT INTO events ({_EVENT_COLUMNS}) VALUES (?{', ?' * 10})"  # noqa: S608


class Tables:
    """A Target, of a connection to a database of the form that this code knows."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    @property
    def where(self) -> str:
        return self._connection.filename

    async def count(self, table: Table) -> int:
        ((count,),) = self._rows(f"SELECT count(*) FROM {table.name}")  # noqa: S608
        return int(count)

    async def rows(self, table: Table, after: Key | None) -> Sequence[Row]:
        match table.name:
            case "logs":
                return [_log_row(row) for row in self._rows(_LOGS, (*(after or (-1,)), BATCH))]
            case "events":
                start = -1 if after is None else position(*after)
                return [_event_row(row) for row in self._rows(_EVENTS, (start, BATCH))]
        key = ", ".join(_quoted(table.key))
        columns = ", ".join(_quoted(table.columns))
        beyond = f"WHERE ({key}) > ({', '.join('?' * len(after))})" if after else ""
        sql = f"SELECT {columns} FROM {table.name} {beyond} ORDER BY {key} LIMIT {BATCH}"  # noqa: S608
        return self._rows(sql, after or ())

    async def last(self, table: Table) -> Key | None:
        match table.name:
            case "events":
                last = self._rows(
                    "SELECT position >> 36, position FROM events ORDER BY position DESC LIMIT 1"
                )
                return (last[0][0], seq_at(last[0][1])) if last else None
        key = _quoted(table.key)
        backwards = ", ".join(f"{name} DESC" for name in key)
        rows = self._rows(f"SELECT {', '.join(key)} FROM {table.name} ORDER BY {backwards} LIMIT 1")  # noqa: S608
        return rows[0] if rows else None

    async def put(self, table: Table, rows: Sequence[Row]) -> None:
        with self._transaction():
            self._put(table, rows)

    def _put(self, table: Table, rows: Sequence[Row]) -> None:
        match table.name:
            case "logs":
                sql = _ADD_LOG
                rows = [(number, name, floor, link, old) for number, name, _, _, floor, link, old in rows]
            case "events":
                sql = _ADD_EVENT
                rows = [(position(log, seq), *rest) for log, seq, *rest in rows]
            case name:
                columns = ", ".join(_quoted(table.columns))
                marks = ", ".join("?" * len(table.columns))
                sql = f"INSERT INTO {name} ({columns}) VALUES ({marks})"  # noqa: S608
        self._connection.executemany(sql, rows)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with refusing(self.where), self._connection:
            yield

    def _rows(self, sql: str, bindings: Row = ()) -> list[Row]:
        with refusing(self.where):
            return self._connection.execute(sql, bindings).fetchall()


def _quoted(names: Sequence[str]) -> list[str]:
    return [f'"{name}"' for name in names]


def _log_row(row: Row) -> Row:
    number, name, last, link, floor, floor_link, oldest_ms = row
    if last is None:
        return number, name, floor, floor_link, floor, floor_link, oldest_ms
    return number, name, seq_at(last), link, floor, floor_link, oldest_ms


def _event_row(row: Row) -> Row:
    at, id, sent, *rest = row
    return at >> 36, seq_at(at), id, sent != 0, *rest


@contextmanager
def refusing(where: str) -> Iterator[None]:
    """What goes wrong with a database, said with its place."""
    try:
        yield
    except (apsw.Error, HubbubError, OSError, UnicodeError) as error:
        raise StoreUnusable(f"{where}: the database cannot be read or written ({error}).") from error


# -- the ends of a move -------------------------------------------------------


class _Directory(Tables):
    """A directory that no server has meanwhile; its database is opened by `open`."""

    def __init__(self, directory: Path, randomness: Callable[[int], bytes]) -> None:
        """Raises StoreInUse, StoreUnusable. Close it in the end."""
        self._directory = directory
        self._randomness = randomness
        self._database: Database | None = None
        self._lock = Lock(directory)

    @property
    def where(self) -> str:
        return str(self._directory)

    @property
    def unmark(self) -> str:
        return unmark(self._directory)

    async def close(self) -> None:
        try:
            if self._database is not None:
                self._database.close()
        finally:
            self._lock.release()

    async def mark(self) -> Mark | None:
        return read_mark(self._directory)

    async def set_mark(self, mark: Mark) -> None:
        with refusing(self.where):
            write_mark(self._directory, mark)

    async def holds(self) -> bool:
        return any((self._directory / name).exists() for name in (DATABASE, RESTORING))

    def _use(self, database: Database) -> None:
        self._database = database
        super().__init__(database.connection)


class FromDirectory(_Directory):
    """A From."""

    async def open(self) -> None:
        file = prepare(self._directory, create=False, moving=True)
        with refusing(self.where):
            database = wal.opened_whole(file, partial(Database, file, on_broken=_is_told))
            self._use(database)
            bring_up(database, lambda: 0, self._randomness)


class ToDirectory(_Directory):
    """A To."""

    def __init__(self, directory: Path, randomness: Callable[[int], bytes]) -> None:
        """The directory is made if need be. Raises StoreInUse, StoreUnusable."""
        with refusing(str(directory)):
            if not directory.exists():
                directory.mkdir(mode=0o700, parents=True)
                sync(directory.parent)
        super().__init__(directory, randomness)

    async def open(self) -> None:
        file = prepare(self._directory, create=True, moving=True)
        with refusing(self.where):
            database = Database(file, on_broken=_is_told)
            self._use(database)
            make(database.connection)

    async def put(self, table: Table, rows: Sequence[Row]) -> None:
        await super().put(table, rows)
        assert self._database is not None
        self._database.tidy()

    async def finish(self) -> None:
        with refusing(self.where):
            remove_mark(self._directory)


def make(connection: apsw.Connection) -> None:
    """The tables of a store in a database that is empty, unless they are there."""
    if pending(connection, steps()):
        migrate(connection, steps(), {}, lambda: None)


def _is_told(error: StorageFailed) -> None:
    """By the call that failed."""


# -- a backup -------------------------------------------------------------------


@contextmanager
def reading(file: Path) -> Iterator[Source]:
    """All that a database of this form holds, as it is at one moment. Raises StoreUnusable."""
    connection = connect(file)
    try:
        with refusing(str(file)):
            connection.execute("BEGIN")
        yield Tables(connection)
    finally:
        connection.close()


async def write(source: Source, file: Path) -> None:
    """Make a new database of all that `source` has: one file, its owner's alone, synced.

    Raises StoreUnusable, OSError.
    """
    os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    connection = apsw.Connection(str(file), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        with refusing(str(file)):
            # What is interrupted is thrown away, and what is whole is synced at the end.
            connection.pragma("journal_mode", "off")
            connection.pragma("synchronous", 0)
            make(connection)
        await copy(source, Tables(connection))
    finally:
        connection.close()
    sync(file)
