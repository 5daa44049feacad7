"""A store of each kind, with three people and two rooms in it, that can be closed and opened again."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from random import Random

import pytest

from hubbub.domain.errors import StorageFailed
from hubbub.storage.base import Store
from hubbub.storage.sqlite import SqliteStore
from hubbub.storage.sqlite.syncing import Pace

from .drafting import room, user

Open = Callable[[], Store]


@pytest.fixture
def broken() -> list[StorageFailed]:
    """What the stores of this test said of themselves when they broke."""
    return []


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def open_sqlite(directory: Path, broken: list[StorageFailed]) -> Callable[..., SqliteStore]:
    def open(where: Path = directory, **options: object) -> SqliteStore:
        return SqliteStore.open(
            where,
            now_ms=lambda: 1_700_000_000_000,
            randomness=Random(str(where)).randbytes,
            on_broken=broken.append,
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
def open_store(request: pytest.FixtureRequest) -> Open:
    """Opens the store of this test, of the backend whose turn it is."""
    return request.getfixturevalue(f"open_{request.param}")


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


async def furnish(store: Store) -> None:
    for name in ("ada", "bob", "cy"):
        await store.create_user(user(name), f"hash of {name}")
    await store.create_room(room("lounge", "Lounge"), "lounge")
    await store.create_room(room("attic", "Attic"), "attic")
