"""Several nodes at one database: each posts, reads and ends sessions beside the others."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from random import Random

import asyncpg
import pytest

from hubbub.domain.errors import HeadMoved, NameTaken, WrongCredentials
from hubbub.domain.events import Posted
from hubbub.domain.ids import inbox_log, room_log
from hubbub.storage.postgres import PostgresStore, append, sessions
from support.deadline import deadline

from .conftest import furnish
from .drafting import ATTIC, LOUNGE, draft, room, seqs, session, texts, user
from .posting import append as appended
from .posting import post, say

ADA, BOB, CY = inbox_log("ada"), inbox_log("bob"), inbox_log("cy")

WAITING = "SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted"


@pytest.fixture
async def nodes(open_postgres) -> AsyncIterator[list[PostgresStore]]:
    nodes = [await open_postgres() for _ in range(3)]
    await furnish(nodes[0])
    yield nodes
    for node in nodes:
        await node.close()


@asynccontextmanager
async def held(postgres: str, sql: str) -> AsyncIterator[Callable[[int], Awaitable[None]]]:
    """What the statement locks is somebody's until the block ends, which may await that so many wait."""
    other = await asyncpg.connect(postgres, server_settings={"search_path": "hubbub"})

    async def wait(count: int) -> None:
        async with deadline():
            while await other.fetchval(WAITING) < count:
                await asyncio.sleep(0.01)

    async with other.transaction():
        await other.execute(sql)
        yield wait
    await other.close()


# -- posting ----------------------------------------------------------------


async def test_what_all_post_to_the_same_logs_is_numbered_without_holes(nodes, broken):
    places = [LOUNGE, ATTIC, ADA, BOB, CY]

    async def chatter(node: PostgresStore, name: str, seed: int) -> list[Posted]:
        random, outcomes = Random(seed), []
        for _ in range(30):
            batch = [draft(random.choice(places), name, sender=name) for _ in range(random.randint(1, 10))]
            outcomes += await post(node, *batch)
        return outcomes

    posted = await asyncio.gather(
        *(
            chatter(node, name, n)
            for n, (node, name) in enumerate(zip(nodes, ("ada", "bob", "cy"), strict=True))
        )
    )

    told = Counter((event.log, event.seq) for each in posted for outcome in each for event in outcome.events)
    assert set(told.values()) == {1}
    for log in places:
        stored = []
        while len(stored) < await nodes[0].head(log):
            stored += (await nodes[1].page(log, after=len(stored))).events
        assert seqs(stored) == list(range(1, len(stored) + 1))
        assert sorted(seq for name, seq in told if name == log) == seqs(stored)
    assert broken == []


async def test_whoever_reads_never_sees_a_seq_before_the_one_below_it(nodes):
    """In commit order: what a reader found to be the head stays the end of all that it has read."""
    done = asyncio.Event()

    async def read() -> list[int]:
        found: list[int] = []
        while not done.is_set() or len(found) < await nodes[2].head(LOUNGE):
            page = await nodes[2].page(LOUNGE, after=len(found))
            found += seqs(page.events)
            assert found == list(range(1, len(found) + 1))
            assert page.more or page.head == len(found)
        return found

    reading = asyncio.ensure_future(read())
    await asyncio.gather(
        *(say(node, LOUNGE, *["x"] * size) for node in nodes[:2] for size in (1, 7, 2, 30) for _ in range(5))
    )
    done.set()

    async with deadline():
        assert len(await reading) == 400


async def test_a_key_used_at_two_nodes_at_once_is_stored_once(nodes):
    for n in range(20):
        outcomes = await asyncio.gather(
            *(post(node, draft(place, "a", key=f"k{n}")) for node in nodes for place in (LOUNGE, BOB))
        )
        for place in (0, 1):
            few = [outcome for (outcome,) in outcomes[place::2]]
            assert len({repr(outcome.receipt) for outcome in few}) == 1
            assert Counter(outcome.repeated for outcome in few) == {True: 2, False: 1}

    assert [await nodes[0].head(log) for log in (LOUNGE, BOB, ADA)] == [20, 20, 20]


