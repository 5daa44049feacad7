"""What marks and conversations cost a SQLite store, and what becomes of them when its disk is in the way."""

import asyncio
from collections.abc import Callable, Iterator

import pytest

from hubbub.domain.errors import StorageFull
from hubbub.domain.ids import UserId, inbox_log
from hubbub.storage.base import MAX_PAGE_BYTES
from hubbub.storage.sqlite import SqliteStore, marks
from support.deadline import deadline
from support.disk import Disk

from .conftest import furnish
from .drafting import LOUNGE, draft, post, say
from .test_contract_marks import conversations, followed

ADA = inbox_log("ada")
LONG = "x" * 16_000


@pytest.fixture
def disk() -> Iterator[Disk]:
    disk = Disk()
    yield disk
    disk.unregister()


@pytest.fixture
async def store(open_sqlite: Callable[..., SqliteStore], disk: Disk):
    store = open_sqlite(vfs=disk.name)
    await furnish(store)
    yield store
    disk.heal()
    await store.close()


async def pages(store: SqliteStore) -> list[list[str]]:
    found: list[list[str]] = []
    after, more = None, True
    while more:
        page, more = await store.conversations(UserId("ada"), after=after, limit=10)
        found.append([each.peer for each in page])
        after = page[-1].peer
    return found


async def test_a_page_of_conversations_ends_where_it_has_counted_enough(store, monkeypatch):
    monkeypatch.setattr(marks, "MOST_COUNTED", 1)
    post(store, *(draft(ADA, "x", sender=name) for name in ("bob", "cy", "cy", "bob")))

    assert await pages(store) == [["bob"], ["cy"]]


async def test_a_page_of_conversations_ends_where_its_texts_are_large_enough(store, monkeypatch):
    post(store, *(draft(ADA, LONG, sender=name) for name in ("ada", "bob", "cy")))
    assert await pages(store) == [["ada", "bob", "cy"]]

    monkeypatch.setattr(marks, "MAX_PAGE_BYTES", len(f'"{LONG}"'))

    assert len(LONG) < MAX_PAGE_BYTES
    assert await pages(store) == [["ada", "bob"], ["cy"]]


async def test_the_newest_are_counted_where_not_all_are(store, monkeypatch):
    monkeypatch.setattr(marks, "MOST_UNREAD", 3)
    post(store, *(draft(inbox_log("bob"), "x") for _ in range(9)), draft(ADA, "well?", sender="bob"))

    assert await conversations(store) == [("bob", 0, 1, "well?")]


async def test_marks_and_their_ends_are_told_in_the_order_in_which_they_were_written(store):
    say(store, LOUNGE, "a", "b")
    told = []

    async def mark(seq: int) -> None:
        told.append(await store.mark(UserId("ada"), LOUNGE, seq))

    async def unmark() -> None:
        told.append(await store.unmark(UserId("ada"), LOUNGE))

    await asyncio.gather(mark(2), unmark(), mark(1))
    assert told == [(2, True), True, (1, True)]
    assert await followed(store) == [("lounge", 1, 2)]

    told.clear()
    await asyncio.gather(mark(2), unmark())
    assert told == [(2, True), True]
    assert await followed(store) == []


async def test_who_stops_waiting_keeps_nobody_elses_mark_from_being_told(store):
    say(store, LOUNGE, "a")
    gone = asyncio.ensure_future(store.mark(UserId("ada"), LOUNGE, 1))
    other = asyncio.ensure_future(store.mark(UserId("bob"), LOUNGE, 1))
    await asyncio.sleep(0)
    gone.cancel()

    async with deadline():
        assert await other == (1, True)
    assert await followed(store, "ada") == [("lounge", 1, 1)]


async def test_when_the_disk_is_full_no_mark_moves_and_reading_goes_on(store, disk, broken):
    say(store, LOUNGE, "a", "b")
    await store.mark(UserId("ada"), LOUNGE, 1)
    disk.full()

    refused = await asyncio.gather(
        store.mark(UserId("ada"), LOUNGE, 2), store.mark(UserId("bob"), LOUNGE, 2), return_exceptions=True
    )
    assert [type(each) for each in refused] == [StorageFull, StorageFull]
    assert await followed(store) == [("lounge", 1, 2)]
    assert await followed(store, "bob") == []
    assert broken == []

    disk.heal()
    assert await store.mark(UserId("ada"), LOUNGE, 2) == (2, True)


async def test_a_mark_that_waits_when_the_store_is_closed_is_written(open_sqlite):
    store = open_sqlite()
    await furnish(store)
    waiting = asyncio.ensure_future(store.mark(UserId("ada"), LOUNGE, 0))
    await asyncio.sleep(0)

    await store.close()

    assert await waiting == (0, True)
