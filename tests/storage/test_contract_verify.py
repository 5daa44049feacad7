"""Whatever is wrong with a store, a walk through it finds and names it: on every backend."""

import asyncio
import time

import msgspec
import pytest

from hubbub.domain import chain
from hubbub.domain.ids import LogId, inbox_log, room_log
from hubbub.storage.auditing import Auditing, Part
from hubbub.verify import Walk, report, walk
from hubbub.verify.chain import Chain

from .drafting import ATTIC, LOUNGE, draft, session
from .posting import post, say

ADA, BOB, CY = inbox_log("ada"), inbox_log("bob"), inbox_log("cy")


async def checked(audit, **options):
    store: Auditing = await audit()
    try:
        return await Walk(store, **options).run(now_ms=lambda: 5, monotonic=time.monotonic)
    finally:
        await store.close()


def found(report) -> set[tuple]:
    return {(problem.kind, problem.log, problem.seq) for problem in report.problems}


@pytest.fixture
async def store(store):
    """With something of everything in it; retention has been at the attic and at ada's inbox."""
    await post(store, draft(ATTIC, "old", key="old", at=1), draft(ATTIC, "older", at=1))
    await post(store, draft(BOB, "long ago", key="long ago", at=1))
    await store.trim(sent_before_ms=10, limit=10)
    await post(store, *(draft(LOUNGE, f"text {n}", sender="bob", key=f"k{n}") for n in range(1, 6)))
    await say(store, ATTIC, "new", "newer", "newest")
    await post(
        store,
        draft(BOB, "psst", key="p1"),
        draft(ADA, "yes?", sender="bob", key="p2"),
        draft(BOB, "nothing", key="p3"),
        draft(ADA, "a note", key="n"),
        draft(CY, "hello"),
    )
    await store.create_session(session("s1"), b"t" * 32)
    await store.mark("ada", LOUNGE, 5)
    await store.mark("ada", BOB, 2)
    await store.mark("bob", ADA, 0)
    return store


async def test_a_store_as_it_must_be_is_whole_and_everything_was_looked_at(store, audit):
    told = await checked(audit)

    assert (told.whole, told.problems, told.problems_by_kind) == (True, [], {})
    counts = told.checked
    assert (counts.logs, counts.events, counts.keys) == (5, 5 + 3 + 5 + 3 + 1, 5 + 1 + 1 + 4)
    assert (counts.users, counts.rooms, counts.sessions, counts.marks) == (3, 2, 1, 3)
    assert counts.direct_messages == 4
    assert told.epoch == store.info.epoch
    assert told.anchors[LOUNGE].head == 5
    assert set(told.anchors) == {LOUNGE, ATTIC, ADA, BOB, CY}


async def test_an_empty_store_is_whole(open_store, audit):
    await (await open_store()).close()

    assert (await checked(audit)).whole


# -- events -----------------------------------------------------------------

ALTERED = {
    "id": "another",
    "sent": 1,
    "sender": "ada",
    "recipient": "bob",
    "text": "something else",
    "key": "another",
    "sent_at_ms": 1_001,
    "salt": bytes(16),
}


@pytest.mark.parametrize("column", ALTERED)
async def test_anything_changed_in_an_event_is_found(store, spoil, audit, column):
    spoil.event(LOUNGE, 3, **{column: ALTERED[column]})

    told = await checked(audit)

    assert not told.whole
    assert ("altered", LOUNGE, 3) in found(told)
    assert {log for _, log, _ in found(told)} <= {LOUNGE, None}


async def test_a_digest_that_was_changed_is_found_and_so_is_the_link_over_it(store, spoil, audit):
    spoil.event(LOUNGE, 3, digest=bytes(20))

    assert found(await checked(audit)) == {("altered", LOUNGE, 3), ("unlinked", LOUNGE, 3)}


async def test_a_link_that_was_changed_is_found(store, spoil, audit):
    spoil.event(LOUNGE, 3, link=bytes(20))

    assert found(await checked(audit)) == {("unlinked", LOUNGE, 3), ("unlinked", LOUNGE, 4)}


async def test_a_text_that_is_none_is_found_and_what_is_around_it_still_looked_at(store, spoil, audit):
    spoil.text(LOUNGE, 3, b"\xffA")
    spoil.event(LOUNGE, 5, text="else")

    told = await checked(audit)

    assert found(told) == {("unreadable", LOUNGE, 3), ("altered", LOUNGE, 5)}
    assert told.checked.events == 17


