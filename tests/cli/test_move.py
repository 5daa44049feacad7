"""`hubbub move`: a store somewhere else, where it goes on as if nothing had happened."""

import asyncio
import os
import shutil
import time
from pathlib import Path

import apsw
import asyncpg
import pytest

from hubbub.domain.events import Posted
from hubbub.domain.ids import UserId, room_log
from hubbub.storage.base import Store
from hubbub.storage.errors import StoreUnusable
from hubbub.storage.postgres import PostgresStore
from hubbub.storage.postgres.copying import ToPostgres
from hubbub.storage.sqlite import SqliteStore
from hubbub.storage.sqlite.copying import ToDirectory
from storage.drafting import ATTIC, LOUNGE, draft, room
from storage.everything import filled, retried, told
from storage.posting import post

from .commands import Ended, hubbub, hubbub_here, serving


@pytest.fixture(scope="module")
def everything(tmp_path_factory):
    """A directory with something of every kind in it, to be copied."""
    return asyncio.run(filled(tmp_path_factory.mktemp("everything") / "data"))


@pytest.fixture
def directory(everything, tmp_path):
    return Path(shutil.copytree(everything, tmp_path / "data"))


async def opened(where: Path | str) -> Store:
    """As a server opens it. Raises StoreUnusable."""
    given = {"now_ms": lambda: 1, "randomness": os.urandom, "on_broken": lambda failure: None}
    if isinstance(where, Path):
        return SqliteStore.open(where, create=False, **given)
    return await PostgresStore.open(where, monotonic=time.monotonic, **given)


async def asked(where: Path | str) -> dict:
    store = await opened(where)
    try:
        return await told(store)
    finally:
        await store.close()


async def move(source: Path | str, target: Path | str) -> Ended:
    return await hubbub_here("move", "--from", source, "--to", target)


async def is_whole(where: Path | str) -> bool:
    flag = "--data" if isinstance(where, Path) else "--database"
    return (await hubbub_here("verify", flag, where)).code == 0


# -- there and back ---------------------------------------------------------


async def test_a_store_is_the_same_in_postgresql_and_back_in_a_directory(directory, postgres, tmp_path):
    before = await asked(directory)

    there = await move(directory, postgres)
    in_postgres = await asked(postgres)
    whole_there = await is_whole(postgres)
    back = await move(postgres, tmp_path / "back")

    assert (there.code, back.code) == (0, 0)
    assert "36 events in 8 logs" in there.out
    assert in_postgres == before
    assert whole_there
    assert await asked(tmp_path / "back") == before
    assert await is_whole(tmp_path / "back")


@pytest.mark.parametrize("kind", ["directory", "database"])
async def test_between_two_of_a_kind_too(directory, postgres, databases, tmp_path, kind):
    before = await asked(directory)
    source, target = directory, tmp_path / "other"
    if kind == "database":
        assert (await move(directory, postgres)).code == 0
        source, target = postgres, databases.fresh()

    ended = await move(source, target)

    assert ended.code == 0
    assert await asked(target) == before
    assert await is_whole(target)


@pytest.mark.parametrize("kind", ["directory", "database"])
async def test_posts_go_on_where_they_were_and_retries_are_known(directory, postgres, tmp_path, kind):
    store = await opened(directory)
    before = await retried(store)
    await store.close()
    assert (await move(directory, postgres)).code == 0
    where = postgres
    if kind == "directory":
        where = tmp_path / "back"
        assert (await move(postgres, where)).code == 0

    store = await opened(where)
    again = await retried(store)
    (lounge, attic) = await post(store, draft(LOUNGE, "and on"), draft(ATTIC, "and on", expected_head=4))
    await store.create_room(room("new", "New"), "new")
    (new,) = await post(store, draft(room_log("new"), "first"))
    await store.close()

    assert again == before
    assert (lounge.receipt.seq, attic.receipt.seq, new.receipt.seq) == (26, 5, 1)
    assert await is_whole(where)


async def test_an_empty_store_moves(tmp_path, postgres):
    store = SqliteStore.open(
        tmp_path / "data", now_ms=lambda: 1, randomness=os.urandom, on_broken=lambda failure: None
    )
    await store.close()

    assert (await move(tmp_path / "data", postgres)).code == 0
    moved = await opened(postgres)
    made = await moved.create_room(room("r", "R"), "r")
    await moved.close()
    assert (moved.info.epoch, made.id) == (store.info.epoch, "r")


async def test_a_new_directory_is_its_owners_alone(directory, postgres, tmp_path):
    await move(directory, postgres)
    await move(postgres, tmp_path / "deep" / "back")

    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "deep").rglob("*")}
    assert modes == {"back": 0o700, "hubbub.db": 0o600, "lock": 0o600}


