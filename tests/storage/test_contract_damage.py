"""What is not as it was stored is never given out, and nothing else suffers from it: on every backend."""

import pytest

from hubbub.domain.errors import Damaged
from hubbub.domain.events import Gap, Posted
from hubbub.domain.ids import inbox_log
from hubbub.storage.base import RECEIVED, Between

from .drafting import ATTIC, LOUNGE, draft, seqs, texts
from .posting import append, post, say

ADA, BOB = inbox_log("ada"), inbox_log("bob")

SPOILED = {
    "id": "another",
    "sent": 1,
    "sender": "bob",
    "recipient": "bob",
    "text": "something else",
    "key": "another",
    "sent_at_ms": 1_001,
    "salt": bytes(16),
    "digest": bytes(20),
}


async def refused(reading) -> Damaged:
    with pytest.raises(Damaged) as refusal:
        await reading
    return refusal.value


@pytest.mark.parametrize("column", SPOILED)
async def test_an_event_of_which_anything_was_changed_is_withheld(store, spoil, damaged, broken, column):
    await say(store, LOUNGE, "a", "b", "c")
    spoil.event(LOUNGE, 2, **{column: SPOILED[column]})

    refusal = await refused(store.event(LOUNGE, 2))

    assert (refusal.log, refusal.seq) == (LOUNGE, 2)
    assert damaged == [refusal]
    assert (await store.event(LOUNGE, 1)).text == "a"
    assert (await store.event(LOUNGE, 3)).text == "c"
    assert broken == []


async def test_a_page_ends_before_what_is_damaged_and_says_that_there_is_more(store, spoil, damaged):
    await say(store, LOUNGE, "a", "b", "c", "d", "e")
    spoil.event(LOUNGE, 3, text="C")

    onward, backward = await store.page(LOUNGE, after=0), await store.page(LOUNGE, before=6)
    newest = await store.page(LOUNGE)

    assert (texts(onward.events), onward.more, onward.head) == (["a", "b"], True, 5)
    assert (texts(backward.events), backward.more) == (["d", "e"], True)
    assert (texts(newest.events), newest.more) == (["d", "e"], True)
    assert damaged == [], "nobody was refused anything yet"


async def test_a_page_that_would_begin_with_what_is_damaged_is_refused(store, spoil, damaged):
    await say(store, LOUNGE, "a", "b", "c")
    spoil.event(LOUNGE, 2, text="B")

    refusals = [await refused(store.page(LOUNGE, after=1)), await refused(store.page(LOUNGE, before=3))]

    assert damaged == refusals
    assert {(refusal.log, refusal.seq) for refusal in refusals} == {(LOUNGE, 2)}
    assert texts((await store.page(LOUNGE, after=2)).events) == ["c"]
    assert texts((await store.page(LOUNGE, before=2)).events) == ["a"]


async def test_a_text_that_is_none_any_more_ends_a_page_as_other_damage_does(store, spoil, damaged, broken):
    await say(store, LOUNGE, *"abcdefg")
    await say(store, ATTIC, "x")
    spoil.text(LOUNGE, 4, b"\xff\xfe")

    onward, backward = await store.page(LOUNGE, after=0), await store.page(LOUNGE, before=8)

    assert (texts(onward.events), onward.more, onward.head) == (["a", "b", "c"], True, 7)
    assert (texts(backward.events), backward.more) == (["e", "f", "g"], True)
    for reading in (store.event(LOUNGE, 4), store.page(LOUNGE, after=3), store.page(LOUNGE, before=5)):
        assert (await refused(reading)).seq == 4
    assert texts((await store.page(LOUNGE, after=4)).events) == ["e", "f", "g"]
    assert texts((await store.page(ATTIC)).events) == ["x"]
    assert seqs(await say(store, LOUNGE, "h")) == [8]
    assert broken == []