@pytest.mark.parametrize("seq", [1, 3, 5])
async def test_an_event_that_is_missing_is_found(store, spoil, audit, seq):
    spoil.remove(ATTIC if seq == 5 else LOUNGE, seq)

    told = await checked(audit, against=None)

    if seq == 5 and not spoil.knows_ends:  # the last of its log, with no key: see the anchors
        assert told.whole
    elif seq == 5:
        assert found(told) == {("missing", ATTIC, 5)}
    else:
        assert ("missing", LOUNGE, seq) in found(told)
        assert ("key", LOUNGE, seq) in found(told)


async def test_events_that_changed_places_are_found(store, spoil, audit):
    spoil.move(LOUNGE, 3, LOUNGE, 99)
    spoil.move(LOUNGE, 4, LOUNGE, 3)
    spoil.move(LOUNGE, 99, LOUNGE, 4)

    assert {("altered", LOUNGE, 3), ("altered", LOUNGE, 4)} <= found(await checked(audit))


async def test_an_event_moved_to_another_log_is_found(store, spoil, audit):
    spoil.move(LOUNGE, 5, ATTIC, 6)

    told = found(await checked(audit))

    there = {("orphan", ATTIC, 6)} if spoil.knows_ends else {("altered", ATTIC, 6), ("unlinked", ATTIC, 6)}
    assert {*there, ("key", LOUNGE, 5)} <= told


async def test_a_log_under_another_name_is_found(store, spoil, audit):
    spoil("UPDATE logs SET name = 'room/other' WHERE name = 'room/lounge'")

    told = found(await checked(audit))

    assert {("orphan", "room/other", None), ("orphan", LOUNGE, None), ("unlinked", "room/other", 1)} <= told


async def test_an_event_of_a_kind_that_has_no_place_there_is_found(store, spoil, audit):
    """As a bug would store it: with a digest and a link that are right."""
    salt, _ = spoil.tie(LOUNGE, 5)
    _, before = spoil.tie(LOUNGE, 4)
    event = (await store.event(LOUNGE, 5)).__class__(
        log=LOUNGE, seq=5, id="x", kind="message", sender="bob", to="ada", text="t", key=None, sent_at_ms=1
    )
    digest = chain.digest(salt, event)
    spoil("DELETE FROM keys WHERE key = 'k5'")
    spoil.event(
        LOUNGE, 5, id="x", recipient="ada", text="t", key=None, sent_at_ms=1,
        digest=digest, link=chain.link(before, digest),
    )  # fmt: skip

    assert ("misplaced", LOUNGE, 5) in found(await checked(audit))


# -- where a log begins -----------------------------------------------------


@pytest.mark.parametrize("link", [None, bytes(20), b""])
async def test_a_wrong_link_where_retention_stopped_is_found(store, spoil, audit, link):
    spoil.log(ATTIC, floor_link=link)

    assert found(await checked(audit)) == {("unlinked", ATTIC, 3)}


async def test_events_where_all_were_removed_are_found(store, spoil, audit):
    spoil.log(ATTIC, floor=3)

    assert {("misplaced", ATTIC, 3), ("unlinked", ATTIC, 4)} == found(await checked(audit)) - {
        ("age", ATTIC, 4)
    }


async def test_a_log_that_claims_to_begin_earlier_than_it_does_is_found(store, spoil, audit):
    spoil.log(ATTIC, floor=1)

    assert ("missing", ATTIC, 2) in found(await checked(audit))


async def test_a_log_that_retention_would_not_find_is_found(store, spoil, audit):
    spoil.log(ATTIC, oldest_ms=999_999)

    assert found(await checked(audit)) == {("age", ATTIC, 3)}


# -- where a log ends ---------------------------------------------------------


where_ends_are_written = pytest.mark.parametrize("backend", ["postgres"])


@where_ends_are_written
async def test_a_log_that_says_to_end_before_it_does_is_found(store, spoil, audit):
    spoil.log(ATTIC, head=4)

    assert found(await checked(audit)) == {("orphan", ATTIC, 5)}