async def test_what_is_told_while_it_goes_on_are_lines_where_there_is_no_terminal(directory, postgres):
    ended = await hubbub("move", "--from", directory, "--to", postgres)

    assert ended.code == 0
    copied, compared = ended.err.splitlines()
    assert copied.startswith("copied ")
    assert compared.startswith("compared ")
    assert "\x1b" not in ended.err


# -- afterwards ---------------------------------------------------------------


async def test_a_directory_that_was_moved_away_is_not_served_from(directory, postgres):
    assert (await move(directory, postgres)).code == 0

    serve = await hubbub("serve", "--data", directory, "--listen", "127.0.0.1:0", "--admin-listen", "off")
    user = await hubbub_here("user", "sessions", "ada", "--data", directory)

    assert (serve.code, user.code) == (1, 1)
    assert "was moved to postgresql://" in serve.err
    assert f"remove {directory / 'moving'}" in serve.err
    assert await is_whole(directory)  # it is there as it was


async def test_a_database_that_was_moved_away_is_not_served_from(directory, postgres, tmp_path):
    await move(directory, postgres)
    assert (await move(postgres, tmp_path / "back")).code == 0

    with pytest.raises(StoreUnusable, match=r"was moved to .*back"):
        await opened(postgres)
    user = await hubbub_here("user", "sessions", "ada", "--database", postgres)

    assert user.code == 1
    assert "drop the table hubbub.moving" in user.err
    assert await is_whole(postgres)


async def test_a_node_that_was_cut_off_when_a_move_began_does_not_go_on_afterwards(
    directory, postgres, tmp_path, databases
):
    await move(directory, postgres)
    broken = []
    node = await PostgresStore.open(
        postgres,
        now_ms=lambda: 1,
        randomness=os.urandom,
        monotonic=time.monotonic,
        on_broken=broken.append,
        application="another",  # as one that the database has forgotten already
    )
    await node.head(LOUNGE)

    assert (await move(postgres, tmp_path / "back")).code == 0
    databases.cut_off(postgres)
    told_of: asyncio.Future = asyncio.get_running_loop().create_future()
    node.append([draft(LOUNGE, "too late")], told_of.set_result)
    (outcome,) = await told_of

    assert not isinstance(outcome, Posted)
    assert broken
    await node.close()


async def test_moving_again_what_was_moved_does_nothing(directory, postgres):
    await move(directory, postgres)
    before = await asked(postgres)

    again = await move(directory, postgres)

    assert (again.code, "nothing to do" in again.out) == (0, True)
    assert await asked(postgres) == before


async def test_a_backup_may_be_restored_where_a_store_was_moved_away_from(directory, postgres, tmp_path):
    """It is another history, so both may be served from."""
    await hubbub_here("backup", "--data", directory, "--to", tmp_path / "a.db")
    await move(directory, postgres)
    words = ("restore", "--from", tmp_path / "a.db", "--data", directory)

    refused = await hubbub_here(*words)
    restored = await hubbub_here(*words, "--replace")

    assert (refused.code, restored.code) == (1, 0)
    assert (await asked(directory))["epoch"] != (await asked(postgres))["epoch"]


@pytest.mark.parametrize("end", ["source", "target"])
async def test_a_move_whose_database_goes_away_says_so_and_goes_on_later(
    directory, postgres, databases, tmp_path, monkeypatch, end
):
    before = await asked(directory)
    source, target = directory, postgres
    if end == "source":
        await move(directory, postgres)
        source, target = postgres, tmp_path / "back"
    went = []

    class Cut(ToPostgres if end == "target" else ToDirectory):
        async def put(self, table, rows):
            if table.name == "keys" and not went:
                went.append(databases.cut_off(postgres))
            await super().put(table, rows)

    module, name = ("postgres", "ToPostgres") if end == "target" else ("sqlite", "ToDirectory")
    monkeypatch.setattr(f"hubbub.storage.{module}.copying.{name}", Cut)
    monkeypatch.setattr("hubbub.cli.places.ToDirectory", Cut if end == "source" else ToDirectory)
    cut = await move(source, target)
    again = await move(source, target)

    assert (cut.code, again.code) == (1, 0)
    assert "cannot be read or written" in cut.err
    assert "Traceback" not in cut.err
    assert "going on with the move" in again.out
    assert await asked(target) == before


# -- what is refused --------------------------------------------------------


async def test_a_store_that_is_not_whole_is_not_moved_and_can_be_served_from(directory, tmp_path, postgres):
    database = apsw.Connection(str(directory / "hubbub.db"))
    database.execute("UPDATE events SET text = 'never said' WHERE text = 'text 3'")
    database.close()

    ended = await move(directory, postgres)
    elsewhere = await move(directory, tmp_path / "other")

    assert (ended.code, elsewhere.code) == (1, 1)
    assert "is not whole, and nothing was moved" in ended.err
    assert "room/lounge 3: The content does not match its digest." in ended.err
    assert await databases_tables(postgres) == []
    assert [file.name for file in (tmp_path / "other").iterdir()] == ["lock"]
    await (await opened(directory)).close()


