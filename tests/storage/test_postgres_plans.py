"""No call costs more for a larger store, but for a logarithm: every statement looks up in an index."""

import asyncio
import json
import re

import asyncpg
import pytest

from hubbub.domain.ids import inbox_log
from hubbub.storage.base import RECEIVED, Between
from hubbub.storage.postgres import PostgresStore
from hubbub.storage.postgres.database import SETTINGS

from .conftest import furnish
from .drafting import ATTIC, LOUNGE, draft, room, session, user
from .posting import post

ADA, BOB = inbox_log("ada"), inbox_log("bob")

GROWING = {"logs", "events", "keys", "users", "sessions", "rooms", "marks"}

FILL = """
    INSERT INTO logs (name, head, link, oldest_ms)
        SELECT 'room/r' || n, 20, '\\x', 10000000 FROM generate_series(1, 5000) n;
    INSERT INTO rooms (id, log, name, folded, created_at_ms, created_by)
        SELECT substr(name, 6), number, name, name, 1, 'ada' FROM logs WHERE name LIKE 'room/r%';
    INSERT INTO events (log, seq, id, sent, sender, text, sent_at_ms, digest, link)
        SELECT number, seq, 'x', false, 'ada', 'text', 10000000, '\\x', '\\x'
        FROM logs, generate_series(1, 20) seq WHERE name LIKE 'room/r%';
    INSERT INTO keys (log, sender, key, seq)
        SELECT log, 'ada', 'key' || seq, seq FROM events WHERE log > 10;
    INSERT INTO users (name, password_hash, created_at_ms)
        SELECT 'u' || n, 'h', 1 FROM generate_series(1, 20000) n;
    INSERT INTO logs (name) SELECT 'inbox/u' || n FROM generate_series(1, 20000) n;
    INSERT INTO sessions (id, token_hash, "user", created_at_ms, expires_at_ms, agent)
        SELECT 's' || n, decode(lpad(to_hex(n), 8, '0'), 'hex'), 'u' || n, 1, 10000000, 'a'
        FROM generate_series(1, 20000) n;
    INSERT INTO marks (log, place, seq) SELECT number, 'room/r1', 1 FROM logs WHERE name LIKE 'inbox/u%';
    ANALYZE;
"""


@pytest.fixture
def run(postgres):
    """Runs a script by a connection of its own."""
    connect = asyncpg.connect

    async def run(script: str) -> None:
        connection = await connect(postgres, server_settings={"search_path": "hubbub"})
        await connection.execute(script)
        await connection.close()

    return run


@pytest.fixture
async def asked(monkeypatch) -> dict[str, list]:
    """Every statement that is asked from here on, with what it was last asked with."""
    asked: dict[str, list] = {}
    connect = asyncpg.connect

    async def watched(*args: object, **options: object) -> asyncpg.Connection:
        connection = await connect(*args, **options)
        connection.add_query_logger(lambda query: asked.__setitem__(query.query, query.args))
        return connection

    monkeypatch.setattr(asyncpg, "connect", watched)
    return asked


async def use_everything(node: PostgresStore) -> None:
    await post(
        node, draft(LOUNGE, "a", key="k", at=1), draft(BOB, "b", key="k", at=1), draft(ADA, "c", sender="bob")
    )
    await post(node, draft(LOUNGE, "a", key="k"), draft(BOB, "b", key="k"))
    for view in (Between("ada"), RECEIVED):
        for where in ({"after": 0}, {"before": 9}, {}):
            await node.page(BOB, view=view, **where)
    for where in ({"after": 0}, {"before": 9}, {}):
        await node.page(LOUNGE, **where)
    await node.event(LOUNGE, 1)
    await node.head(LOUNGE)
    await node.heads([LOUNGE, ATTIC])
    for place in (LOUNGE, ADA):
        await node.mark("bob", place, 1)
    await node.followed("bob", after="attic", limit=10)
    await node.conversations("bob", after=None, limit=10)
    await node.unmark("bob", ADA)
    await node.trim(sent_before_ms=100, limit=10)
    await node.create_room(room("cellar", "Cellar"), "cellar")
    await node.room("cellar")
    await node.rooms(prefix="c", after="attic", limit=10)
    await node.create_user(user("dora"), "h")
    await node.user("dora")
    await node.users(prefix="d", after=None, limit=10)
    await node.credential("dora")
    await node.set_password("dora", "h")
    await node.create_session(session("mine", "dora"), b"t" * 32)
    await node.session("mine")
    await node.session_by_token(b"t" * 32)
    await node.sessions("dora")
    await node.extend_session("mine", 5_000)
    await node.end_session("mine")
    await node.end_sessions("ada")
    await node.sweep_sessions(10)
    await node.disable("dora", 1)
    await node.endings(0)
    await asyncio.sleep(0)  # what was asked is told in the next turn


