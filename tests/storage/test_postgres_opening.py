"""Opening a store in PostgreSQL: what is made, what is refused, and nodes of two versions at one database."""

import asyncio
from contextlib import asynccontextmanager
from types import SimpleNamespace

import asyncpg
import pytest

from hubbub.cluster.postgres import Postgres
from hubbub.storage.errors import StoreUnusable
from hubbub.storage.postgres import PostgresStore, opening, schema
from hubbub.storage.postgres.schema import Step, steps

from .conftest import furnish
from .drafting import LOUNGE, seqs, texts, user
from .posting import say


@asynccontextmanager
async def connected(url: str):
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


async def form(url: str) -> tuple[int, int]:
    async with connected(url) as connection:
        return tuple(await connection.fetchrow("SELECT form, needs FROM hubbub.form"))


@pytest.fixture
def newer(monkeypatch):
    """From here on the code knows one step more: what it is, and what it needs."""

    def learn(sql: str, needs: int = 0) -> None:
        known = [*steps(), Step(sql, needs)]
        monkeypatch.setattr(opening, "steps", lambda: known)

    return learn


# -- steps ------------------------------------------------------------------


async def test_many_nodes_that_start_at_once_make_one_store(open_postgres, newer):
    newer("CREATE TABLE made (one boolean); SELECT pg_sleep(0.05)")

    nodes = await asyncio.gather(*(open_postgres() for _ in range(4)))

    assert len({node.info.epoch for node in nodes}) == 1
    assert len({node.ticket_secret for node in nodes}) == 1
    await furnish(nodes[0])
    for n, node in enumerate(nodes, 1):
        assert seqs(await say(node, LOUNGE, "a")) == [n]


async def test_a_node_that_comes_while_another_makes_the_store_finds_none_or_all_of_it(
    open_postgres, postgres
):
    class Overtaken:
        """A connection, after whose first question another node makes the store."""

        def __init__(self, connection: asyncpg.Connection) -> None:
            self._connection = connection
            self._asked = False

        def __getattr__(self, name: str):
            async def ask(*question: object):
                answer = await getattr(self._connection, name)(*question)
                if not self._asked:
                    self._asked = True
                    await open_postgres()
                return answer

            return ask

    async with connected(postgres) as connection:
        found = await schema.form_of(Overtaken(connection))

    assert found == schema.Form(0, 0)
    async with connected(postgres) as connection:
        assert (await schema.form_of(connection)).form == len(steps())


async def test_a_store_is_brought_to_a_newer_form_under_a_node_that_goes_on(open_postgres, postgres, newer):
    old = await open_postgres()
    await furnish(old)
    await say(old, LOUNGE, "a")
    before = await form(postgres)

    newer("ALTER TABLE events ADD COLUMN mood text; ALTER TABLE users ADD COLUMN mood text")
    new = await open_postgres()

    assert await form(postgres) == (before[0] + 1, before[1])
    assert seqs(await say(new, LOUNGE, "b")) == [2]
    assert seqs(await say(old, LOUNGE, "c")) == [3]
    await old.create_user(user("dora"), "h")
    assert texts((await old.page(LOUNGE)).events) == ["a", "b", "c"]


async def test_older_code_may_use_a_newer_form_for_as_long_as_it_is_enough(open_postgres, newer, monkeypatch):
    newer("ALTER TABLE users ADD COLUMN mood text")
    await furnish(await open_postgres())
    monkeypatch.undo()

    old = await open_postgres()

    assert seqs(await say(old, LOUNGE, "a")) == [1]


async def test_older_code_does_not_touch_what_needs_newer(open_postgres, postgres, newer, monkeypatch):
    newest = len(steps()) + 1
    newer("ALTER TABLE users RENAME password_hash TO hash", needs=newest)
    await open_postgres()
    assert await form(postgres) == (newest, newest)
    monkeypatch.undo()

    with pytest.raises(StoreUnusable, match=f"needs one that knows form {newest}.*Start the newer one"):
        await open_postgres()


