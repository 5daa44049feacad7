"""The promises of `storage.base.Store` about what was read, held against every backend."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from hubbub.domain.errors import NoSuchUser
from hubbub.domain.ids import RoomId, UserId, inbox_log
from hubbub.storage.base import MOST_UNREAD, Store

from .drafting import ATTIC, LOUNGE, draft
from .posting import post, say

ADA, BOB, CY = inbox_log("ada"), inbox_log("bob"), inbox_log("cy")
Reopened = Callable[[], Awaitable[Store]]


async def followed(store: Store, name: str = "ada") -> list[tuple[str, int, int]]:
    rooms, more = await store.followed(UserId(name), after=None, limit=100)
    assert not more
    return [(each.room, each.seq, each.head) for each in rooms]


async def conversations(store: Store, name: str = "ada") -> list[tuple[str, int, int, str]]:
    """Whom with, the mark, how many are unread, what was said last."""
    found, more = await store.conversations(UserId(name), after=None, limit=100)
    assert not more
    return [(each.peer, each.seq, each.unread, each.last.text) for each in found if each.last]


# -- marks ------------------------------------------------------------------


async def test_a_mark_never_goes_back_and_says_whether_it_moved(store: Store):
    await say(store, LOUNGE, "a", "b", "c")

    assert await store.mark(UserId("ada"), LOUNGE, 2) == (2, True)
    assert await store.mark(UserId("ada"), LOUNGE, 1) == (2, False)
    assert await store.mark(UserId("ada"), LOUNGE, 2) == (2, False)
    assert await store.mark(UserId("ada"), LOUNGE, 3) == (3, True)
    assert await followed(store) == [("lounge", 3, 3)]


async def test_of_marks_moved_at_once_the_larger_stays(store: Store):
    await say(store, LOUNGE, "a", "b", "c")

    moved = await asyncio.gather(*(store.mark(UserId("ada"), LOUNGE, seq) for seq in (1, 3, 2)))

    assert moved == [(1, True), (3, True), (3, False)]
    assert await followed(store) == [("lounge", 3, 3)]


async def test_a_mark_at_nothing_is_a_mark(store: Store):
    assert await store.mark(UserId("ada"), LOUNGE, 0) == (0, True)
    assert await store.mark(UserId("ada"), LOUNGE, 0) == (0, False)
    assert await followed(store) == [("lounge", 0, 0)]


async def test_a_mark_is_one_users_own_and_there_after_a_restart(store: Store, reopened: Reopened):
    await say(store, LOUNGE, "a", "b")
    await store.mark(UserId("ada"), LOUNGE, 1)
    await store.mark(UserId("bob"), LOUNGE, 2)

    store = await reopened()

    assert await followed(store) == [("lounge", 1, 2)]
    assert await followed(store, "bob") == [("lounge", 2, 2)]
    assert await followed(store, "cy") == []
    await store.close()


async def test_who_unmarks_a_room_follows_it_no_more_and_may_begin_again_lower(store: Store):
    await say(store, LOUNGE, "a", "b")
    await store.mark(UserId("ada"), LOUNGE, 2)
    await store.mark(UserId("bob"), LOUNGE, 2)

    assert await store.unmark(UserId("ada"), LOUNGE)
    assert not await store.unmark(UserId("ada"), LOUNGE)

    assert await followed(store) == []
    assert await followed(store, "bob") == [("lounge", 2, 2)]
    assert await store.mark(UserId("ada"), LOUNGE, 1) == (1, True)


async def test_followed_rooms_are_listed_by_id_page_by_page(store: Store):
    await store.mark(UserId("ada"), LOUNGE, 0)
    await store.mark(UserId("ada"), ATTIC, 0)
    await store.mark(UserId("ada"), BOB, 0)

    first, more = await store.followed(UserId("ada"), after=None, limit=1)
    assert ([each.room for each in first], more) == (["attic"], True)
    rest, more = await store.followed(UserId("ada"), after=first[0].room, limit=1)
    assert ([each.room for each in rest], more) == (["lounge"], False)
    assert await store.followed(UserId("ada"), after=RoomId("lounge"), limit=1) == ([], False)


async def test_nobody_has_no_marks(store: Store):
    nobody = UserId("nobody")
    for asked in (
        store.mark(nobody, LOUNGE, 0),
        store.unmark(nobody, LOUNGE),
        store.followed(nobody, after=None, limit=1),
        store.conversations(nobody, after=None, limit=1),
    ):
        with pytest.raises(NoSuchUser):
            await asked


# -- conversations ----------------------------------------------------------


async def test_both_sides_have_their_conversation_with_what_the_other_said_unread(store: Store):
    await post(store, draft(BOB, "one"), draft(BOB, "two"), draft(ADA, "three", sender="bob"))

    assert await conversations(store) == [("bob", 0, 1, "three")]
    assert await conversations(store, "bob") == [("ada", 0, 2, "three")]
    assert await conversations(store, "cy") == []


async def test_what_lies_before_the_mark_is_read(store: Store):
    await post(store, *(draft(ADA, text, sender="bob") for text in "abc"), draft(ADA, "hi", sender="cy"))

    assert await store.mark(UserId("ada"), BOB, 2) == (2, True)

    assert await conversations(store) == [("bob", 2, 1, "c"), ("cy", 0, 1, "hi")]
    await store.mark(UserId("ada"), BOB, 4)
    assert await conversations(store) == [("bob", 4, 0, "c"), ("cy", 0, 1, "hi")]


async def test_a_note_to_oneself_is_a_conversation_and_never_unread(store: Store):
    await say(store, ADA, "milk")

    assert await conversations(store) == [("ada", 0, 0, "milk")]


async def test_conversations_are_listed_by_name_page_by_page(store: Store):
    await post(store, *(draft(ADA, name, sender=name) for name in ("cy", "ada", "bob", "cy")))

    names = []
    after, more = None, True
    while more:
        (found,), more = await store.conversations(UserId("ada"), after=after, limit=1)
        names.append(found.peer)
        after = found.peer
    assert names == ["ada", "bob", "cy"]
    assert await store.conversations(UserId("ada"), after=UserId("cy"), limit=1) == ([], False)


async def test_no_more_is_counted_as_unread_than_anybody_looks_at(store: Store):
    await post(store, *(draft(ADA, "x", sender="bob") for _ in range(MOST_UNREAD + 5)))

    ((_, _, unread, _),) = await conversations(store)
    assert unread == MOST_UNREAD


async def test_what_retention_removed_is_neither_unread_nor_listed(store: Store):
    await post(store, *(draft(ADA, f"{at}", sender="bob", at=at) for at in (1, 2, 3)))
    await post(store, draft(ADA, "old", sender="cy", at=1))

    await store.trim(sent_before_ms=3, limit=100)
    assert await conversations(store) == [("bob", 0, 1, "3"), ("cy", 0, 1, "old")]

    await store.trim(sent_before_ms=10, limit=100)
    assert await conversations(store) == []


async def test_conversations_outlive_a_restart(store: Store, reopened: Reopened):
    await post(store, draft(BOB, "one"))
    await store.mark(UserId("bob"), ADA, 1)

    store = await reopened()

    assert await conversations(store, "bob") == [("ada", 1, 0, "one")]
    await store.close()
