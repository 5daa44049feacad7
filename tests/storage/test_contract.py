"""The promises of `storage.base.Store` about logs, held against every backend."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import pytest

from hubbub.domain.errors import BadInput, HeadMoved, KeyReused, NoSuchRoom, NoSuchUser
from hubbub.domain.events import Gap, Posted
from hubbub.domain.ids import inbox_log, room_log
from hubbub.storage.base import EVERYTHING, MAX_PAGE_BYTES, RECEIVED, Between, Outcome, Store

from .drafting import ATTIC, LOUNGE, draft, seqs, texts, user
from .posting import append, post, say

ADA, BOB, CY = inbox_log("ada"), inbox_log("bob"), inbox_log("cy")
Reopened = Callable[[], Awaitable[Store]]


# -- posting ----------------------------------------------------------------


async def test_each_log_counts_from_one_without_holes_in_the_order_of_the_drafts(store: Store):
    outcomes = await post(
        store, *(draft(log, text) for log, text in zip([LOUNGE, ATTIC] * 3, "abcdef", strict=True))
    )

    assert [(o.receipt.log, o.receipt.seq, o.receipt.text) for o in outcomes] == [
        (LOUNGE, 1, "a"),
        (ATTIC, 1, "b"),
        (LOUNGE, 2, "c"),
        (ATTIC, 2, "d"),
        (LOUNGE, 3, "e"),
        (ATTIC, 3, "f"),
    ]
    assert seqs(await say(store, LOUNGE, "g")) == [4]


async def test_posting_from_many_tasks_at_once_leaves_no_hole_and_no_double(store: Store):
    told: list[Sequence[Outcome]] = []

    async def chatter(name: str):
        for n in range(20):
            store.append([draft(LOUNGE, f"{name}{n}", sender=name)], told.append)
            await asyncio.sleep(0)

    await asyncio.gather(*map(chatter, ("ada", "bob", "cy")))
    await append(store)  # told after all before it

    assert [outcome.receipt.seq for (outcome,) in told] == list(range(1, 61))
    assert (await store.page(LOUNGE)).events == [outcome.receipt for (outcome,) in told]


async def test_a_post_gives_back_all_that_was_said_of_it(store: Store):
    message = draft(LOUNGE, "grüß Gott 🙂", sender="bob", key="k1", at=42)

    (posted,) = await post(store, message)

    event = posted.receipt
    assert posted.events == (event,)
    assert not posted.repeated
    assert (event.log, event.seq, event.id, event.kind) == (LOUNGE, 1, message.id, "message")
    assert (event.sender, event.to, event.text, event.key) == ("bob", None, "grüß Gott 🙂", "k1")
    assert event.sent_at_ms == 42
    assert await store.event(LOUNGE, 1) == event


async def test_what_was_acknowledged_is_there_after_a_restart(store: Store, reopened: Reopened):
    said = await say(store, LOUNGE, "a", "b")
    await post(store, draft(BOB, "psst"))

    store = await reopened()

    assert (await store.page(LOUNGE)).events == said
    assert await store.head(BOB) == 1
    assert seqs(await say(store, LOUNGE, "c")) == [3]
    await store.close()


async def test_an_empty_batch_is_answered(store: Store):
    assert await append(store) == []


async def test_a_refused_draft_leaves_the_rest_of_its_batch_alone(store: Store):
    outcomes = await append(
        store,
        draft(LOUNGE, "a"),
        draft(room_log("nowhere"), "b"),
        draft(inbox_log("nobody"), "c"),
        draft(BOB, "d", sender="nobody"),
        draft(LOUNGE, "\ud83d"),
        draft(LOUNGE, "e", expected_head=7),
        draft(LOUNGE, "f"),
    )

    assert [type(outcome) for outcome in outcomes] == [
        Posted,
        NoSuchRoom,
        NoSuchUser,
        NoSuchUser,
        BadInput,
        HeadMoved,
        Posted,
    ]
    assert texts((await store.page(LOUNGE)).events) == ["a", "f"]
    assert await store.head(BOB) == 0


# -- direct messages --------------------------------------------------------


async def test_a_direct_message_stands_in_both_inboxes_under_one_id(store: Store):
    await say(store, ADA, "a note to myself")

    (posted,) = await post(store, draft(BOB, "psst", key="k"))

    received, sent = posted.events
    assert posted.receipt == sent
    assert (received.log, received.seq, received.kind) == (BOB, 1, "message")
    assert (sent.log, sent.seq, sent.kind) == (ADA, 2, "sent")
    assert received.id == sent.id
    assert {(e.sender, e.to, e.text, e.key) for e in posted.events} == {("ada", "bob", "psst", "k")}
    assert (await store.page(BOB)).events == [received]
    assert await store.event(ADA, 2) == sent


async def test_a_message_to_oneself_stands_in_the_inbox_once(store: Store):
    (posted,) = await post(store, draft(ADA, "buy milk"))

    assert posted.events == (posted.receipt,)
    assert (posted.receipt.kind, posted.receipt.to) == ("message", "ada")
    assert (await store.page(ADA)).events == [posted.receipt]
    assert (await store.page(ADA, view=RECEIVED)).events == [posted.receipt]
    assert (await store.page(ADA, view=Between("ada"))).events == [posted.receipt]


async def test_an_inbox_shows_what_was_received_or_what_two_wrote_to_each_other(store: Store):
    await post(
        store,
        draft(BOB, "ada to bob"),
        draft(ADA, "bob to ada", sender="bob"),
        draft(CY, "ada to cy"),
        draft(ADA, "cy to ada", sender="cy"),
        draft(BOB, "cy to bob", sender="cy"),
    )

    assert texts((await store.page(ADA)).events) == ["ada to bob", "bob to ada", "ada to cy", "cy to ada"]
    assert texts((await store.page(ADA, view=RECEIVED)).events) == ["bob to ada", "cy to ada"]
    assert texts((await store.page(ADA, view=Between("bob"))).events) == ["ada to bob", "bob to ada"]
    assert texts((await store.page(BOB, view=Between("ada"))).events) == ["ada to bob", "bob to ada"]
    assert texts((await store.page(BOB, view=Between("cy"))).events) == ["cy to bob"]
    assert (await store.page(ADA, view=Between("nobody"))).events == []


# -- keys -------------------------------------------------------------------


async def test_a_key_used_again_answers_with_the_first_message(store: Store, reopened: Reopened):
    first, again = await post(store, draft(LOUNGE, "a", key="k", at=5), draft(LOUNGE, "a", key="k", at=9))
    (later,) = await post(store, draft(LOUNGE, "a", key="k", at=9))
    store = await reopened()
    (restarted,) = await post(store, draft(LOUNGE, "a", key="k", at=9))

    for retry in (again, later, restarted):
        assert retry.repeated
        assert retry.receipt == first.receipt
    assert await store.head(LOUNGE) == 1
    await store.close()


@pytest.mark.parametrize("place", [BOB, ADA], ids=["to another", "to oneself"])
async def test_a_direct_message_sent_again_answers_with_the_senders_own_entry(store: Store, place):
    await say(store, CY, "before")
    first, again = await post(store, draft(place, "a", key="k"), draft(place, "a", key="k"))

    assert first.receipt.log == ADA
    assert again.receipt == first.receipt
    assert await store.head(place) == first.events[0].seq


async def test_a_key_used_for_another_text_is_refused_and_names_the_first(store: Store):
    (first,) = await post(store, draft(LOUNGE, "a", key="k"))

    (refused,) = await append(store, draft(LOUNGE, "b", key="k"))

    assert isinstance(refused, KeyReused)
    assert refused.members["conflicts_with"] == first.receipt.id
    assert await store.head(LOUNGE) == 1


async def test_a_key_counts_for_one_sender_in_one_place(store: Store):
    outcomes = await post(
        store,
        draft(LOUNGE, "a", key="k"),
        draft(LOUNGE, "b", key="k", sender="bob"),
        draft(ATTIC, "c", key="k"),
        draft(BOB, "d", key="k"),
        draft(CY, "e", key="k"),
        draft(ADA, "f", key="k", sender="cy"),
    )

    assert not any(outcome.repeated for outcome in outcomes)


async def test_a_key_is_safe_for_ever_also_when_its_message_was_removed(store: Store, reopened: Reopened):
    firsts = await post(store, *(draft(place, "a", key="k", at=5) for place in (LOUNGE, BOB, ADA)))
    await store.trim(sent_before_ms=6, limit=100)
    assert (await store.page(LOUNGE)).events == []
    store = await reopened()

    again = await post(store, *(draft(place, "a", key="k", at=9) for place in (LOUNGE, BOB, ADA)))
    other = await append(store, *(draft(place, "b", key="k", at=9) for place in (LOUNGE, BOB, ADA)))

    assert [retry.receipt for retry in again] == [first.receipt for first in firsts]
    assert [type(outcome) for outcome in other] == [KeyReused] * 3
    assert [o.members["conflicts_with"] for o in other] == [first.receipt.id for first in firsts]
    await store.close()


async def test_a_retry_is_answered_when_only_the_senders_own_entry_was_removed(store: Store):
    (first,) = await post(store, draft(BOB, "a", key="k", at=5))
    await say(store, CY, "x")
    await store.trim(sent_before_ms=6, limit=1)

    (again,) = await post(store, draft(BOB, "a", key="k", at=9))

    assert again.receipt == first.receipt


# -- conditions -------------------------------------------------------------


async def test_a_post_that_expects_the_head_is_stored_only_when_it_is_right(store: Store):
    outcomes = await append(
        store,
        draft(LOUNGE, "a", expected_head=0),
        draft(LOUNGE, "b", expected_head=0),
        draft(LOUNGE, "c", expected_head=1),
    )

    assert [type(outcome) for outcome in outcomes] == [Posted, HeadMoved, Posted]
    assert outcomes[1].head == 1


async def test_a_known_key_answers_before_the_expected_head_is_looked_at(store: Store):
    first, again = await post(
        store, draft(LOUNGE, "a", key="k", expected_head=0), draft(LOUNGE, "a", key="k", expected_head=0)
    )

    assert again.receipt == first.receipt


async def test_a_key_whose_post_was_refused_is_still_free(store: Store):
    await append(store, draft(LOUNGE, "a", key="k", expected_head=9))
    await append(store, draft(LOUNGE, "half a pair: \ud800", key="k"))

    (posted,) = await post(store, draft(LOUNGE, "b", key="k"))

    assert not posted.repeated


# -- reading ----------------------------------------------------------------


async def test_the_head_of_a_log_is_its_last_seq_and_nothing_for_no_log(store: Store):
    await say(store, LOUNGE, "a", "b")

    assert await store.head(LOUNGE) == 2
    assert await store.head(ATTIC) == 0
    assert await store.head(ADA) == 0
    assert await store.head(room_log("nowhere")) is None
    assert await store.head(inbox_log("nobody")) is None


async def test_an_event_is_found_by_its_seq_in_its_own_log_only(store: Store):
    await say(store, LOUNGE, "a")
    await say(store, ATTIC, "b", "c")

    assert (await store.event(ATTIC, 2)).text == "c"
    for seq in (-1, 0, 2, 1 << 36, 1 << 62):
        assert await store.event(LOUNGE, seq) is None
    assert await store.event(room_log("nowhere"), 1) is None


async def test_a_log_that_does_not_exist_reads_as_empty(store: Store):
    page = await store.page(room_log("nowhere"), after=3)

    assert (list(page.events), page.head, page.gap, page.more) == ([], 0, None, False)


@pytest.mark.parametrize("view", [EVERYTHING, RECEIVED, Between("ada"), Between("cy")], ids=repr)
async def test_pages_leave_nothing_out_in_either_direction(store: Store, view):
    """From every place in a log that has both kinds of entries and lost its beginning, against a list."""
    for n in range(12):
        await post(store, draft(BOB, f"{n}", sender=("ada", "bob", "cy")[n % 3], at=n))
        await post(store, draft((CY, ADA, CY)[n % 3], f"{n}", sender="bob", at=n))
    await store.trim(sent_before_ms=2, limit=100)
    everything = (await store.page(BOB)).events
    head, floor = everything[-1].seq, everything[0].seq - 1
    assert floor > 2
    assert seqs(everything) == list(range(floor + 1, head + 1))
    wanted = [
        event
        for event in everything
        if view == EVERYTHING
        or (view == RECEIVED and event.kind == "message")
        or (isinstance(view, Between) and view.peer in (event.sender, event.to))
    ]
    if isinstance(view, Between):
        wanted = [e for e in wanted if {e.sender, e.to} == {"bob", view.peer}]
    assert wanted

    for at in range(head + 3):
        for limit in range(1, len(wanted) + 2):
            past = [event for event in wanted if event.seq > at]
            page = await store.page(BOB, view=view, after=at, limit=limit)
            assert (page.events, page.more) == (past[:limit], len(past) > limit)
            assert page.head == head
            assert page.gap == (
                Gap(log=BOB, first=at + 1, last=floor, reason="retention") if at < floor else None
            )

            below = [event for event in wanted if event.seq < at]
            page = await store.page(BOB, view=view, before=at, limit=limit)
            assert (page.events, page.more) == (below[-limit:], len(below) > limit)
            reached = min(floor, at - 1)
            expected = Gap(log=BOB, first=1, last=reached, reason="retention")
            assert page.gap == (None if page.more or reached < 1 else expected)

    newest = await store.page(BOB, view=view, limit=2)
    assert newest.events == wanted[-2:]


async def test_reading_from_beyond_what_a_log_can_hold_stays_in_that_log(store: Store):
    await say(store, LOUNGE, "a")
    await say(store, ATTIC, "b")

    for seq in (1 << 36, 10**18 - 1):
        assert (await store.page(LOUNGE, after=seq)).events == []
        assert texts((await store.page(LOUNGE, before=seq)).events) == ["a"]
    assert texts((await store.page(ATTIC, after=-5)).events) == ["b"]
    assert (await store.page(ATTIC, before=-5)).events == []


async def test_a_page_has_one_direction(store: Store):
    with pytest.raises(ValueError, match="not both"):
        await store.page(LOUNGE, after=1, before=3)


async def test_a_page_stops_at_the_event_that_passes_the_bound_on_bytes(store: Store):
    big = "ü" * 8_000  # 16,000 bytes
    await say(store, LOUNGE, *[big] * 100)
    fitting = MAX_PAGE_BYTES // 16_000 + 1

    page = await store.page(LOUNGE, after=0)
    assert seqs(page.events) == list(range(1, fitting + 1))
    assert page.more

    page = await store.page(LOUNGE)
    assert seqs(page.events) == list(range(101 - fitting, 101))
    assert page.more


async def test_what_is_longer_in_an_answer_than_it_was_said_counts_as_long_as_it_is(store: Store):
    """A control character is written with six: an answer is held for as long as nobody reads it."""
    await say(store, LOUNGE, *["\x01" * 16_000] * 10)

    assert len((await store.page(LOUNGE, after=0)).events) == MAX_PAGE_BYTES // 96_000 + 1
    assert len((await store.page(LOUNGE)).events) == MAX_PAGE_BYTES // 96_000 + 1


# -- retention --------------------------------------------------------------


async def test_retention_removes_what_is_old_from_the_start_and_says_so(store: Store):
    await post(store, *(draft(LOUNGE, f"{at}", at=at) for at in (1, 2, 3, 4)), draft(ATTIC, "new", at=9))

    gaps = await store.trim(sent_before_ms=3, limit=100)

    assert gaps == [Gap(log=LOUNGE, first=1, last=2, reason="retention")]
    page = await store.page(LOUNGE, after=0)
    assert seqs(page.events) == [3, 4]
    assert page.gap == gaps[0]
    assert await store.event(LOUNGE, 2) is None
    assert await store.event(LOUNGE, 3) is not None
    assert list(await store.trim(sent_before_ms=3, limit=100)) == []


async def test_retention_takes_no_more_at_once_than_it_was_allowed(store: Store):
    await post(store, *(draft(log, "x", at=at) for at in range(5) for log in (LOUNGE, ATTIC)))

    removed = []
    while gaps := await store.trim(sent_before_ms=100, limit=3):
        removed.append(sum(gap.last - gap.first + 1 for gap in gaps))

    assert removed == [3, 3, 3, 1]
    assert (await store.page(LOUNGE, after=0)).gap == Gap(log=LOUNGE, first=1, last=5, reason="retention")


async def test_a_log_of_which_all_was_removed_goes_on_counting(store: Store, reopened: Reopened):
    await say(store, LOUNGE, "a", "b")
    await store.trim(sent_before_ms=10_000, limit=100)
    assert await store.head(LOUNGE) == 2
    store = await reopened()

    assert await store.head(LOUNGE) == 2
    assert (await store.room("lounge")).head == 2
    assert seqs(await say(store, LOUNGE, "c")) == [3]
    assert await store.trim(sent_before_ms=10_000, limit=100) == [
        Gap(log=LOUNGE, first=3, last=3, reason="retention")
    ]
    await store.close()


async def test_retention_leaves_no_hole_where_a_clock_was_set_back(store: Store):
    await post(store, *(draft(LOUNGE, f"{at}", at=at) for at in (1, 50, 2, 3)))

    assert await store.trim(sent_before_ms=10, limit=100) == [
        Gap(log=LOUNGE, first=1, last=1, reason="retention")
    ]
    assert seqs((await store.page(LOUNGE)).events) == [2, 3, 4]


# -- the store itself -------------------------------------------------------


async def test_the_epoch_and_the_secret_stay_with_the_store(store: Store, reopened: Reopened):
    info, secret = store.info, store.ticket_secret
    store = await reopened()

    assert store.info == info
    assert store.ticket_secret == secret
    assert len(secret) == 32
    assert info.epoch.isalnum()
    await store.close()


async def test_own_posts_end_no_sessions(store: Store):
    before = (await store.endings(None)).upto
    await say(store, LOUNGE, "a")
    await store.create_user(user("dora"), "h")

    assert (await store.endings(before)).sessions == ()