@where_ends_are_written
async def test_a_log_that_says_to_end_after_it_does_is_found(store, spoil, audit):
    spoil.log(ATTIC, head=7)

    assert found(await checked(audit)) == {("missing", ATTIC, 6)}


@where_ends_are_written
@pytest.mark.parametrize("log", [LOUNGE, ATTIC])
async def test_a_log_whose_next_event_would_be_tied_to_another_is_found(store, spoil, audit, log):
    await store.trim(sent_before_ms=1_500, limit=100)
    spoil.log(log, link=bytes(20))

    assert found(await checked(audit)) == {("unlinked", log, 5)}


# -- what hangs on nothing --------------------------------------------------


async def test_events_of_no_log_are_found(store, spoil, audit):
    number = spoil.number(ATTIC)
    spoil("DELETE FROM logs WHERE name = 'room/attic'")

    told = await checked(audit)

    assert {("orphan", None, 3), ("orphan", ATTIC, None)} <= found(told)
    assert any(f"number {number}" in problem.text for problem in told.problems)


@pytest.mark.parametrize(
    ("sql", "problem"),
    [
        ("DELETE FROM rooms WHERE id = 'attic'", ("orphan", ATTIC, None)),
        ("DELETE FROM users WHERE name = 'cy'", ("orphan", CY, None)),
        ("DELETE FROM logs WHERE name = 'inbox/cy'", ("orphan", CY, None)),
        ("UPDATE rooms SET log = 99 WHERE id = 'attic'", ("orphan", ATTIC, None)),
        ("UPDATE sessions SET \"user\" = 'nobody'", ("orphan", None, None)),
        ("UPDATE rooms SET name = 'Somewhere' WHERE id = 'attic'", ("name", ATTIC, None)),
        ("DELETE FROM logs WHERE name = 'room/attic'", ("key", None, 1)),
        ("UPDATE marks SET log = 99 WHERE place = 'room/lounge'", ("orphan", None, None)),
        ("UPDATE marks SET place = 'room/none' WHERE place = 'room/lounge'", ("orphan", None, None)),
        ("UPDATE marks SET seq = 6 WHERE place = 'room/lounge'", ("orphan", LOUNGE, None)),
        ("UPDATE marks SET seq = 99 WHERE place = 'inbox/bob'", ("orphan", ADA, None)),
    ],
)
async def test_what_hangs_on_nothing_is_found(store, spoil, audit, sql, problem):
    spoil(sql)

    assert problem in found(await checked(audit))


# -- keys -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sql", "problem"),
    [
        ("DELETE FROM keys WHERE key = 'k3'", ("key", LOUNGE, 3)),
        ("UPDATE keys SET seq = 4 WHERE key = 'k3'", ("key", LOUNGE, 3)),
        ("UPDATE keys SET seq = 4 WHERE key = 'k3'", ("key", LOUNGE, 4)),
        ("UPDATE keys SET seq = 99 WHERE key = 'k3'", ("key", LOUNGE, 99)),
        ("UPDATE keys SET sender = 'ada' WHERE key = 'k3'", ("key", LOUNGE, 3)),
        ("UPDATE keys SET key = 'another' WHERE key = 'k3'", ("key", LOUNGE, 3)),
        ("UPDATE keys SET log = 99 WHERE key = 'k3'", ("key", None, 3)),
        ("UPDATE keys SET receipt = 5 WHERE key = 'p1'", ("key", BOB, 2)),
        ("UPDATE keys SET receipt = 99 WHERE key = 'p1'", ("key", BOB, 2)),
        ("UPDATE keys SET receipt = 3 WHERE key = 'p1'", ("key", BOB, 2)),
        ("UPDATE keys SET id = NULL WHERE key = 'old'", ("key", ATTIC, 1)),
        ("UPDATE keys SET sent_at_ms = NULL WHERE key = 'old'", ("key", ATTIC, 1)),
    ],
)
async def test_a_key_that_does_not_lead_where_it_must_is_found(store, spoil, audit, sql, problem):
    spoil(sql)

    assert problem in found(await checked(audit))


async def test_a_key_that_lost_what_a_retry_needs_is_found(store, spoil, audit):
    spoil.key("old", digest=b"\0")

    assert found(await checked(audit)) == {("key", ATTIC, 1)}


