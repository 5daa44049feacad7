"""A store of each kind, with three people and two rooms in it, that can be closed and opened again."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from random import Random

import apsw
import pytest

from hubbub.domain.errors import Damaged, StorageFailed
from hubbub.domain.ids import LogId
from hubbub.storage.auditing import Auditing
from hubbub.storage.base import Store
from hubbub.storage.sqlite import SqliteStore
from hubbub.storage.sqlite.auditing import SqliteAudit
from hubbub.storage.sqlite.places import position
from hubbub.storage.sqlite.syncing import Pace

from .drafting import room, user

Open = Callable[[], Store]


@pytest.fixture
def broken() -> list[StorageFailed]:
    """What the stores of this test said of themselves when they broke."""
    return []


@pytest.fixture
def damaged() -> list[Damaged]:
    """What the stores of this test found damaged."""
    return []


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def open_sqlite(
    directory: Path, broken: list[StorageFailed], damaged: list[Damaged]
) -> Callable[..., SqliteStore]:
    def open(where: Path = directory, **options: object) -> SqliteStore:
        return SqliteStore.open(
            where,
            now_ms=lambda: 1_700_000_000_000,
            randomness=Random(str(where)).randbytes,
            on_broken=broken.append,
            on_damaged=damaged.append,
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


@pytest.fixture(params=["sqlite", "sqlite_apart"])
def backend(request: pytest.FixtureRequest) -> str:
    """Whose turn it is: a database, and maybe how it is opened."""
    return request.param


@pytest.fixture
def open_store(request: pytest.FixtureRequest, backend: str) -> Open:
    """Opens the store of this test."""
    return request.getfixturevalue(f"open_{backend}")


@pytest.fixture
def spoil_sqlite(directory: Path) -> "SpoilSqlite":
    return SpoilSqlite(directory / "hubbub.db")


@pytest.fixture
def spoil(request: pytest.FixtureRequest, backend: str) -> "SpoilSqlite":
    """Changes what is stored behind the back of the store of this test."""
    return request.getfixturevalue(f"spoil_{backend.partition('_')[0]}")


@pytest.fixture
def audit_sqlite(directory: Path) -> Callable[[], Auditing]:
    return lambda: SqliteAudit(directory / "hubbub.db")


@pytest.fixture
def audit(request: pytest.FixtureRequest, backend: str) -> Callable[[], Auditing]:
    """Looks at the store of this test, whether or not it is open."""
    return request.getfixturevalue(f"audit_{backend.partition('_')[0]}")


@pytest.fixture
async def store(open_store: Open) -> AsyncIterator[Store]:
    store = open_store()
    await furnish(store)
    yield store
    await store.close()


@pytest.fixture
def reopened(open_store: Open, store: Store) -> Callable[[], Awaitable[Store]]:
    """The same store after a restart."""

    async def reopen() -> Store:
        await store.close()
        return open_store()

    return reopen


class SpoilSqlite:
    """What a disk, or somebody with another program, does to a store: the store is told nothing of it."""

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

    def position(self, log: LogId, seq: int) -> int:
        ((number,),) = self("SELECT number FROM logs WHERE name = ?", log)
        return position(number, seq)


async def furnish(store: Store) -> None:
    for name in ("ada", "bob", "cy"):
        await store.create_user(user(name), f"hash of {name}")
    await store.create_room(room("lounge", "Lounge"), "lounge")
    await store.create_room(room("attic", "Attic"), "attic")
