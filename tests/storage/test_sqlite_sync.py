"""An acknowledgement comes after the sync, as the disk sees it and not only by the settings."""

from collections.abc import Callable, Iterator

import pytest

from hubbub.storage.sqlite import SqliteStore

from .conftest import furnish
from .drafting import LOUNGE, draft
from .faulty_disk import FaultyDisk


class WatchedDisk(FaultyDisk):
    """Notes in which order the write-ahead log is written and synced."""

    def __init__(self) -> None:
        super().__init__()
        self.log: list[str] = []

    def check(self, operation: str, file: str) -> None:
        super().check(operation, file)
        if file.endswith("-wal"):
            self.log.append(operation)


@pytest.fixture
def disk() -> Iterator[WatchedDisk]:
    disk = WatchedDisk()
    yield disk
    disk.unregister()


async def test_every_batch_is_synced_before_it_is_acknowledged(
    open_sqlite: Callable[..., SqliteStore], disk: WatchedDisk
):
    store = open_sqlite(vfs=disk.name)
    await furnish(store)
    for size in (1, 3):
        disk.log.clear()
        store.append(
            [draft(LOUNGE, "x") for _ in range(size)], lambda outcomes: disk.log.append("acknowledged")
        )
        *written, synced, acknowledged = disk.log
        assert (synced, acknowledged) == ("sync", "acknowledged")
        assert set(written) == {"write"}
    await store.close()


async def test_signing_up_and_opening_a_room_are_synced_too(
    open_sqlite: Callable[..., SqliteStore], disk: WatchedDisk
):
    store = open_sqlite(vfs=disk.name)
    await furnish(store)
    assert disk.log[-1] == "sync"
    await store.close()
