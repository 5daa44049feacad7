"""Connections that break, servers that die or hang: nothing acknowledged is lost, nothing is stored twice."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import asynccontextmanager
from itertools import count
from random import Random

import asyncpg
import pytest

from hubbub.domain.errors import Overloaded, StorageAway, StorageFailed, StorageFull
from hubbub.domain.events import Draft, Posted
from hubbub.domain.ids import inbox_log
from hubbub.storage.base import Outcome
from hubbub.storage.postgres import PostgresStore, database, store
from support.deadline import deadline
from support.middleman import Middleman

from .conftest import furnish
from .drafting import ATTIC, LOUNGE, draft, seqs, session, texts
from .posting import append, post, say

ADA, BOB = inbox_log("ada"), inbox_log("bob")


@pytest.fixture
def impatient(monkeypatch):
    """Whoever waits for the database does not wait for long; for long enough where it answers at all."""
    monkeypatch.setattr(store, "ANSWER_SECONDS", 2.0)
    monkeypatch.setattr(store, "CONNECT_SECONDS", 1.0)
    monkeypatch.setattr(database, "ANSWER_SECONDS", 2.5)  # the driver's own timeout would strike before
    for module in ("database", "append"):
        monkeypatch.setattr(f"hubbub.storage.postgres.{module}.PATIENCE_SECONDS", 1.0)


@pytest.fixture
async def node(open_postgres):
    node = await open_postgres()
    await furnish(node)
    yield node
    await node.close()


@pytest.fixture
async def middleman(node, postgres):
    async with Middleman(postgres) as middleman:
        yield middleman


@pytest.fixture
async def far_node(open_postgres, middleman):
    """A node that reaches the database by way of the middleman."""
    far = await open_postgres(middleman.url)
    yield far
    await far.close()


async def until_up(node: PostgresStore) -> None:
    async with deadline():
        while not node.up:
            await asyncio.sleep(0.01)


# -- the commit -------------------------------------------------------------


@pytest.mark.parametrize("cuts", [["before"], ["after"], ["before", "after"], ["before", "before", "after"]])
async def test_a_post_whose_commit_goes_unanswered_is_stored_once(node, far_node, middleman, broken, cuts):
    await say(far_node, LOUNGE, "a")
    middleman.cuts = list(cuts)

    posted, direct = await post(far_node, draft(LOUNGE, "b"), draft(BOB, "psst"))

    assert middleman.cuts == []
    assert texts((await node.page(LOUNGE)).events) == ["a", "b"]
    assert await node.event(LOUNGE, 2) == posted.receipt
    assert [await node.head(log) for log in (ADA, BOB)] == [1, 1]
    assert await node.event(ADA, 1) == direct.receipt
    assert seqs(await say(far_node, LOUNGE, "c")) == [3]
    assert broken == []


async def test_others_may_post_between_a_commit_and_the_look_for_it(node, far_node, middleman):
    middleman.cuts = ["after"]
    told = asyncio.ensure_future(say(far_node, LOUNGE, "a"))
    async with deadline():
        while middleman.cuts:
            await asyncio.sleep(0)

    await say(node, LOUNGE, *(f"b{n}" for n in range(5)))

    (event,) = await told
    everything = (await node.page(LOUNGE)).events
    assert Counter(texts(everything)) == Counter(["a", "b0", "b1", "b2", "b3", "b4"])
    assert event in everything


async def test_what_was_posted_meanwhile_is_told_in_its_order(far_node, middleman):
    middleman.cuts = ["after"]
    told: list[str] = []

    def done(name: str) -> Callable[[Sequence[Outcome]], None]:
        return lambda outcomes: told.append(f"{name}{outcomes[0].receipt.seq}")

    for name in "abc":
        far_node.append([draft(LOUNGE, name)], done(name))
        await asyncio.sleep(0)
    await append(far_node)

    assert told == ["a1", "b2", "c3"]


async def test_a_connection_that_an_administrator_ends_is_made_anew(node, postgres, broken):
    await say(node, LOUNGE, "a")
    connection = await asyncpg.connect(postgres)
    await connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    await connection.close()

    assert seqs(await say(node, LOUNGE, "b")) == [2]
    assert texts((await node.page(LOUNGE)).events) == ["a", "b"]
    assert broken == []


# -- the server -------------------------------------------------------------


class Poster:
    """Posts to a node for as long as it is told to, and keeps account of what it was told."""

    def __init__(self, node: PostgresStore, name: str, seed: int) -> None:
        self._node = node
        self._name = name
        self._random = Random(seed)
        self._numbers = count()
        self.posted: dict[str, Posted] = {}
        self.unknown: list[Draft] = []
        self.goes_on = True

    async def run(self) -> None:
        while self.goes_on:
            batch = [self._draft() for _ in range(self._random.randint(1, 20))]
            for each, outcome in zip(batch, await append(self._node, *batch), strict=True):
                if isinstance(outcome, Posted):
                    self.posted[each.id] = outcome
                else:
                    assert isinstance(outcome, StorageAway), outcome
                    self.unknown.append(each)

    def _draft(self) -> Draft:
        number = next(self._numbers)
        return draft(
            self._random.choice((LOUNGE, ATTIC, BOB)),
            f"{self._name} {number}",
            sender=self._name,
            key=f"k{number}" if number % 3 else None,
        )


async def everything(node: PostgresStore, *logs: str) -> list:
    events = []
    for log in logs:
        at, more = 0, True
        while more:
            page = await node.page(log, after=at)
            assert seqs(page.events) == list(range(at + 1, at + 1 + len(page.events)))
            events += page.events
            at, more = at + len(page.events), page.more
        assert at == await node.head(log)
    return events


@pytest.mark.parametrize("how", ["killed", "restarted"])
async def test_a_server_that_ends_under_load_loses_and_doubles_nothing(
    open_postgres, node, databases, broken, damaged, how
):
    nodes = [await open_postgres() for _ in range(2)]
    posters = [Poster(each, name, n) for n, (each, name) in enumerate(zip(nodes, ("ada", "cy"), strict=True))]
    running = [asyncio.ensure_future(poster.run()) for poster in posters]

    async def more_is_posted() -> None:
        before = [len(poster.posted) for poster in posters]
        async with deadline():
            while any(len(p.posted) < n + 50 for p, n in zip(posters, before, strict=True)):
                assert not any(each.done() for each in running)
                await asyncio.sleep(0.01)

    await more_is_posted()
    for _ in range(2):
        if how == "killed":
            await databases.kill()
            await databases.start()
        else:
            await databases.restart()
        await more_is_posted()
    for poster in posters:
        poster.goes_on = False
    await asyncio.gather(*running)

    # Whoever was told nothing asks again, with the same key.
    for each, poster in zip(nodes, posters, strict=True):
        keyed = [unknown for unknown in poster.unknown if unknown.key]
        for unknown, outcome in zip(keyed, await post(each, *keyed), strict=True):
            poster.posted[unknown.id] = outcome

    stored = await everything(node, LOUNGE, ATTIC, ADA, BOB, inbox_log("cy"))
    times = Counter((event.log, event.id) for event in stored)
    assert set(times.values()) == {1}
    keys = Counter((event.sender, event.key, event.log) for event in stored if event.key)
    assert set(keys.values()) == {1}
    receipts = [posted.receipt for poster in posters for posted in poster.posted.values()]
    assert set(map(repr, receipts)) <= set(map(repr, stored))
    assert broken == damaged == []
    for each in nodes:
        await each.close()


async def test_while_the_server_is_away_calls_are_refused_and_then_it_goes_on(
    impatient, open_postgres, node, databases, broken
):
    near = await open_postgres()
    await say(near, LOUNGE, "a")
    await databases.kill()

    (outcome,) = await append(near, draft(LOUNGE, "b", key="k"))
    with pytest.raises(StorageAway):
        await near.page(LOUNGE)
    with pytest.raises(StorageAway):
        await near.create_session(session("s1"), b"t" * 32)

    assert isinstance(outcome, StorageAway)
    assert not near.up
    await databases.start()
    await until_up(near)
    assert seqs([(await post(near, draft(LOUNGE, "b", key="k")))[0].receipt]) == [2]
    assert broken == []
    await near.close()


async def test_a_server_that_hangs_holds_up_nobody_for_ever(
    impatient, open_postgres, node, databases, broken
):
    near = await open_postgres()
    await say(near, LOUNGE, "a")
    databases.freeze()
    try:
        async with deadline():
            (outcome,) = await append(near, draft(LOUNGE, "b", key="k"))
            with pytest.raises(StorageAway):
                await near.page(LOUNGE)
    finally:
        databases.thaw()

    assert isinstance(outcome, StorageAway)
    await until_up(near)
    (again,) = await post(near, draft(LOUNGE, "b", key="k"))
    assert again.receipt.seq == 2
    assert texts((await near.page(LOUNGE)).events) == ["a", "b"]
    assert broken == []
    await near.close()


async def test_a_store_can_be_closed_while_the_server_is_away(impatient, open_postgres, node, databases):
    near = await open_postgres()
    await say(near, LOUNGE, "a")
    await databases.kill()
    try:
        told = asyncio.ensure_future(append(near, draft(LOUNGE, "b")))
        await asyncio.sleep(0)
        async with deadline():
            await near.close()
        (outcome,) = await told
        assert isinstance(outcome, StorageAway)
    finally:
        await databases.start()


class Hanging:
    """A connection that is closed only when all of them are being closed."""

    def __init__(self, barrier: asyncio.Barrier) -> None:
        self._barrier = barrier

    async def close(self, *, timeout: float) -> None:
        await self._barrier.wait()

    def is_closed(self) -> bool:
        return False

    def is_in_transaction(self) -> bool:
        return False


def plain_database(connect, **options) -> database.Database:
    given = {
        "connections": 3,
        "monotonic": asyncio.get_running_loop().time,
        "on_broken": lambda failure: None,
        "on_damaged": lambda damage: None,
    }
    return database.Database(connect, **(given | options))


async def test_connections_that_hang_are_closed_side_by_side():
    barrier = asyncio.Barrier(3)

    async def connect() -> Hanging:
        return Hanging(barrier)

    db = plain_database(connect)
    async with deadline(), db.connection(), db.connection(), db.connection():
        pass

    async with deadline():
        await db.close()


async def test_a_database_is_looked_for_until_it_is_found_whatever_answers_meanwhile(monkeypatch):
    monkeypatch.setattr(database, "_FIRST_PAUSE_SECONDS", 0.0)
    answers = iter([OSError("nobody is there"), AttributeError("server_version"), None])

    async def connect() -> Hanging:
        if error := next(answers):
            raise error
        return Hanging(asyncio.Barrier(1))

    db = plain_database(connect)
    db.lost(ConnectionResetError())

    async with deadline(), db.connection():
        assert db.up
    await db.close()


@pytest.fixture
def waiting_for_a_replica(databases):
    """From when it is entered until it is left, commits wait for a replica that is not there."""

    @asynccontextmanager
    async def waiting():
        await databases.set("synchronous_standby_names", "'nobody'")
        try:
            yield
        finally:
            await databases.set("synchronous_standby_names", "DEFAULT")

    return waiting


async def test_a_post_is_not_acknowledged_before_the_replica_that_it_waits_for_has_it(
    impatient, open_postgres, node, waiting_for_a_replica, monkeypatch, broken
):
    monkeypatch.setitem(database.SETTINGS, "lock_timeout", "100ms")
    near = await open_postgres()
    await say(near, LOUNGE, "a")

    async with waiting_for_a_replica():
        (outcome,) = await append(near, draft(LOUNGE, "b", key="k"))
        assert isinstance(outcome, StorageAway)
        assert texts((await near.page(LOUNGE)).events) == ["a"], "nobody sees what may yet be lost"

    async with deadline():
        while await near.head(LOUNGE) < 2:  # the replica is not waited for any more
            await asyncio.sleep(0.01)
    (again,) = await post(near, draft(LOUNGE, "b", key="k"))
    assert (again.repeated, again.receipt.seq) == (True, 2)
    assert broken == []


# -- what the server refuses ------------------------------------------------

REFUSING = """
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{code}'; END $$;
    CREATE TRIGGER refusing BEFORE INSERT ON events EXECUTE FUNCTION refuse();