async def test_of_posts_that_expect_the_same_head_one_is_stored(nodes):
    outcomes = await asyncio.gather(
        *(appended(node, draft(LOUNGE, f"{n}", expected_head=0)) for n, node in enumerate(nodes))
    )

    assert sorted(type(outcome).__name__ for (outcome,) in outcomes) == [
        HeadMoved.__name__,
        HeadMoved.__name__,
        Posted.__name__,
    ]
    assert await nodes[0].head(LOUNGE) == 1


async def test_two_who_write_to_each_other_at_two_nodes_do_not_get_in_each_others_way(nodes, broken):
    await asyncio.gather(
        *(post(nodes[0], draft(BOB, "to bob", sender="ada")) for _ in range(30)),
        *(post(nodes[1], draft(ADA, "to ada", sender="bob")) for _ in range(30)),
    )

    assert [await nodes[2].head(log) for log in (ADA, BOB)] == [60, 60]
    assert broken == []


async def test_what_is_posted_at_once_is_written_in_one_batch(nodes, monkeypatch, batches):
    monkeypatch.setattr(append, "MAX_BATCH", 50)

    await asyncio.gather(*(say(nodes[0], LOUNGE, "x") for _ in range(120)))
    assert batches == [50, 50, 20]

    await say(nodes[0], LOUNGE, *["x"] * 60)
    assert batches[3:] == [60], "what one call posts is not torn apart"


async def test_a_poster_who_does_not_take_its_outcome_holds_up_nobody(nodes):
    def refuse(outcomes):
        raise RuntimeError("not interested")

    nodes[0].append([draft(LOUNGE, "a")], refuse)

    assert seqs(await say(nodes[0], LOUNGE, "b")) == [2]


async def test_closing_waits_for_what_was_posted(nodes, open_postgres):
    told = []
    node = await open_postgres()
    for n in range(5):
        node.append([draft(LOUNGE, f"{n}")], told.append)
    marking = asyncio.ensure_future(node.mark("ada", LOUNGE, 1))
    await asyncio.sleep(0)

    await node.close()

    assert [type(outcome) for (outcome,) in told] == [Posted] * 5
    assert await marking == (1, True)


# -- retention --------------------------------------------------------------


async def test_nodes_that_remove_and_post_at_once_leave_no_hole(nodes, damaged, broken):
    await post(
        nodes[0], *(draft(log, "old", at=n, key=f"{n}") for n in range(200) for log in (LOUNGE, ATTIC))
    )

    async def trim(node):
        gaps = []
        while found := await node.trim(sent_before_ms=200, limit=30):
            gaps += found
        return gaps

    async def chatter():
        for n in range(20):
            again, new = await post(
                nodes[2], draft(LOUNGE, "old", at=999, key="0"), draft(ATTIC, f"{n}", at=999)
            )
            assert (again.repeated, again.receipt.seq, new.repeated) == (True, 1, False)

    *trimmed, _ = await asyncio.gather(trim(nodes[0]), trim(nodes[1]), chatter())
    trimmed.append(await trim(nodes[0]))  # each leaves alone what another is at

    gaps = sorted((gap.log, gap.first, gap.last) for found in trimmed for gap in found)
    for log in (LOUNGE, ATTIC):
        spans = [(first, last) for name, first, last in gaps if name == log]
        assert [first for first, _ in spans] == [1, *(last + 1 for _, last in spans[:-1])]
        assert spans[-1][1] == 200
    for log in (LOUNGE, ATTIC):
        page = await nodes[2].page(log, after=0)
        assert page.gap.last + len(page.events) == page.head
    assert damaged == broken == []


async def test_conversations_are_of_one_moment_while_another_node_removes_what_is_in_them(nodes, damaged):
    for n in range(15):
        await post(
            nodes[0], *(draft(ADA, f"{n}", sender=name, at=5) for name in ("bob", "cy") for _ in range(5))
        )

        *listed, _ = await asyncio.gather(
            *(nodes[n % 3].conversations("ada", after=None, limit=5) for n in range(6)),
            nodes[1].trim(sent_before_ms=10, limit=7),
        )

        for found, _ in listed:
            assert all(each.last is not None for each in found)
    assert damaged == []