def scans(plan: dict) -> list[str]:
    """The tables of which all is read, in whatever order."""
    is_scan = "Scan" in plan["Node Type"] and "Relation Name" in plan
    bounds = ("Index Cond", "Recheck Cond")
    found = [plan["Relation Name"]] if is_scan and not any(bound in plan for bound in bounds) else []
    return found + [name for below in plan.get("Plans", []) for name in scans(below)]


async def plan_of(connection: asyncpg.Connection, sql: str, arguments: list) -> dict:
    ((text,),) = await connection.fetch(f"EXPLAIN (FORMAT JSON) {sql}", *arguments)
    return json.loads(text)[0]["Plan"]


def statements(asked: dict[str, list]) -> dict[str, list]:
    """Those of the store, and not of the driver's or the test's own."""
    ours = re.compile(r"\s*(SELECT|WITH|INSERT|UPDATE|DELETE)")
    return {sql: args for sql, args in asked.items() if ours.match(sql) and "pg_" not in sql}


async def test_no_statement_reads_a_whole_table(open_postgres, run, asked):
    node = await open_postgres()
    await furnish(node)
    await run(FILL)
    asked.clear()

    await use_everything(node)

    used = statements(asked)
    assert len(used) > 35
    async with node._db.connection() as connection:
        await connection.execute("SET enable_seqscan = on")  # it is as good without our saying so
        for sql, arguments in used.items():
            plan = await plan_of(connection, sql, arguments)
            assert not GROWING & set(scans(plan)), (sql, json.dumps(plan, indent=1))
        await connection.execute("SET enable_seqscan = off")


async def test_a_plan_that_was_made_while_there_was_nothing_is_good_when_there_is_more(
    open_postgres, asked, monkeypatch
):
    """The server may keep it until somebody counts the rows, and that may be a million rows later."""
    monkeypatch.setitem(SETTINGS, "plan_cache_mode", "force_generic_plan")
    node = await open_postgres()
    await furnish(node)
    asked.clear()
    await use_everything(node)

    used = statements(asked)
    assert len(used) > 35
    async with node._db.connection() as connection:
        for n, (sql, arguments) in enumerate(used.items()):
            await connection.execute(f"PREPARE kept_{n} AS {sql}")
            given = f"({', '.join(['NULL'] * len(arguments))})" if arguments else ""
            ((text,),) = await connection.fetch(f"EXPLAIN (FORMAT JSON) EXECUTE kept_{n}{given}")
            plan = json.loads(text)[0]["Plan"]
            assert not GROWING & set(scans(plan)), (sql, json.dumps(plan, indent=1))


@pytest.mark.parametrize("view", [Between("ada"), RECEIVED], ids=repr)
async def test_a_page_by_person_is_found_in_its_own_index(open_postgres, run, asked, view):
    """Not by reading all of a long inbox for the few that fit."""
    node = await open_postgres()
    await furnish(node)
    await run(FILL)
    await run(
        "INSERT INTO events (log, seq, id, sent, sender, recipient, text, sent_at_ms, digest, link)"
        " SELECT number, seq, 'x', seq % 2 = 0, 'u' || seq % 50, 'u' || seq % 50, 'text', 1, '\\x', '\\x'"
        f" FROM logs, generate_series(1, 20000) seq WHERE name = '{BOB}'; UPDATE logs SET head = 20000"
        f" WHERE name = '{BOB}'; ANALYZE"
    )
    asked.clear()
    for where in ({"after": 20_000}, {"before": 1}):
        await node.page(BOB, view=view, **where)
    await asyncio.sleep(0)

    wanted = "events_between" if isinstance(view, Between) else "events_received"
    used = statements(asked)
    assert len(used) == 2
    async with node._db.connection() as connection:
        for sql, arguments in used.items():
            assert wanted in json.dumps(await plan_of(connection, sql, arguments)), sql


@pytest.mark.parametrize("size", [1, 10, 500])
async def test_a_batch_takes_as_many_round_trips_however_many_posts_it_has(open_postgres, size):
    """They are what a post waits for where the database is on another machine."""
    node = await open_postgres()
    await furnish(node)
    await post(node, draft(LOUNGE, "a"), draft(BOB, "a"))
    asked: list[str] = []
    node._own.add_query_logger(lambda query: asked.append(query.query.split()[0]))

    await post(node, *(draft((LOUNGE, BOB)[n % 2], "x") for n in range(size)))
    await asyncio.sleep(0)
    assert asked == ["BEGIN", "SELECT", "WITH", "COMMIT"]

    asked.clear()
    await post(node, *(draft((LOUNGE, BOB)[n % 2], "x", key=f"{n}") for n in range(size)))
    await asyncio.sleep(0)
    assert asked == ["BEGIN", "SELECT", "SELECT", "WITH", "COMMIT"]