"""
ALLOWING = "DROP TRIGGER refusing ON events; DROP FUNCTION refuse();"


async def run(url: str, script: str) -> None:
    connection = await asyncpg.connect(url, server_settings={"search_path": "hubbub"})
    await connection.execute(script)
    await connection.close()


@pytest.mark.parametrize(
    ("code", "refusal"),
    [("53100", StorageFull), ("40P01", Overloaded), ("40001", Overloaded), ("55P03", Overloaded)],
)
async def test_what_the_server_refuses_for_now_is_refused_and_reads_go_on(
    node, postgres, broken, code, refusal
):
    await say(node, LOUNGE, "a")
    await run(postgres, REFUSING.format(code=code))

    outcomes = await append(node, draft(LOUNGE, "b", key="k"), draft(ATTIC, "c"))

    assert [type(outcome) for outcome in outcomes] == [refusal] * 2
    assert texts((await node.page(LOUNGE)).events) == ["a"]
    await run(postgres, ALLOWING)
    assert seqs([(await post(node, draft(LOUNGE, "b", key="k")))[0].receipt]) == [2]
    assert broken == []


@pytest.mark.parametrize("code", ["58030", "XX001", "23505"])
async def test_a_write_that_fails_otherwise_breaks_the_store(node, postgres, broken, code):
    await run(postgres, REFUSING.format(code=code))

    (outcome,) = await append(node, draft(LOUNGE, "b"))
    (later,) = await append(node, draft(LOUNGE, "c"))

    assert isinstance(outcome, StorageFailed)
    assert isinstance(later, StorageFailed)
    assert broken == [outcome]
    for reading in (node.page(LOUNGE), node.head(LOUNGE), node.room("lounge"), node.mark("ada", LOUNGE, 1)):
        with pytest.raises(StorageFailed):
            await reading


async def test_a_batch_that_ran_into_another_nodes_is_written_again(node, postgres, monkeypatch):
    """Three times: as often as two nodes may well get into each other's way."""
    await run(
        postgres,
        """
        CREATE SEQUENCE tries;
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN IF nextval('hubbub.tries') <= 3 THEN RAISE EXCEPTION 'no' USING ERRCODE = '40P01'; END IF;
            RETURN NEW; END $$;
        CREATE TRIGGER refusing BEFORE INSERT ON events FOR EACH STATEMENT EXECUTE FUNCTION refuse();
        """,
    )

    assert seqs(await say(node, LOUNGE, "a", "b")) == [1, 2]
    assert texts((await node.page(LOUNGE)).events) == ["a", "b"]