async def test_a_direct_message_that_is_no_text_any_more_is_withheld_wherever_it_is_looked_for(
    store, spoil, damaged, broken
):
    await post(store, draft(ADA, "hi", sender="bob", key="k", at=5), draft(ADA, "hi", sender="cy", at=5))
    spoil.text(ADA, 1, b"\xff\xfe")

    found, _ = await store.conversations("ada", after=None, limit=10)
    assert [(each.peer, each.last and each.last.text) for each in found] == [("bob", None), ("cy", "hi")]
    (again,) = await append(store, draft(ADA, "hi", sender="bob", key="k"))
    assert isinstance(again, Damaged)
    assert await store.trim(sent_before_ms=10, limit=10) == [
        Gap(log=inbox_log("bob"), first=1, last=1, reason="retention"),
        Gap(log=inbox_log("cy"), first=1, last=1, reason="retention"),
    ]
    assert broken == []


async def test_other_logs_and_posts_go_on(store, spoil):
    await say(store, LOUNGE, "a", "b")
    spoil.event(LOUNGE, 1, text="A")

    assert texts(await say(store, ATTIC, "x")) == ["x"]
    assert seqs(await say(store, LOUNGE, "c")) == [3]
    assert texts((await store.page(LOUNGE, after=1)).events) == ["b", "c"]


@pytest.mark.parametrize("missing", [1, 2, 3])
async def test_a_hole_is_never_passed_over(store, spoil, missing):
    await say(store, LOUNGE, "a", "b", "c")
    spoil.remove(LOUNGE, missing)

    assert (await refused(store.page(LOUNGE, after=missing - 1))).seq == missing
    assert (await refused(store.page(LOUNGE, before=missing + 1))).seq == missing
    assert (await refused(store.event(LOUNGE, missing))).seq == missing
    assert seqs((await store.page(LOUNGE, before=missing)).events) == list(range(1, missing))
    assert seqs((await store.page(LOUNGE, after=missing)).events) == list(range(missing + 1, 4))


async def test_an_event_of_another_place_is_withheld(store, spoil):
    await say(store, LOUNGE, "a", "b")
    await say(store, ATTIC, "x", "y")
    spoil.remove(LOUNGE, 2)
    spoil.move(ATTIC, 2, LOUNGE, 2)

    assert (await refused(store.event(LOUNGE, 2))).seq == 2
    assert (await refused(store.event(ATTIC, 2))).seq == 2


async def test_the_lists_by_person_withhold_too(store, spoil):
    await post(store, *(draft(BOB, text, sender="ada") for text in "abc"))
    spoil.event(BOB, 2, text="B")

    for view in (RECEIVED, Between("ada")):
        assert texts((await store.page(BOB, view=view, after=0)).events) == ["a"]
        assert (await refused(store.page(BOB, view=view, after=1))).seq == 2
        assert texts((await store.page(BOB, view=view)).events) == ["c"]


async def test_conversations_are_listed_without_what_is_damaged(store, spoil, damaged, broken):
    for sender in ("bob", "cy"):
        await post(store, draft(ADA, f"hi from {sender}", sender=sender))
    spoil.event(ADA, 1, text="nothing of the kind")

    found, more = await store.conversations("ada", after=None, limit=10)

    assert [(each.peer, each.unread, each.last and each.last.text) for each in found] == [
        ("bob", 1, None),
        ("cy", 1, "hi from cy"),
    ]
    assert not more
    assert [(refusal.log, refusal.seq) for refusal in damaged] == [(ADA, 1)]
    assert broken == []


async def test_an_event_that_claims_to_be_of_another_conversation_is_withheld_from_it(store, spoil, damaged):
    await post(store, draft(ADA, "hi", sender="bob"), draft(ADA, "hello", sender="bob"))
    spoil.event(ADA, 2, recipient="cy", sent=1)

    found, _ = await store.conversations("ada", after=None, limit=10)

    assert [(each.peer, each.last and each.last.text) for each in found] == [("bob", "hi"), ("cy", None)]
    assert [(refusal.log, refusal.seq) for refusal in damaged] == [(ADA, 2)]


