"""No call costs more for a larger store, but for a logarithm: every statement seeks in an index."""

import pytest

from hubbub.domain.ids import inbox_log
from hubbub.storage.base import RECEIVED, Between

from .conftest import furnish
from .drafting import LOUNGE, draft, post, room, session, user

BOB = inbox_log("bob")


@pytest.fixture
async def store(open_sqlite):
    store = open_sqlite()
    await furnish(store)
    yield store
    await store.close()


async def test_no_statement_reads_a_whole_table(store):
    statements: dict[str, tuple] = {}
    connection = store._db.connection

    def note(cursor, sql, bindings):
        statements[sql] = bindings
        return True

    connection.exec_trace = note
    await use_everything(store)
    connection.exec_trace = None

    plans = {
        sql: [step[3] for step in connection.execute("EXPLAIN QUERY PLAN " + sql, bindings)]
        for sql, bindings in statements.items()
        if sql.lstrip().startswith(("SELECT", "UPDATE", "DELETE"))
    }
    assert len(plans) > 25
    for sql, steps in plans.items():
        for step in steps:
            # The one row of `store`; a subquery that has found its row already, or has a limit of its own.
            harmless = ("CONSTANT ROW", " store", "(subquery")
            assert "SCAN" not in step or any(each in step for each in harmless), (sql, step)
            assert "TEMP B-TREE" not in step, (sql, step)


async def use_everything(store):
    post(
        store, draft(LOUNGE, "a", key="k", at=1), draft(BOB, "b", key="k", at=1), draft(LOUNGE, "a", key="k")
    )
    for view in (Between("ada"), RECEIVED):
        for where in ({"after": 0}, {"before": 9}, {}):
            await store.page(BOB, view=view, **where)
    for where in ({"after": 0}, {"before": 9}, {}):
        await store.page(LOUNGE, **where)
    await store.event(LOUNGE, 1)
    for place in (LOUNGE, inbox_log("ada")):
        await store.mark("bob", place, 1)
    await store.followed("bob", after="attic", limit=10)
    await store.conversations("bob", after=None, limit=10)
    await store.unmark("bob", LOUNGE)
    await store.head(inbox_log("cy"))
    await store.trim(sent_before_ms=2, limit=10)
    await store.create_room(room("cellar"), "cellar")
    await store.room("cellar")
    await store.rooms(prefix="c", after="attic", limit=10)
    await store.create_user(user("dora"), "h")
    await store.user("dora")
    await store.users(prefix="d", after="cy", limit=10)
    await store.credential("dora")
    await store.set_password("dora", "h")
    for n in range(4):
        await store.create_session(session(f"s{n}"), bytes([n]) * 32)
    await store.session_by_token(bytes(32))
    await store.session("s1")
    await store.sessions("ada")
    await store.extend_session("s1", 9)
    await store.end_session("s0")
    await store.sweep_sessions(10)
    await store.end_sessions("ada")
    await store.disable("dora", 1)
    await store.endings(None)
