"""A store of each kind, with three people and two rooms in it, that can be closed and opened again."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from inspect import isawaitable
from pathlib import Path
from random import Random

import apsw
import asyncpg
import pytest

from hubbub.domain.errors import Damaged, StorageFailed
from hubbub.domain.events import Event
from hubbub.domain.ids import LogId
from hubbub.storage.auditing import Auditing
from hubbub.storage.base import Store
from hubbub.storage.postgres import PostgresStore
from hubbub.storage.postgres.auditing import PostgresAudit
from hubbub.storage.postgres.logs import COLUMNS as POSTGRES_COLUMNS
from hubbub.storage.postgres.logs import read_event as read_postgres_event
from hubbub.storage.sqlite import SqliteStore
from hubbub.storage.sqlite.auditing import SqliteAudit
from hubbub.storage.sqlite.logs import COLUMNS, read_event
from hubbub.storage.sqlite.places import position
from hubbub.storage.sqlite.syncing import Pace
from support.postgres import Databases

from .drafting import room, user

Open = Callable[[], Awaitable[Store]]
OpenPostgres = Callable[..., Awaitable[PostgresStore]]


@pytest.fixture
def broken() -> list[StorageFailed]:
    """What the stores of this test said of themselves when they broke."""
    return []


@pytest.fixture
def damaged() -> list[Damaged]:
    """What the stores of this test found damaged."""
    return []


@pytest.fixture
def batches() -> list[int]:
    """How many posts the stores of this test wrote together, batch by batch."""
    return []


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def open_sqlite(
    directory: Path, broken: list[StorageFailed], damaged: list[Damaged], batches: list[int]
) -> Callable[..., SqliteStore]:
    def open(where: Path = directory, **options: object) -> SqliteStore:
        return SqliteStore.open(
            where,
            now_ms=lambda: 1_700_000_000_000,
            randomness=Random(str(where)).randbytes,
            on_broken=broken.append,
            on_damaged=damaged.append,
            on_batch=batches.append,
            **options,
        )

    return open


@pytest.fixture
def open_sqlite_apart(open_sqlite: Callable[..., SqliteStore]) -> Callable[..., SqliteStore]:
    """One that takes its disk to be slow, with a thread that is done at once."""

    def at_once(work: Callable[[], None], done: Callable[[BaseException | None], None]) -> None:
        work()
        done(None)

    return lambda **options: open_sqlite(apart=at_once, pace=Pace(apart=True), **options)


@pytest.fixture
async def open_postgres(
    postgres: str, broken: list[StorageFailed], damaged: list[Damaged], batches: list[int]
) -> AsyncIterator[OpenPostgres]:
    """Another node at the database of this test."""
    opened: list[PostgresStore] = []

    async def open(url: str = postgres, **options: object) -> PostgresStore:
        given = {
            "now_ms": lambda: 1_700_000_000_000,
            "randomness": Random(url).randbytes,
            "monotonic": time.monotonic,
            "on_broken": broken.append,
            "on_damaged": damaged.append,
            "on_batch": batches.append,
        }
        opened.append(await PostgresStore.open(url, **(given | options)))
        return opened[-1]

    yield open
    for store in opened:
        await store.close()


@pytest.fixture(params=["sqlite", "sqlite_apart", "postgres"])
def backend(request: pytest.FixtureRequest) -> str:
    """Whose turn it is: a database, and maybe how it is opened."""
    return request.param


@pytest.fixture
def open_store(request: pytest.FixtureRequest, backend: str) -> Open:
    """Opens the store of this test."""
    opener = request.getfixturevalue(f"open_{backend}")

    async def open() -> Store:
        opened = opener()
        return await opened if isawaitable(opened) else opened

    return open


@pytest.fixture
def spoil_sqlite(directory: Path) -> "SpoilSqlite":
    return SpoilSqlite(directory / "hubbub.db")


@pytest.fixture
def spoil_postgres(postgres: str, databases: Databases) -> "SpoilPostgres":
    return SpoilPostgres(postgres, databases)


@pytest.fixture
def spoil(request: pytest.FixtureRequest, backend: str) -> "SpoilSqlite | SpoilPostgres":
    """Changes what is stored behind the back of the store of this test."""
    return request.getfixturevalue(f"spoil_{backend.partition('_')[0]}")


@pytest.fixture
def audit_sqlite(directory: Path) -> Callable[[], Awaitable[Auditing]]:
    async def open() -> Auditing:
        return SqliteAudit(directory / "hubbub.db")

    return open


@pytest.fixture
def audit_postgres(postgres: str) -> Callable[[], Awaitable[Auditing]]:
    return lambda: PostgresAudit.open(postgres)


@pytest.fixture
def audit(request: pytest.FixtureRequest, backend: str) -> Callable[[], Awaitable[Auditing]]:
    """Looks at the store of this test, whether or not it is open."""
    return request.getfixturevalue(f"audit_{backend.partition('_')[0]}")


@pytest.fixture
async def store(open_store: Open) -> AsyncIterator[Store]:
    store = await open_store()
    await furnish(store)
    yield store
    await store.close()


@pytest.fixture
def reopened(open_store: Open, store: Store) -> Callable[[], Awaitable[Store]]:
    """The same store after a restart."""

    async def reopen() -> Store:
        await store.close()
        return await open_store()

    return reopen


class SpoilSqlite:
    """What a disk, or somebody with another program, does to a store: the store is told nothing of it."""

    knows_ends = False
    """Whether it is written down where a log ends."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def __call__(self, sql: str, *bindings: object) -> list[tuple]:
        """Anything at all, in the database's own words."""
        connection = apsw.Connection(str(self._file))
        connection.wal_autocheckpoint(0)
        connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        try:
            rows = connection.execute(sql, bindings).fetchall()
            assert rows or connection.changes(), "nothing was spoiled"
            return rows
        finally:
            connection.close()

    def event(self, log: LogId, seq: int, **columns: object) -> None:
        changed = ", ".join(f"{name} = ?" for name in columns)
        at = self.position(log, seq)
        self(f"UPDATE events SET {changed} WHERE position = ?", *columns.values(), at)

    def remove(self, log: LogId, seq: int) -> None:
        self("DELETE FROM events WHERE position = ?", self.position(log, seq))

    def move(self, log: LogId, seq: int, to: LogId, to_seq: int) -> None:
        self.event(log, seq, position=self.position(to, to_seq))

    def key(self, key: str, **columns: object) -> None:
        changed = ", ".join(f"{name} = ?" for name in columns)
        self(f"UPDATE keys SET {changed} WHERE key = ?", *columns.values(), key)

    def log(self, log: LogId, **columns: object) -> None:
        changed = ", ".join(f"{name.removeprefix('floor_')} = ?" for name in columns)
        self(f"UPDATE logs SET {changed} WHERE name = ?", *columns.values(), log)

    def text(self, log: LogId, seq: int, content: bytes) -> None:
        """One that may be none."""
        at = self.position(log, seq)
        self("UPDATE events SET text = CAST(? AS TEXT) WHERE position = ?", content, at)

    def cut(self, log: LogId, seq: int) -> None:
        """The last event, and all that tells of it."""
        self.remove(log, seq)

    def end(self, log: LogId, link: bytes) -> None:
        """What the next event is to be tied to: it is written down nowhere."""

    def number(self, log: LogId) -> int:
        ((number,),) = self("SELECT number FROM logs WHERE name = ?", log)
        return number

    def position(self, log: LogId, seq: int) -> int:
        return position(self.number(log), seq)

    # -- looking --------------------------------------------------------------

    def tie(self, log: LogId, seq: int) -> tuple[bytes, bytes]:
        """The salt and the link of an event."""
        (tie,) = self("SELECT salt, link FROM events WHERE position = ?", self.position(log, seq))
        return tie

    def floor_link(self, log: LogId) -> bytes | None:
        ((link,),) = self("SELECT link FROM logs WHERE name = ?", log)
        return link

    def events(self, log: LogId) -> list[tuple[Event, bytes]]:
        """With their salts."""
        sql = f"SELECT {COLUMNS} FROM events WHERE position >> 36 = ? ORDER BY position"
        return [(read_event(log, row), row[-2]) for row in self(sql, self.number(log))]