async def test_a_key_that_leads_to_the_copy_of_another_use_of_it_is_found(store, spoil, audit):
    (other,) = await post(store, draft(CY, "hello", key="p1"))
    spoil.key("p1", receipt=other.receipt.seq)

    assert found(await checked(audit)) == {("key", BOB, 2)}


async def test_a_key_that_leads_to_another_copy_is_found_also_when_its_message_was_removed(
    store, spoil, audit
):
    await store.trim(sent_before_ms=1_500, limit=2)  # of ada's inbox: bob keeps his copy of the second
    assert (await checked(audit)).whole
    spoil("UPDATE keys SET receipt = 2 WHERE key = 'p2'")

    assert found(await checked(audit)) == {("key", ADA, 3)}


# -- direct messages --------------------------------------------------------


@pytest.mark.parametrize("missing", [2, 3, 4])
async def test_a_direct_message_that_only_one_of_two_has_is_found(store, spoil, audit, missing):
    spoil.event(BOB, missing, recipient="cy")

    told = found(await checked(audit))

    assert ("altered", BOB, missing) in told
    assert any(kind == "copy" and log in (ADA, BOB, CY) for kind, log, _ in told)


@pytest.mark.parametrize("column", ["id", "text", "key", "sent_at_ms"])
async def test_two_copies_that_differ_are_found(store, spoil, audit, column):
    spoil.event(BOB, 3, **{column: ALTERED[column]})

    assert any(kind == "copy" and log in (ADA, BOB) for kind, log, _ in found(await checked(audit)))


async def test_retention_in_one_inbox_alone_is_no_fault(store, audit):
    await post(store, draft(BOB, "1", at=2_000), draft(ADA, "2", sender="bob", at=2_000))
    await post(store, draft(CY, "3", at=3_000), draft(CY, "4", sender="bob", at=2_500))
    for before_ms in (1_500, 2_500, 3_000):
        await store.trim(sent_before_ms=before_ms, limit=500)
        assert (await checked(audit)).whole


async def test_a_long_conversation_is_compared_part_by_part(store, spoil, audit, monkeypatch):
    monkeypatch.setattr(walk, "EXCHANGED", 3)
    for n in range(10):
        await post(store, draft(BOB, f"ping {n}"), draft(ADA, f"pong {n}", sender="bob"))
    told = await checked(audit)
    assert told.whole
    assert told.checked.direct_messages == 24

    head = await store.head(ADA)
    spoil.remove(ADA, head - 7)

    assert any(kind == "copy" for kind, _, _ in found(await checked(audit)))


async def test_an_inbox_that_lost_the_beginning_of_a_conversation_is_found(store, spoil, audit):
    await post(store, draft(CY, "first", sender="bob"), draft(CY, "second", sender="bob"))
    for seq in (2, 3):
        spoil.remove(CY, seq)

    assert any(kind == "copy" and log == BOB for kind, log, _ in found(await checked(audit)))


# -- an earlier report ------------------------------------------------------


async def test_what_was_added_since_an_earlier_report_is_no_fault(store, audit):
    earlier = await checked(audit)
    await say(store, LOUNGE, "and on")

    told = await checked(audit, against=earlier.anchors)

    assert told.whole
    assert (told.checked.anchors, told.checked.anchors_removed) == (5, 0)


async def test_a_tail_that_was_cut_off_is_found_by_an_earlier_report_alone(store, spoil, audit):
    earlier = await checked(audit)
    spoil.cut(ATTIC, 5)
    assert (await checked(audit)).whole

    told = await checked(audit, against=earlier.anchors)

    assert found(told) == {("anchor", ATTIC, 5)}


def rewrite(spoil, log: LogId, seq: int, text: str) -> None:
    """As one would who has the database and the code: another text, and all that follows tied anew."""
    link = spoil.floor_link(log) or chain.first_link(log)
    for event, salt in spoil.events(log):
        event = msgspec.structs.replace(event, text=text if event.seq == seq else event.text)
        digest = chain.digest(salt, event)
        link = chain.link(link, digest)
        spoil.event(log, event.seq, text=event.text, digest=digest, link=link)
    spoil.end(log, link)


