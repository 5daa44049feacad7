"""The commands for who keeps a server, on a store in PostgreSQL: the same words, and the same exit codes."""

import asyncio
import json
import os
import sys
import time
from contextlib import closing

import apsw
import asyncpg
import pytest

from hubbub.client import Client
from hubbub.domain.ids import room_log
from hubbub.knobs import ServerUrl
from hubbub.storage.postgres import PostgresStore
from storage.drafting import LOUNGE, draft, room
from storage.everything import fill
from storage.posting import post
from support.deadline import deadline
from support.seeded import PASSWORD, token_of
from support.serving import serving

from .commands import ENVIRONMENT, hubbub, hubbub_here, started
from .test_move import asked, opened

WITHOUT_THE_DRIVER = """
import sys
sys.modules["asyncpg"] = None
from hubbub.cli import main
sys.exit(main(sys.argv[1:]))
"""


HIDING = """
    UPDATE pg_index SET indisready = false WHERE indexrelid = 'hubbub.events_received'::regclass;
    UPDATE hubbub.events SET seq = seq + 1000 WHERE recipient IS NOT NULL;
    UPDATE pg_index SET indisready = true WHERE indexrelid = 'hubbub.events_received'::regclass;
"""
"""Events are written while one index is not told of it."""


@pytest.fixture
async def kept(postgres):
    """A database with something of everything in it."""
    store = await PostgresStore.open(
        postgres,
        now_ms=lambda: 1,
        randomness=os.urandom,
        monotonic=time.monotonic,
        on_broken=lambda failure: None,
    )
    await fill(store)
    await store.close()
    return postgres


async def do(url, sql):
    connection = await asyncpg.connect(url, server_settings={"search_path": "hubbub"})
    await connection.execute(sql)
    await connection.close()


# -- verify -------------------------------------------------------------------


async def test_a_whole_store_is_said_to_be_whole(kept):
    ended = await hubbub("verify", "--database", kept)

    assert (ended.code, ended.err) == (0, "")
    assert "(postgresql 1" in ended.out
    assert "whole: nothing is wrong" in ended.out


async def test_a_store_that_is_not_whole_is_said_so_with_the_place_and_exit_code_1(kept):
    await do(kept, "UPDATE events SET text = 'never said' WHERE text = 'text 3'")

    ended = await hubbub_here("verify", "--database", kept)

    assert ended.code == 1
    assert "NOT WHOLE" in ended.out
    assert "room/lounge 3: The content does not match its digest." in ended.out


async def test_an_earlier_report_of_before_a_move_is_one_of_the_store_after_it(kept, tmp_path):
    report = tmp_path / "report.json"
    report.write_text((await hubbub_here("verify", "--database", kept, "--json")).out)
    await hubbub_here("move", "--from", kept, "--to", tmp_path / "data")

    compared = await hubbub_here("verify", "--data", tmp_path / "data", "--against", report, "--json")

    assert compared.code == 0
    assert json.loads(compared.out)["checked"]["anchors"] == 8


async def test_an_index_that_leads_astray_is_found_where_the_database_can_look(kept, databases):
    if not databases.offers(kept, "amcheck"):
        pytest.skip("this PostgreSQL was built without amcheck")
    databases.do(kept, "CREATE EXTENSION amcheck")
    databases.do(kept, "GRANT EXECUTE ON FUNCTION bt_index_check(regclass, boolean) TO hubbub")
    whole = await hubbub_here("verify", "--database", kept)
    databases.do(kept, HIDING)

    ended = await hubbub_here("verify", "--database", kept)

    assert (whole.code, ended.code) == (0, 1)
    assert "events_received" in ended.out


# -- user ---------------------------------------------------------------------


