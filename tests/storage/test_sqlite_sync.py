"""An acknowledgement comes after the sync, as the disk sees it and not only by the settings."""

from collections.abc import Callable, Iterator

import pytest

from hubbub.storage.sqlite import SqliteStore
from support.disk import Disk

from .conftest import furnish
from .drafting import LOUNGE, draft


@pytest.fixture
def said() -> list[str]:
    """What was done to the write-ahead log, and told of it, in order."""
    return []


@pytest.fixture
def disk(said: list[str]) -> Iterator[Disk]:
    disk = Disk()

    def note(kind: str, file: str) -> None:
        if file.endswith("-wal") and kind in ("write", "sync"):
            said.append(kind)

    disk.before = note
    yield disk
    disk.unregister()


async def test_every_batch_is_synced_before_it_is_acknowledged(
    open_sqlite: Callable[..., SqliteStore], disk: Disk, said: list[str]
):
    store = open_sqlite(vfs=disk.name)
    await furnish(store)
    for size in (1, 3):
        said.clear()
        store.append([draft(LOUNGE, "x") for _ in range(size)], lambda outcomes: said.append("acknowledged"))
        *written, synced, acknowledged = said
        assert (synced, acknowledged) == ("sync", "acknowledged")
        assert set(written) == {"write"}
    await store.close()


async def test_signing_up_and_opening_a_room_are_synced_too(
    open_sqlite: Callable[..., SqliteStore], disk: Disk, said: list[str]
):
    store = open_sqlite(vfs=disk.name)
    await furnish(store)
    assert said[-1] == "sync"
    await store.close()