class SpoilPostgres:
    """The same, for a store in PostgreSQL. What keeps rows from hanging on nothing goes first."""

    knows_ends = True

    def __init__(self, url: str, databases: Databases) -> None:
        self._url = url
        self._databases = databases
        self._aside = databases.aside

    def __call__(self, sql: str, *arguments: object) -> list[asyncpg.Record]:
        """Anything at all, in the database's own words."""
        return self._aside.run(self._do(sql, arguments))

    async def _do(self, sql: str, arguments: tuple[object, ...]) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(self._url, server_settings={"search_path": "hubbub"})
        try:
            for table, name in (("rooms", "rooms_log_fkey"), ("sessions", "sessions_user_fkey")):
                await connection.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}")
            rows = await connection.fetch(f"{sql} RETURNING true" if "SELECT" not in sql else sql, *arguments)
            assert rows, "nothing was spoiled"
            return rows
        finally:
            await connection.close()

    def event(self, log: LogId, seq: int, **columns: object) -> None:
        self(f"UPDATE events SET {_set(columns)} WHERE {self._place(log, seq)}", *_typed(columns))

    def remove(self, log: LogId, seq: int) -> None:
        self(f"DELETE FROM events WHERE {self._place(log, seq)}")

    def move(self, log: LogId, seq: int, to: LogId, to_seq: int) -> None:
        where = self._place(log, seq)
        self(f"UPDATE events SET log = {self.number(to)}, seq = {to_seq} WHERE {where}")

    def key(self, key: str, **columns: object) -> None:
        self(f"UPDATE keys SET {_set(columns)} WHERE key = '{key}'", *_typed(columns))

    def log(self, log: LogId, **columns: object) -> None:
        self(f"UPDATE logs SET {_set(columns)} WHERE name = '{log}'", *columns.values())

    def text(self, log: LogId, seq: int, content: bytes) -> None:
        self._databases.allow_texts_that_are_none(self._url)
        self(f"UPDATE events SET text = $1::bytea::text WHERE {self._place(log, seq)}", content)

    def cut(self, log: LogId, seq: int) -> None:
        self.remove(log, seq)
        self.log(log, head=seq - 1, link=self.tie(log, seq - 1)[1])

    def end(self, log: LogId, link: bytes) -> None:
        self.log(log, link=link)

    # -- looking --------------------------------------------------------------

    def tie(self, log: LogId, seq: int) -> tuple[bytes, bytes]:
        (tie,) = self(f"SELECT salt, link FROM events WHERE {self._place(log, seq)}")
        return tie[0], tie[1]

    def floor_link(self, log: LogId) -> bytes | None:
        ((link,),) = self("SELECT floor_link FROM logs WHERE name = $1", log)
        return link

    def events(self, log: LogId) -> list[tuple[Event, bytes]]:
        sql = f"SELECT {POSTGRES_COLUMNS} FROM events WHERE log = $1 ORDER BY seq"
        return [(read_postgres_event(log, row), row["salt"]) for row in self(sql, self.number(log))]

    def _place(self, log: LogId, seq: int) -> str:
        return f"log = {self.number(log)} AND seq = {seq}"

    def number(self, log: LogId) -> int:
        ((number,),) = self("SELECT number FROM logs WHERE name = $1", log)
        return number


def _set(columns: dict[str, object]) -> str:
    return ", ".join(f"{name} = ${n}" for n, name in enumerate(columns, 1))


def _typed(columns: dict[str, object]) -> list[object]:
    return [bool(value) if name == "sent" else value for name, value in columns.items()]


async def furnish(store: Store) -> None:
    for name in ("ada", "bob", "cy"):
        await store.create_user(user(name), f"hash of {name}")
    await store.create_room(room("lounge", "Lounge"), "lounge")
    await store.create_room(room("attic", "Attic"), "attic")