async def test_accounts_are_looked_after_beside_nodes(kept):
    node = await opened(kept)
    assert (await node.endings(None)).sessions is None

    added = await hubbub_here_with_input("user", "add", "Newcomer", "--database", kept)
    listed = await hubbub_here("user", "sessions", "bob", "--database", kept)
    disabled = await hubbub_here("user", "disable", "bob", "--database", kept)
    enabled = await hubbub_here("user", "enable", "bob", "--database", kept)
    changed = await hubbub_here_with_input("user", "password", "bob", "--database", kept)
    nobody = await hubbub_here("user", "disable", "nobody", "--database", kept)
    session = await node.session("s3")
    await node.close()

    assert (added.code, added.out) == (0, "added newcomer\n")
    assert listed.out.startswith("s3 ")
    assert (disabled.out, enabled.out) == ("disabled bob\n", "enabled bob\n")
    assert changed.out == "bob has a new password; sessions ended: 0\n"
    assert (nobody.code, nobody.err) == (1, "hubbub: there is no user nobody\n")
    assert session is None


async def hubbub_here_with_input(*words):
    return await hubbub(*words, said=PASSWORD + "\n")


async def test_an_account_in_a_database_without_a_store_says_where_it_was_made(postgres):
    told = await hubbub("user", "add", "ada", said=PASSWORD, HUBBUB_DATABASE=postgres)

    place = postgres.partition("@")[2]
    assert told.out == f"added ada to a new store in postgresql://{place}\n"


async def test_what_asks_a_database_without_a_store_is_told_there_is_none(postgres, tmp_path):
    for words in (["verify"], ["backup", "--to", tmp_path / "a.db"], ["user", "sessions", "ada"]):
        ended = await hubbub_here(*words, "--database", postgres)

        assert ended.code == 1
        assert "no hubbub store in" in ended.err or "no store in the database" in ended.err


@pytest.mark.parametrize("words", [["verify"], ["user", "sessions", "ada"], ["backup", "--to", "a.db"]])
async def test_a_directory_and_a_database_are_not_both_meant(words, tmp_path):
    ended = await hubbub(*words, "--data", tmp_path, "--database", "postgresql://h/d", cwd=tmp_path)

    assert ended.code == 2
    assert "one of them" in ended.err


async def test_in_a_servers_environment_a_flag_says_where_else_to_look(used, tmp_path):
    of_a_server = {
        "HUBBUB_DATABASE": "postgresql://u:geheim@127.0.0.1:1/d",
        "HUBBUB_BUS": "nats://127.0.0.1:1",
    }

    by_flag = await hubbub("verify", "--data", used, cwd=tmp_path, **of_a_server)
    by_itself = await hubbub("verify", cwd=tmp_path, **of_a_server)
    restored = await hubbub(
        "restore", "--from", used, "--data", tmp_path / "there", "--no-verify", cwd=tmp_path, **of_a_server
    )

    assert (by_flag.code, by_itself.code, restored.code) == (0, 1, 0)
    assert "postgresql://u@127.0.0.1:1/d" in by_itself.err
    assert "geheim" not in by_itself.err


@pytest.mark.parametrize(
    "words",
    [
        ["verify", "--database"],
        ["user", "sessions", "ada", "--database"],
        ["seed", "--users", "1", "--rooms", "1", "--out", "-", "--database"],
        ["backup", "--to", "a.db", "--database"],
        ["move", "--to", "there", "--from"],
    ],
)
async def test_without_its_driver_a_database_is_refused_with_what_to_install(words, tmp_path):
    url = "postgresql://u:geheim@127.0.0.1:1/d"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WITHOUT_THE_DRIVER, *words, url,
        cwd=tmp_path, env=ENVIRONMENT, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with deadline():
        _, err = await process.communicate()

    assert process.returncode == 1
    assert (
        err.decode()
        == "hubbub: PostgreSQL needs asyncpg: install hubbub[postgres], or make setup in a checkout\n"
    )


# -- seed ---------------------------------------------------------------------


async def test_seeded_people_have_their_sessions_and_are_seeded_once(postgres):
    words = ("seed", "--users", "2", "--rooms", "1", "--out", "-", "--database", postgres)

    first = await hubbub_here(*words)
    again = await hubbub_here(*words)

    store = await opened(postgres)
    users, _ = await store.users(prefix="", after=None, limit=9)
    await store.close()
    assert (first.code, again.code) == (0, 1)
    assert [user.name for user in users] == ["user-00001", "user-00002"]
    assert "user-00001" in again.err