async def test_a_step_that_fails_leaves_the_form_before_it(open_postgres, postgres, newer):
    await open_postgres()
    before = await form(postgres)
    newer("CREATE TABLE half (one boolean); SELECT 1 / 0")

    with pytest.raises(StoreUnusable, match="division by zero"):
        await open_postgres()

    assert await form(postgres) == before
    async with connected(postgres) as connection:
        assert await connection.fetchval("SELECT to_regclass('hubbub.half')") is None
        assert await connection.fetchval("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == 0


def test_a_file_says_at_its_top_what_code_has_to_know():
    assert [step.needs for step in steps()][:1] == [1]
    assert schema.needs_of("-- needs: 12\n--\n-- What for.\n") == 12
    assert schema.needs_of("-- Nothing -- needs: 3 of that kind.\nCREATE TABLE a ();") == 0


async def test_the_first_post_waits_for_no_connection_to_be_made(open_postgres, monkeypatch):
    node = await open_postgres()
    await furnish(node)
    monkeypatch.delattr(asyncpg, "connect")

    assert seqs(await say(node, LOUNGE, "a")) == [1]


# -- what is refused --------------------------------------------------------


async def test_a_command_makes_no_store(open_postgres, postgres):
    with pytest.raises(StoreUnusable, match="no store in the database"):
        await open_postgres(create=False)

    async with connected(postgres) as connection:
        assert await connection.fetchval("SELECT to_regnamespace('hubbub')") is None
    await open_postgres()
    await open_postgres(create=False)


async def test_a_schema_of_the_same_name_that_is_not_ours_is_left_alone(open_postgres, postgres):
    async with connected(postgres) as connection:
        await connection.execute("CREATE SCHEMA hubbub; CREATE TABLE hubbub.users (name text)")

    with pytest.raises(StoreUnusable, match="not one of hubbub's"):
        await open_postgres()


async def test_an_empty_schema_that_was_made_for_it_is_used(open_postgres, postgres, databases):
    """Whoever may not make schemas is given one."""
    await databases.as_superuser("CREATE ROLE tenant LOGIN PASSWORD 'x'", postgres)
    databases.do(postgres, "CREATE SCHEMA hubbub AUTHORIZATION tenant")

    await furnish(await open_postgres(databases.url_as("tenant", "x", postgres)))


async def test_what_the_user_may_not_do_is_said(open_postgres, postgres, databases):
    await databases.as_superuser(
        "CREATE ROLE nobody_much LOGIN PASSWORD 'x'; REVOKE CREATE ON DATABASE {name} FROM PUBLIC", postgres
    )

    with pytest.raises(StoreUnusable, match="GRANT CREATE ON DATABASE"):
        await open_postgres(databases.url_as("nobody_much", "x", postgres))


async def test_a_server_that_is_not_there_is_named_without_its_password(open_postgres):
    with pytest.raises(
        StoreUnusable, match=r"postgresql://ada@127\.0\.0\.1:1/chat: .*See that it runs"
    ) as refused:
        await open_postgres("postgresql://ada:s3cret@127.0.0.1:1/chat")

    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize(
    "wrong", ["postgresql://ada:s3cret@127.0.0.1:nowhere/chat", "chat", "http://a:s3cret@b/"]
)
async def test_an_address_that_is_none_is_refused(open_postgres, wrong):
    with pytest.raises(StoreUnusable) as refused:
        await open_postgres(wrong)

    assert "s3cret" not in str(refused.value)


async def test_a_wrong_password_is_refused(open_postgres, postgres, databases):
    with pytest.raises(StoreUnusable, match="password authentication failed"):
        await open_postgres(databases.url_as("hubbub", "wrong", postgres))


async def test_a_database_of_another_encoding_is_refused(open_postgres, databases):
    url = databases.fresh("ENCODING 'SQL_ASCII' TEMPLATE template0")

    with pytest.raises(StoreUnusable, match="encoding is SQL_ASCII, and hubbub needs UTF8"):
        await open_postgres(url)

    databases.drop(url)


# -- durability -------------------------------------------------------------


async def test_what_stands_between_an_acknowledgement_and_a_power_cut_is_read_back(open_postgres):
    assert (await open_postgres()).info.durability == "synchronous_commit=on, fsync=on"


async def test_commits_that_would_not_wait_for_the_disk_are_made_to(open_postgres, postgres, databases):
    await databases.as_superuser("ALTER DATABASE {name} SET synchronous_commit = off", postgres)

    node = await open_postgres()

    assert node.info.durability == "synchronous_commit=on, fsync=on"
    async with node._db.connection() as connection:
        assert await connection.fetchval("SHOW synchronous_commit") == "on"
    await furnish(node)
    await say(node, LOUNGE, "a")
    assert await node._own.fetchval("SHOW synchronous_commit") == "on"


@pytest.mark.parametrize("stated", ["local", "remote_apply"])
async def test_what_an_administrator_chose_for_replicas_stays(open_postgres, postgres, databases, stated):
    await databases.as_superuser(f"ALTER DATABASE {{name}} SET synchronous_commit = {stated}", postgres)

    node = await open_postgres()

    async with node._db.connection() as connection:
        assert await connection.fetchval("SHOW synchronous_commit") == stated
    assert stated in node.info.durability


async def test_a_server_that_syncs_nothing_is_refused(open_postgres, databases, tmp_path):
    async with Postgres(tmp_path / "unsafe", settings=["fsync=off"]) as server:
        with pytest.raises(StoreUnusable, match="fsync=off: a power cut would take"):
            await open_postgres(server.url)


async def test_an_old_server_is_refused():
    old = SimpleNamespace(get_server_version=lambda: SimpleNamespace(major=13))

    with pytest.raises(StoreUnusable, match="PostgreSQL 13, and hubbub needs 14"):
        await opening.durability_of(old, {})


async def test_the_version_and_the_backend_are_said(open_postgres, postgres):
    node: PostgresStore = await open_postgres()

    async with connected(postgres) as connection:
        version = await connection.fetchval("SHOW server_version")
    assert node.info.backend == "postgresql"
    assert node.info.version == version.split()[0]