async def test_a_post_waits_no_longer_for_a_log_that_somebody_holds_than_it_has_to(
    open_postgres, node, postgres, monkeypatch, broken
):
    monkeypatch.setitem(database.SETTINGS, "lock_timeout", "50ms")
    near = await open_postgres()
    other = await asyncpg.connect(postgres, server_settings={"search_path": "hubbub"})
    async with other.transaction():
        await other.execute("SELECT 1 FROM logs WHERE name = $1 FOR UPDATE", LOUNGE)

        (outcome,) = await append(near, draft(LOUNGE, "a"))

    assert isinstance(outcome, Overloaded)
    assert seqs(await say(near, LOUNGE, "a")) == [1]
    await other.close()
    await near.close()
    assert broken == []


async def test_a_node_that_hangs_amid_a_batch_holds_up_the_others_for_a_moment_only(
    open_postgres, node, postgres, monkeypatch
):
    monkeypatch.setitem(database.SETTINGS, "idle_in_transaction_session_timeout", "200ms")
    other = await asyncpg.connect(postgres, server_settings={**database.SETTINGS, "search_path": "hubbub"})
    await other.execute("BEGIN")
    await other.execute("SELECT 1 FROM logs WHERE name = $1 FOR UPDATE", LOUNGE)

    assert seqs(await say(node, LOUNGE, "a")) == [1]
    other.terminate()