# -- people -----------------------------------------------------------------


async def test_a_name_taken_at_two_nodes_at_once_is_given_once(nodes):
    made = await asyncio.gather(
        *(node.create_user(user("dora"), "h") for node in nodes),
        *(node.create_room(room(f"r{n}", "Cellar"), "cellar") for n, node in enumerate(nodes)),
        return_exceptions=True,
    )

    users, rooms = made[:3], made[3:]
    assert sum(isinstance(each, NameTaken) for each in users) == 2
    assert sum(isinstance(each, NameTaken) for each in rooms) == 2
    assert await nodes[0].head(inbox_log("dora")) == 0
    assert sorted([await nodes[0].head(room_log(f"r{n}")) for n in range(3)], key=str) == [0, None, None]


async def test_nobody_is_signed_in_by_one_node_while_another_disables_them(nodes):
    for n in range(20):
        results = await asyncio.gather(
            nodes[0].create_session(session(f"s{n}"), bytes([n]) * 32),
            nodes[1].disable("ada", 1),
            return_exceptions=True,
        )
        assert results[1] is None
        assert results[0] is None or isinstance(results[0], WrongCredentials)
        assert list(await nodes[2].sessions("ada")) == []
        await nodes[1].disable("ada", None)


async def test_a_session_ends_no_sooner_because_another_node_extends_it_by_less(nodes):
    await nodes[0].create_session(session("s1", expires=10), b"t" * 32)
    await nodes[0].extend_session("s1", 30)
    await nodes[1].extend_session("s1", 20)

    assert (await nodes[2].session("s1")).expires_at_ms == 30


async def test_sessions_that_expired_are_removed_beside_who_ends_them(nodes, postgres):
    for n in range(3):
        await nodes[0].create_session(session(f"s{n}", expires=10), bytes([n]) * 32)

    async with held(postgres, "SELECT 1 FROM sessions WHERE id = 's1' FOR UPDATE"):
        assert await nodes[1].sweep_sessions(10) == 2

    assert await nodes[1].sweep_sessions(10) == 1


# -- endings ----------------------------------------------------------------


async def test_no_ending_is_missed_by_another_node(nodes):
    ids = [f"s{n}" for n in range(90)]
    for n, id in enumerate(ids):
        await nodes[0].create_session(session(id, ("ada", "bob", "cy")[n % 3]), bytes([n]) * 32)
    since = (await nodes[2].endings(None)).upto
    heard: list[str] = []
    ending = asyncio.gather(
        *(nodes[n % 2].end_session(id) for n, id in enumerate(ids[:60])),
        nodes[0].end_sessions("ada"),
        nodes[1].disable("bob", 1),
        nodes[0].end_sessions("cy"),
    )
    async with deadline():
        while not ending.done() or len(heard) < len(ids):
            found = await nodes[2].endings(since)
            heard += found.sessions
            since = found.upto

    assert sorted(heard) == sorted(ids)


async def test_who_asks_for_the_first_time_or_after_too_long_is_not_told_which(
    nodes, spoil_postgres, monkeypatch
):
    for n in range(3):
        await nodes[0].create_session(session(f"s{n}"), bytes([n]) * 32)
        await nodes[0].end_session(f"s{n}")

    first = await nodes[1].endings(None)
    assert (first.upto, first.sessions) == (3, None)
    assert (await nodes[1].endings(1)).sessions == ("s1", "s2")
    assert (await nodes[1].endings(3)).sessions == ()
    assert (await nodes[1].endings(4)).sessions is None, "of another history"

    spoil_postgres(
        "UPDATE endings SET ended_at_ms = ended_at_ms - $1 WHERE number <= 2", sessions.KEPT_MS + 1_000
    )
    await nodes[0].sweep_sessions(0)

    assert (await nodes[1].endings(1)).sessions is None
    assert (await nodes[1].endings(2)).sessions == ("s2",)

    monkeypatch.setattr(sessions, "MOST_ENDINGS", 0)
    assert (await nodes[1].endings(0)).sessions is None