# -- backup -------------------------------------------------------------------


async def test_a_backup_is_a_file_like_that_of_a_directory_and_restores_as_one(kept, tmp_path):
    before = await asked(kept)

    backup = await hubbub("backup", "--database", kept, "--to", tmp_path / "a.db")
    restore = await hubbub_here(
        "restore", "--from", tmp_path / "a.db", "--data", tmp_path / "data", "--keep-sessions"
    )
    after = await asked(tmp_path / "data")

    assert (backup.code, backup.err, restore.code) == (0, "", 0)
    assert "36 events in 8 logs, the newest of 1970" in backup.out
    assert (tmp_path / "a.db").stat().st_mode & 0o777 == 0o600
    assert {file.name for file in tmp_path.iterdir()} == {"a.db", "data"}
    renewed = {"epoch": after["epoch"], "secret": after["secret"]}
    assert before | renewed == after
    assert after["epoch"] != before["epoch"]


async def test_a_backup_becomes_the_store_of_an_empty_database(kept, databases, tmp_path):
    await hubbub_here("backup", "--database", kept, "--to", tmp_path / "a.db")
    database = databases.fresh()

    ended = await hubbub("restore", "--from", tmp_path / "a.db", "--database", database)

    assert ended.code == 0, ended.err
    before, after = await asked(kept), await asked(database)
    assert "everybody signs in again" in ended.out
    assert f"its epoch is now {after['epoch']}" in ended.out
    assert database not in ended.out + ended.err, "no password is shown"
    assert after["epoch"] != before["epoch"]
    assert after["secret"] != before["secret"]
    assert after["logs"] == before["logs"]
    assert (await hubbub_here("verify", "--database", database)).code == 0
    store = await opened(database)
    (posted,) = await post(store, draft(LOUNGE, "goes on"))
    await store.create_room(room("new", "New"), "new")
    assert await store.head(room_log("new")) == 0, "its log's number is a new one"
    await store.close()
    assert posted.receipt.seq == before["logs"][LOUNGE].head + 1


async def test_a_restore_that_ends_half_way_leaves_the_database_empty(kept, databases, tmp_path):
    await hubbub_here("backup", "--database", kept, "--to", tmp_path / "a.db")
    database = databases.fresh()
    with closing(apsw.Connection(str(tmp_path / "a.db"))) as backup:
        # The last table but one gets a text that no text there can be.
        one = "(SELECT log, place FROM marks LIMIT 1)"
        backup.execute(f"UPDATE marks SET place = 'a' || char(0) WHERE (log, place) = {one}")

    refused = await hubbub_here("restore", "--from", tmp_path / "a.db", "--database", database, "--no-verify")
    looked = await hubbub_here("verify", "--database", database)

    assert refused.code == 1
    assert "cannot be read or written" in refused.err
    assert "there is no hubbub store" in looked.err


async def test_nothing_is_restored_over_a_store_in_a_database(kept, tmp_path):
    await hubbub_here("backup", "--database", kept, "--to", tmp_path / "a.db")
    before = await asked(kept)

    words = ("restore", "--from", tmp_path / "a.db", "--database", kept)
    there, aside = await hubbub_here(*words), await hubbub_here(*words, "--replace")

    assert (there.code, aside.code) == (1, 2)
    assert "There is a store in the database already" in there.err
    assert "--replace" in aside.err
    assert await asked(kept) == before


async def test_a_backup_that_would_not_be_whole_is_not_kept(kept, tmp_path):
    await do(kept, "UPDATE events SET text = 'never said' WHERE text = 'text 3'")

    refused = await hubbub_here("backup", "--database", kept, "--to", tmp_path / "a.db")
    left = list(tmp_path.iterdir())
    taken = await hubbub_here("backup", "--database", kept, "--to", tmp_path / "a.db", "--no-verify")

    assert (refused.code, taken.code) == (1, 0)
    assert "not whole and was not kept" in refused.err
    assert left == []