async def databases_tables(url):
    connection = await asyncpg.connect(url)
    try:
        sql = "SELECT tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        return [name for (name,) in await connection.fetch(sql)]
    finally:
        await connection.close()


@pytest.mark.parametrize("kind", ["directory", "database"])
async def test_nothing_is_written_over_a_store_that_is_there(directory, everything, postgres, tmp_path, kind):
    other = Path(shutil.copytree(everything, tmp_path / "other"))
    target = tmp_path / "third"
    await move(other, target)
    if kind == "database":
        await move(target, postgres)
        target = postgres
    before = await asked(target)

    ended = await move(directory, target)

    assert ended.code == 1
    assert "already; nothing was written" in ended.err
    assert await asked(target) == before
    await (await opened(directory)).close()


async def test_what_was_moved_from_somewhere_is_not_moved_back_over_what_lies_there(directory, postgres):
    await move(directory, postgres)

    ended = await move(postgres, directory)

    assert ended.code == 1
    assert "was moved away from there" in ended.err
    await (await opened(postgres)).close()


async def test_a_store_is_moved_to_one_place_only(directory, postgres, tmp_path):
    await move(directory, postgres)

    ended = await move(directory, tmp_path / "third")

    assert ended.code == 1
    assert "was moved to postgresql://" in ended.err


async def test_a_directory_that_a_server_has_is_not_moved(directory, postgres):
    async with serving(directory):
        ended = await move(directory, postgres)

    assert ended.code == 1
    assert "is using" in ended.err
    assert await databases_tables(postgres) == []


async def test_a_database_that_nodes_have_open_is_not_moved_and_they_go_on(directory, postgres, tmp_path):
    await move(directory, postgres)
    node = await opened(postgres)
    await node.head(LOUNGE)

    ended = await move(postgres, tmp_path / "back")
    await post(node, draft(LOUNGE, "undisturbed"))
    await node.close()

    assert ended.code == 1
    assert "stop every node first" in ended.err
    assert (await move(postgres, tmp_path / "back")).code == 0


async def test_two_moves_of_one_database_at_once_are_refused(directory, postgres, tmp_path):
    other = await ToPostgres.reach(postgres)
    ended = await move(directory, postgres)
    await other.close()

    assert ended.code == 1
    assert "Another move" in ended.err


@pytest.mark.parametrize(
    ("source", "target", "code", "said"),
    [
        ("nowhere", "there", 1, "there is no hubbub store in"),
        ("data", "data", 2, "are the same"),
        ("data", "data/hubbub.db", 2, "there is a file of that name"),
        ("postgresql://u:geheim@127.0.0.1:1/x", "there", 1, "cannot be read or written"),
        ("data", "postgresql://u:geheim@127.0.0.1:1/x", 1, "cannot be read or written"),
        ("data", "postgresql://u:geheim@127.0.0.1:gehe%im/x", 2, "an address such as"),
        ("postgresql://u:x/geheim@127.0.0.1/x", "there", 2, "an address such as"),
        ("data", "postgresql://127.0.0.1:1/x?user=u&password=geheim", 1, "cannot be read or written"),
    ],
)
async def test_what_makes_no_sense_is_said_without_a_password(
    directory, tmp_path, source, target, code, said
):
    at = [text if "://" in text else tmp_path / text for text in (source, target)]

    ended = await move(*at)

    assert ended.code == code
    assert said in ended.err
    assert "geheim" not in ended.err + ended.out
    await (await opened(directory)).close()


async def test_no_password_is_shown_or_kept(directory, postgres, tmp_path):
    password = postgres.partition("@")[0].rpartition(":")[2]
    words = [await move(directory, postgres), await move(directory, postgres)]
    words += [await move(postgres, tmp_path / "back"), await hubbub_here("serve", "--data", directory)]
    words += [await hubbub_here("user", "sessions", "x", "--database", postgres)]

    assert len(password) > 8
    assert not any(password in ended.out + ended.err for ended in words)
    for file in (directory / "moving", tmp_path / "back" / "lock"):
        assert password not in file.read_text()


async def test_a_moved_store_tells_who_has_its_users(directory, postgres):
    """The very people, with their sessions: also those who may not sign in."""
    await move(directory, postgres)

    store = await opened(postgres)
    dan = await store.credential(UserId("dan"))
    await store.close()

    assert dan is not None
    assert (dan.password_hash, dan.disabled) == ("hash of dan", True)
