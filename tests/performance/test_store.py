"""What storing costs, in statements and syncs: bounds from above, for less is better."""

import asyncio
import os

import pytest

from hubbub.domain.ids import inbox_log
from hubbub.storage.base import MOST_UNREAD
from hubbub.storage.sqlite import SqliteStore
from performance.counting import Disk, statements
from storage.conftest import furnish
from storage.drafting import ATTIC, LOUNGE, draft, post, user

A_BATCH = 2
"""BEGIN and COMMIT."""

A_POST = 1
"""The event."""

A_KEYED_POST = 2
"""The key, which says whether it was used; the event."""

A_RETRY = 3
"""The key; what it was used for; the text it was used with."""

A_DIRECT_POST = 2
"""The event, and its author's copy."""

BOB = inbox_log("bob")

BOTH_WAYS = [(BOB, "ada"), (inbox_log("ada"), "bob"), (inbox_log("ada"), "cy")]

SPARE_STEPS = 50
"""By which a longer log may differ: rows are found at other places of their pages."""


@pytest.fixture
def disk():
    return Disk()


@pytest.fixture
async def counted(tmp_path, disk):
    """A store whose logs have begun, and what it asks SQLite."""
    with statements() as asked:
        store = SqliteStore.open(
            tmp_path / "store", now_ms=lambda: 1, randomness=os.urandom, on_broken=print, vfs=disk.name
        )
        await furnish(store)
        post(store, draft(LOUNGE, "the first"), draft(ATTIC, "the first"), draft(BOB, "the first"))
        asked.forget()
        disk.syncs = 0
        yield store, asked
        await store.close()


@pytest.mark.parametrize("count", [1, 10, 1000])
@pytest.mark.parametrize(
    ("each", "make"),
    [
        (A_POST, lambda number: draft(LOUNGE, f"text {number}")),
        (A_POST, lambda number: draft((LOUNGE, ATTIC)[number % 2], f"text {number}")),
        (A_KEYED_POST, lambda number: draft(LOUNGE, f"text {number}", key=f"key {number}")),
        (A_DIRECT_POST, lambda number: draft(BOB, f"text {number}")),
    ],
    ids=["a post", "posts to two rooms", "a post with a key", "a direct post"],
)
async def test_a_batch_takes_so_many_statements_and_is_committed_and_synced_once(
    counted, disk, count, each, make
):
    store, asked = counted
    post(store, *(make(number) for number in range(count)))
    assert len(asked.sql) <= A_BATCH + count * each
    assert asked.starting("COMMIT", "END") == 1
    assert asked.starting("INSERT") >= count
    assert asked.scanned == 0
    assert disk.syncs == 1


async def test_a_retry_costs_little_more_than_a_post_and_adds_nothing(counted):
    store, asked = counted
    keyed = [draft(LOUNGE, "again", key=f"key {number}") for number in range(100)]
    post(store, *keyed)
    asked.forget()
    post(store, *keyed)
    assert len(asked.sql) <= A_BATCH + 100 * A_RETRY
    assert asked.starting("INSERT INTO EVENTS") == 0


async def test_reading_a_page_is_no_commit_and_no_sync(counted, disk):
    store, asked = counted
    await store.page(LOUNGE, after=0)
    assert asked.starting("COMMIT", "BEGIN") == 0
    assert disk.syncs == 0


READERS = 50


async def test_marks_that_move_in_one_turn_are_committed_and_synced_once(counted, disk):
    """After a post in a busy room everybody moves a mark."""
    store, asked = counted
    for number in range(READERS):
        await store.create_user(user(f"reader{number}"), "none")
    asked.forget()
    disk.syncs = 0
    moved = await asyncio.gather(*(store.mark(f"reader{number}", LOUNGE, 1) for number in range(READERS)))
    assert moved == [(1, True)] * READERS
    assert asked.starting("COMMIT", "END") == 1
    assert disk.syncs == 1


async def test_a_mark_that_stays_where_it_is_is_no_commit(counted, disk):
    store, asked = counted
    await store.mark("bob", LOUNGE, 1)
    asked.forget()
    disk.syncs = 0
    await store.mark("bob", LOUNGE, 1)
    assert asked.starting("COMMIT", "END") == 0
    assert disk.syncs == 0


async def test_the_list_of_conversations_costs_no_more_for_a_larger_inbox(counted):
    store, asked = counted
    ada = inbox_log("ada")
    steps = []
    for count in (10, 3000):
        post(store, *(draft(place, "x", sender=sender) for _ in range(count) for place, sender in BOTH_WAYS))
        await store.mark("ada", BOB, await store.head(ada))
        await store.mark("ada", inbox_log("cy"), await store.head(ada))
        asked.forget()
        found, _ = await store.conversations("ada", after=None, limit=100)
        assert [(each.peer, each.unread) for each in found] == [("bob", 0), ("cy", 0)]
        steps.append(asked.steps)
        assert asked.scanned == 0
    assert steps[1] <= steps[0] + SPARE_STEPS, steps


async def test_counting_what_is_unread_has_a_bound(counted):
    store, asked = counted
    steps = []
    for _ in range(2):
        post(store, *(draft(inbox_log("ada"), "x", sender="cy") for _ in range(MOST_UNREAD)))
        asked.forget()
        found, _ = await store.conversations("ada", after=None, limit=100)
        assert found[-1].unread == MOST_UNREAD
        steps.append(asked.steps)
    assert steps[1] <= steps[0] + SPARE_STEPS, steps