async def test_a_history_that_was_rewritten_is_found_by_an_earlier_report_alone(store, spoil, audit):
    earlier = await checked(audit)
    rewrite(spoil, ATTIC, 4, "what I never said")
    assert (await store.event(ATTIC, 4)).text == "what I never said"
    assert (await checked(audit)).whole

    told = await checked(audit, against=earlier.anchors)

    assert found(told) == {("anchor", ATTIC, 5)}


async def test_a_log_that_is_gone_is_found_by_an_earlier_report(store, spoil, audit):
    earlier = await checked(audit)
    spoil("DELETE FROM rooms WHERE id = 'attic'")
    spoil("DELETE FROM keys WHERE key = 'old'")
    for seq in (3, 4, 5):
        spoil.remove(ATTIC, seq)
    spoil("DELETE FROM logs WHERE name = 'room/attic'")
    assert (await checked(audit)).whole

    assert found(await checked(audit, against=earlier.anchors)) == {("anchor", ATTIC, None)}


async def test_what_retention_removed_cannot_be_compared_and_is_said_so(store, audit):
    earlier = await checked(audit)
    await store.trim(sent_before_ms=1_500, limit=3)  # of one log, and no further than its head
    await post(store, draft(ATTIC, "later", at=2_000))
    at_the_floor = await checked(audit, against=earlier.anchors)
    await store.trim(sent_before_ms=5_000, limit=500)
    beyond = await checked(audit, against=earlier.anchors)

    assert (at_the_floor.whole, at_the_floor.checked.anchors) == (True, 5)
    assert (beyond.whole, beyond.checked.anchors_removed) == (True, 1)


# -- a server that goes on --------------------------------------------------


async def test_a_walk_beside_a_server_that_posts_and_removes_finds_nothing_wrong(store, audit):
    """Between every two looks of the walk the server does something."""
    await post(store, *(draft(room_log("attic"), f"{n}", at=100 + n) for n in range(1_500)))
    await post(store, *(draft(BOB, f"{n}", at=3_000) for n in range(300)))
    number = 0

    async def meanwhile():
        nonlocal number
        number += 1
        await store.trim(sent_before_ms=100 + number * 40, limit=100)
        await post(
            store,
            draft(LOUNGE, f"meanwhile {number}", key=f"m{number}", at=9_000),
            draft(BOB, f"meanwhile {number}", key=f"m{number}", at=9_000),
            draft(ATTIC, f"meanwhile {number}", at=9_000),
        )
        if number % 3 == 0:
            await store.create_session(session(f"m{number}"), number.to_bytes(32))

    told = await checked(audit, pause=meanwhile)

    assert told.problems == []
    assert number > 15
    assert told.checked.events > 1_000


async def test_a_walk_that_retention_overtakes_goes_on_where_events_are_left(store, audit):
    await post(store, *(draft(ATTIC, f"{n}", at=100 + n) for n in range(2_000)))
    looking = await audit()
    removed = 0

    async def remove():
        nonlocal removed
        if going.counts.logs == 5:
            gaps = await store.trim(sent_before_ms=2_000, limit=500)
            removed += sum(gap.last - gap.first + 1 for gap in gaps)

    going = Walk(looking, pause=remove)
    told = await going.run(now_ms=lambda: 5, monotonic=time.monotonic)
    await looking.close()

    assert told.problems == []
    assert removed > 1_000
    assert told.checked.events < 1_500


def test_a_log_that_ends_before_its_head_is_told():
    """As when what leads to the head and what leads through the log disagree."""
    findings = report.Findings()
    following = Chain(LOUNGE, findings, None)
    following.take(Part(floor=2, link=bytes(20), oldest_ms=None, entries=[]))

    following.end(4)

    assert [(each.kind, each.seq, each.text) for each in findings.problems] == [
        ("missing", 3, "There is no event number 3 to 4.")
    ]


async def test_a_walk_takes_its_time_only_when_told_to(store, audit):
    paused = []

    async def pause():
        paused.append(asyncio.get_running_loop().time())

    assert (await checked(audit, pause=pause)).whole
    assert len(paused) >= 10


async def test_of_many_problems_the_first_are_told_and_all_are_counted(store, spoil, audit, monkeypatch):
    monkeypatch.setattr(report, "KEPT", 2)
    spoil("UPDATE events SET text = text || '!'")

    told = await checked(audit)

    assert len(told.problems) == 2
    assert told.problems_by_kind["altered"] == 17