# -- marks ------------------------------------------------------------------


async def test_marks_moved_at_all_nodes_never_go_back(nodes):
    random = Random(5)
    asked = [(random.choice(nodes), random.randint(1, 50)) for _ in range(200)]

    moved = await asyncio.gather(*(node.mark("ada", LOUNGE, seq) for node, seq in asked))

    ((followed,), _) = await nodes[0].followed("ada", after=None, limit=5)
    assert followed.seq == max(seq for _, seq in asked)
    assert all(mark >= seq for (_, seq), (mark, _) in zip(asked, moved, strict=True))
    news = [mark for mark, is_new in moved if is_new]
    assert len(news) == len(set(news)), "each step is told to one"


async def test_of_a_mark_and_its_removal_at_once_the_last_asked_for_stays(nodes):
    marking = [
        nodes[0].mark("ada", LOUNGE, 5),
        nodes[0].unmark("ada", LOUNGE),
        nodes[0].mark("ada", LOUNGE, 2),
    ]

    assert await asyncio.gather(*marking) == [(5, True), True, (2, True)]
    ((followed,), _) = await nodes[1].followed("ada", after=None, limit=5)
    assert followed.seq == 2


async def test_nodes_that_raise_and_remove_the_same_marks_do_not_get_in_each_others_way(nodes, postgres):
    for node, place in ((nodes[0], LOUNGE), (nodes[0], ATTIC)):
        await node.mark("ada", place, 1)

    async with held(postgres, "SELECT 1 FROM marks FOR UPDATE") as both_wait:
        marking = [
            asyncio.gather(nodes[0].mark("ada", LOUNGE, 2), nodes[0].unmark("ada", ATTIC)),
            asyncio.gather(nodes[1].mark("ada", ATTIC, 2), nodes[1].unmark("ada", LOUNGE)),
        ]
        await both_wait(2)

    async with deadline():
        await asyncio.gather(*marking)


# -- the clock --------------------------------------------------------------


@pytest.mark.parametrize("wrong_by_ms", [-3_600_000, 0, 3_600_000])
async def test_a_node_whose_clock_is_wrong_goes_by_the_databases(open_postgres, wrong_by_ms):
    node = await open_postgres(now_ms=lambda: round(time.time() * 1000) + wrong_by_ms)

    assert abs(node.now_ms() - time.time() * 1000) < 1_000
    await node.close()


async def test_a_clock_that_was_set_is_measured_again_when_the_database_is_back(open_postgres, databases):
    wrong_by_ms = 0
    node = await open_postgres(now_ms=lambda: round(time.time() * 1000) + wrong_by_ms)
    wrong_by_ms = 7_200_000
    await databases.restart()

    async with deadline():
        while abs(node.now_ms() - time.time() * 1000) > 1_000:
            await node.head(LOUNGE)
            await asyncio.sleep(0.01)
    await node.close()


# -- names that nobody can have ---------------------------------------------


async def test_what_no_text_can_hold_is_found_nowhere_and_breaks_nothing(nodes, broken):
    odd = "a\0b"
    node = nodes[0]

    assert await node.user(odd) is None
    assert await node.room(odd) is None
    assert await node.head(room_log(odd)) is None
    assert list((await node.page(room_log(odd))).events) == []
    assert await node.users(prefix=odd, after=None, limit=5) == ([], False)
    assert await node.heads([LOUNGE, room_log(odd)]) == {LOUNGE: 0}
    outcomes = await appended(
        node,
        draft(room_log(odd), "x"),
        draft(LOUNGE, odd),
        draft(LOUNGE, "x", key="k\ud800"),
        draft(LOUNGE, "y"),
    )
    assert [type(outcome).__name__ for outcome in outcomes] == [
        "NoSuchRoom",
        "BadInput",
        "BadInput",
        "Posted",
    ]
    assert texts((await node.page(LOUNGE)).events) == ["y"]
    assert broken == []