async def test_of_calls_that_wait_for_a_connection_none_waits_for_ever(
    impatient, open_postgres, node, monkeypatch
):
    near = await open_postgres(connections=2)
    async with near._db.connection():
        monkeypatch.setattr(database, "MAX_WAITING", 1)
        waiting = asyncio.ensure_future(near.head(LOUNGE))
        await asyncio.sleep(0)
        with pytest.raises(Overloaded):
            await near.head(LOUNGE)
        with pytest.raises(StorageAway):
            await waiting
        assert seqs(await say(near, LOUNGE, "a")) == [1], "posts have a connection of their own"

    assert await near.head(LOUNGE) == 1
    assert near.up
    await near.close()


async def test_whoever_stops_waiting_for_an_answer_leaves_no_connection_behind(node):
    for _ in range(20):
        reading = asyncio.ensure_future(node.page(LOUNGE))
        await asyncio.sleep(0)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading

    async with deadline():
        await asyncio.gather(*(node.page(LOUNGE) for _ in range(20)))


# -- another store ----------------------------------------------------------


async def test_a_node_does_not_go_on_with_another_store_under_the_same_address(node, spoil_postgres, broken):
    await say(node, LOUNGE, "a")
    spoil_postgres("UPDATE store SET epoch = 'another'")

    (outcome,) = await append(node, draft(LOUNGE, "b"))

    assert isinstance(outcome, StorageFailed)
    assert broken == [outcome]


async def test_a_node_breaks_when_the_database_has_lost_posts(
    node, open_postgres, spoil_postgres, monkeypatch, broken
):
    """As after a failover to a replica that was behind: the numbers must not be given out again under it."""
    await say(node, LOUNGE, "a", "b", "c")
    spoil_postgres.cut(LOUNGE, 3)
    monkeypatch.setitem(database.SETTINGS, "lock_timeout", "900ms")  # less than the server takes to end it
    fresh = await open_postgres()
    assert seqs(await say(fresh, ATTIC, "x")) == [1]

    (outcome,) = await append(node, draft(LOUNGE, "d"))

    assert isinstance(outcome, StorageFailed)
    assert broken == [outcome]
    assert seqs(await say(fresh, LOUNGE, "d")) == [3], "who never saw them goes on"


async def test_a_node_that_finds_another_store_after_a_while_away_breaks(
    impatient, open_postgres, node, databases, spoil_postgres, broken
):
    near = await open_postgres()
    spoil_postgres("UPDATE store SET epoch = 'another'")
    await databases.restart()

    with pytest.raises(StorageFailed):
        await near.page(LOUNGE)

    assert len(broken) == 1
    await near.close()