async def test_a_log_whose_last_event_is_not_tied_takes_no_posts(store, spoil, damaged, open_store):
    await say(store, LOUNGE, "a", "b")
    spoil.event(LOUNGE, 2, link=bytes(20))
    await store.close()
    store = await open_store()

    mine, others = await append(store, draft(LOUNGE, "c", key="k"), draft(ATTIC, "x"))

    assert isinstance(mine, Damaged)
    assert (mine.log, mine.seq) == (LOUNGE, 2)
    assert damaged == [mine]
    assert isinstance(others, Posted)
    assert await store.head(LOUNGE) == 2
    await store.close()


# -- retries ----------------------------------------------------------------


@pytest.mark.parametrize("column", [name for name in SPOILED if name != "sent"])
async def test_a_retry_is_not_answered_with_what_is_damaged(store, spoil, damaged, column):
    await say(store, LOUNGE, "before")
    await post(store, draft(LOUNGE, "a", key="k"))
    spoil.event(LOUNGE, 2, **{column: SPOILED[column]})

    (outcome,) = await append(store, draft(LOUNGE, "a", key="k"))

    assert isinstance(outcome, Damaged)
    assert damaged == [outcome]
    assert seqs(await say(store, LOUNGE, "c")) == [3]


@pytest.mark.parametrize("seq", [1, 3, 99])
async def test_a_retry_is_not_answered_with_another_message(store, spoil, seq):
    await post(store, draft(LOUNGE, "b", key="other"), draft(LOUNGE, "a", key="k"), draft(LOUNGE, "a"))
    spoil.key("k", seq=seq)

    (outcome,) = await append(store, draft(LOUNGE, "a", key="k"))

    assert isinstance(outcome, Damaged)


@pytest.mark.parametrize("seq", [1, 3, 99])
async def test_a_retry_is_not_answered_with_another_copy(store, spoil, seq):
    await say(store, ADA, "to myself")
    await post(store, draft(BOB, "a", key="k"), draft(BOB, "a"))
    spoil.key("k", receipt=seq)

    (outcome,) = await append(store, draft(BOB, "a", key="k"))

    assert isinstance(outcome, Damaged)


@pytest.mark.parametrize(
    ("column", "value"),
    [("id", "another"), ("sent_at_ms", 1), ("seq", 2), ("receipt", 2), ("digest", b"x" * 36)],
)
async def test_what_is_kept_of_a_removed_message_never_answers_when_it_is_damaged(
    store, spoil, column, value
):
    first, _ = await post(store, draft(BOB, "a", key="k", at=5), draft(BOB, "b", at=5))
    await store.trim(sent_before_ms=10, limit=10)
    (before,) = await append(store, draft(BOB, "a", key="k"))
    assert before.receipt == first.receipt
    spoil.key("k", **{column: value})

    (outcome,) = await append(store, draft(BOB, "a", key="k"))

    assert not isinstance(outcome, Posted)


# -- retention --------------------------------------------------------------


async def test_retention_stops_before_what_is_damaged_and_goes_on_elsewhere(store, spoil, damaged):
    await post(store, *(draft(LOUNGE, text, at=5) for text in "abc"), draft(ATTIC, "x", at=6))
    spoil.event(LOUNGE, 2, text="B")

    gaps = await store.trim(sent_before_ms=10, limit=10)
    again = await store.trim(sent_before_ms=10, limit=10)

    assert gaps == [
        Gap(log=LOUNGE, first=1, last=1, reason="retention"),
        Gap(log=ATTIC, first=1, last=1, reason="retention"),
    ]
    assert again == []
    assert {(each.log, each.seq) for each in damaged} == {(LOUNGE, 2)}
    assert texts((await store.page(LOUNGE, after=2)).events) == ["c"]


async def test_retention_stops_before_a_hole(store, spoil, damaged):
    await post(store, *(draft(LOUNGE, text, at=5) for text in "abc"))
    spoil.remove(LOUNGE, 2)

    gaps = await store.trim(sent_before_ms=10, limit=10)

    assert gaps == [Gap(log=LOUNGE, first=1, last=1, reason="retention")]
    assert [(each.log, each.seq) for each in damaged] == [(LOUNGE, 2)]