async def test_a_backup_while_nodes_write_is_of_one_moment(kept, tmp_path, monkeypatch):
    """Every post before it was begun is in it, and both sides of each direct message or neither."""
    monkeypatch.setattr("hubbub.storage.postgres.copying.BATCH", 10)  # so that it takes many looks
    node = await opened(kept)
    halt, going = asyncio.Event(), asyncio.Event()
    posted = 0

    async def write():
        nonlocal posted
        while not halt.is_set():
            await post(node, *(draft(LOUNGE, "x", key=f"w{posted}-{n}") for n in range(5)))
            await post(node, *(draft("inbox/cy", "y", key=f"w{posted}-{n}") for n in range(5)))
            posted += 1
            if posted == 20:
                going.set()

    writing = asyncio.ensure_future(write())
    async with deadline():
        await going.wait()
    before = posted
    ended = await hubbub_here("backup", "--database", kept, "--to", tmp_path / "a.db")
    after = posted
    halt.set()
    await writing
    await node.close()

    assert (ended.code, ended.err) == (0, "")
    assert after > before  # else nothing went on meanwhile
    database = apsw.Connection(str(tmp_path / "a.db"))
    ((count,),) = database.execute("SELECT count(*) FROM events WHERE text = 'x'").fetchall()
    database.close()
    assert 5 * before <= count <= 5 * (after + 1)


# -- a client that has to do with it --------------------------------------------


@pytest.mark.parametrize("there", [True, False])
async def test_a_client_goes_on_over_a_move_as_if_nothing_had_happened(used, postgres, tmp_path, there):
    """From a directory to a database, and from a database to a directory."""
    source, target = (used, postgres) if there else (postgres, tmp_path / "back")
    if not there:
        await hubbub_here("move", "--from", used, "--to", postgres)

    async with (
        serving_from(source) as server,
        Client(server.url, token=token_of("ada")) as ada,
        deadline(),
    ):
        lounge = await ada.room("Lounge")
        first = await ada.post("before", room=lounge, key="k1")
        async with ada.subscribe(lounge, inbox=True) as heard:
            await heard.open()
            await ada.post("heard", room=lounge)
            assert (await anext(heard)).text == "heard"
            cursors = heard.cursors()
        await ada.post("missed", room=lounge)
    assert (await hubbub_here("move", "--from", source, "--to", target)).code == 0

    async with (
        serving_from(target) as server,
        Client(server.url, token=token_of("ada")) as ada,
        deadline(),
    ):
        again = await ada.post("before", room=lounge, key="k1")
        async with ada.subscribe(lounge, inbox=True, after=cursors) as heard:
            await ada.post("after", room=lounge)
            texts = [(await anext(heard)).text, (await anext(heard)).text]

    assert again.seq == first.seq
    assert texts == ["missed", "after"]


def serving_from(where):
    if isinstance(where, str):
        return serving("unused", database=ServerUrl(where))
    return serving(where)


async def test_a_server_looks_its_database_through_and_goes_on(kept, tmp_path):
    token = "an-admin-token-of-some-forty-characters-or-so"
    (tmp_path / "token").write_text(token)
    words = ("--admin-token-file", str(tmp_path / "token"), "--database", kept)
    process = await started(
        "serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", *words, cwd=tmp_path
    )
    try:
        async with deadline():
            lines = [(await process.stdout.readline()).decode() for _ in range(3)]
        admin = lines[2].split()[-1].removesuffix("/metrics")
        whole = await hubbub_here("verify", "--server", admin, "--token-file", tmp_path / "token", "--json")
        await do(kept, "UPDATE events SET text = 'never said' WHERE text = 'text 3'")
        spoilt = await hubbub_here("verify", "--server", admin, "--token-file", tmp_path / "token")
    finally:
        process.terminate()
        async with deadline():
            await process.communicate()

    assert kept.partition("@")[0].rpartition(":")[2] not in "".join(lines)
    assert json.loads(whole.out)["backend"] == "postgresql"
    assert (whole.code, spoilt.code) == (0, 1)
