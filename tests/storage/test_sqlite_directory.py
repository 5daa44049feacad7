"""Where a store lies, who may have it, and what it refuses to be opened from."""

import asyncio
import os
import stat
import subprocess
import sys

import apsw
import pytest

from hubbub.domain.ids import inbox_log
from hubbub.storage.errors import StoreInUse, StoreUnusable
from hubbub.storage.sqlite import SqliteStore, database, schema
from hubbub.storage.sqlite import store as module

from .conftest import furnish
from .drafting import LOUNGE, say, seqs, session, texts, user


def open_shared(directory, **options) -> SqliteStore:
    return SqliteStore.open_shared(directory, now_ms=lambda: 1, randomness=os.urandom, **options)


@pytest.fixture
async def store(open_sqlite):
    store = open_sqlite()
    yield store
    await store.close()


# -- the directory ----------------------------------------------------------


async def test_what_is_made_is_its_owners_alone(store, directory):
    await store.create_user(user("ada"), "h")

    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    names = {file.name for file in directory.iterdir()}
    assert names == {"hubbub.db", "hubbub.db-wal", "hubbub.db-shm", "lock"}
    assert {stat.S_IMODE(file.stat().st_mode) for file in directory.iterdir()} == {0o600}


async def test_a_directory_that_was_there_keeps_its_mode(open_sqlite, directory):
    directory.mkdir(mode=0o750)

    await open_sqlite().close()

    assert stat.S_IMODE(directory.stat().st_mode) == 0o750
    assert stat.S_IMODE((directory / "hubbub.db").stat().st_mode) == 0o600


def test_a_store_is_not_made_where_one_was_expected(open_sqlite, directory):
    with pytest.raises(StoreUnusable, match="no hubbub store in") as refused:
        open_sqlite(create=False)

    assert str(directory) in str(refused.value)
    assert not directory.exists()


def test_a_file_in_the_place_of_the_directory_is_refused(open_sqlite, directory):
    directory.write_text("not a directory")

    with pytest.raises(StoreUnusable, match=str(directory)):
        open_sqlite()


# -- one server -------------------------------------------------------------


def test_a_second_server_is_refused_and_told_by_whom(store, open_sqlite, directory):
    with pytest.raises(StoreInUse) as refused:
        open_sqlite()

    assert str(directory) in str(refused.value)
    assert str(os.getpid()) in str(refused.value)


def test_a_second_server_is_refused_in_another_process_too(store, directory):
    program = f"""
import os, pathlib
from hubbub.storage.sqlite import SqliteStore
SqliteStore.open(pathlib.Path({str(directory)!r}), now_ms=int, randomness=os.urandom, on_broken=print)
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)

    assert ended.returncode == 1
    assert "StoreInUse" in ended.stderr


async def test_the_next_server_may_have_what_was_closed(store, open_sqlite):
    await store.close()

    await open_sqlite().close()


async def test_a_server_that_could_not_open_its_store_does_not_hold_it(open_sqlite, directory):
    directory.mkdir()
    (directory / "hubbub.db").write_bytes(b"this is no database" * 100)
    with pytest.raises(StoreUnusable):
        open_sqlite()
    (directory / "hubbub.db").unlink()

    await open_sqlite().close()


# -- beside a server --------------------------------------------------------


async def test_what_a_command_changes_beside_a_server_is_seen_by_it(store, directory):
    await store.create_user(user("ada"), "h")
    await store.create_session(session("s1"), b"t" * 32)
    seen = (await store.endings(None)).upto
    program = f"""
import asyncio, os, pathlib
from hubbub.domain.model import User
from hubbub.storage.sqlite import SqliteStore
store = SqliteStore.open_shared(pathlib.Path({str(directory)!r}), now_ms=int, randomness=os.urandom)
async def work():
    await store.disable("ada", 5)
    await store.create_user(User(name="bob", created_at_ms=1), "h")
    await store.close()
asyncio.run(work())
"""

    await asyncio.to_thread(subprocess.run, [sys.executable, "-c", program], check=True)

    endings = await store.endings(seen)
    assert endings.sessions is None
    assert (await store.endings(endings.upto)).sessions == ()
    assert await store.session("s1") is None
    assert (await store.user("ada")).disabled_at_ms == 5
    assert texts(say(store, inbox_log("bob"), "welcome")) == ["welcome"]


async def test_a_command_sees_what_the_server_posts(open_sqlite, directory, store):
    await furnish(store)
    say(store, LOUNGE, "a")
    shared = open_shared(directory)
    assert await shared.head(LOUNGE) == 1

    say(store, LOUNGE, "b")

    assert await shared.head(LOUNGE) == 2
    assert seqs((await shared.page(LOUNGE)).events) == [1, 2]
    await shared.close()


async def test_a_command_works_where_no_server_ever_ran(directory, open_sqlite):
    with pytest.raises(StoreUnusable):
        open_shared(directory)

    shared = open_shared(directory, create=True)
    await shared.create_user(user("ada"), "h")
    await shared.close()

    store = open_sqlite()
    assert await store.user("ada") == user("ada")
    await store.close()


# -- the form of the database -----------------------------------------------


async def test_a_database_of_a_newer_hubbub_is_refused(open_sqlite, directory):
    await open_sqlite().close()
    connection = apsw.Connection(str(directory / "hubbub.db"))
    newer = len(schema.steps()) + 1
    connection.pragma("user_version", newer)
    connection.close()

    with pytest.raises(StoreUnusable, match=f"newer hubbub: it has form {newer}") as refused:
        open_sqlite()

    assert str(directory) in str(refused.value)


@pytest.mark.parametrize("version", [0, 1])
def test_a_database_of_another_program_is_refused_and_left_alone(open_sqlite, directory, version):
    directory.mkdir()
    connection = apsw.Connection(str(directory / "hubbub.db"))
    connection.execute("CREATE TABLE recipes (name)")
    connection.pragma("user_version", version)
    connection.close()

    with pytest.raises(StoreUnusable, match="not one of hubbub's"):
        open_sqlite()

    connection = apsw.Connection(str(directory / "hubbub.db"))
    assert connection.execute("SELECT name FROM sqlite_schema").fetchall() == [("recipes",)]
    connection.close()


def test_a_file_that_is_no_database_is_refused(open_sqlite, directory):
    directory.mkdir()
    (directory / "hubbub.db").write_bytes(b"this is no database" * 100)

    with pytest.raises(StoreUnusable, match="not a database"):
        open_sqlite()


async def test_a_step_that_fails_leaves_the_database_in_the_form_before(open_sqlite, directory, monkeypatch):
    await open_sqlite().close()
    known = schema.steps()
    with monkeypatch.context() as patched:
        patched.setattr(module, "steps", lambda: [*known, "CREATE TABLE extra (x INTEGER) STRICT; nonsense"])
        with pytest.raises(StoreUnusable):
            open_sqlite()

    store = open_sqlite()

    tables = store._db.rows("SELECT name FROM sqlite_schema WHERE name = 'extra'")
    assert tables == []
    await store.close()


async def test_an_older_database_is_brought_up_and_keeps_what_it_holds(open_sqlite, monkeypatch):
    store = open_sqlite()
    await store.create_user(user("ada"), "h")
    info = store.info
    await store.close()
    known = [*schema.steps(), "CREATE TABLE extra (x INTEGER) STRICT"]
    monkeypatch.setattr(module, "steps", lambda: known)

    store = open_sqlite()

    assert await store.user("ada") == user("ada")
    assert store.info == info
    assert store._db.connection.pragma("user_version") == len(known)
    await store.close()


async def test_a_command_does_not_change_the_form_under_a_running_server(store, directory, monkeypatch):
    known = [*schema.steps(), "CREATE TABLE extra (x INTEGER) STRICT"]
    monkeypatch.setattr(module, "steps", lambda: known)

    with pytest.raises(StoreInUse):
        open_shared(directory)


def test_the_steps_are_numbered_without_a_hole():
    assert len(schema.steps()) >= 1


# -- durability -------------------------------------------------------------


async def test_the_store_says_what_it_is_and_how_safe(store):
    info = store.info

    assert (info.backend, info.version) == ("sqlite", apsw.sqlite_lib_version())
    assert info.durability == "WAL, synchronous=FULL"
    assert tuple(map(int, info.version.split("."))) >= (3, 51, 3)


def test_a_database_that_does_not_sync_each_commit_is_refused(open_sqlite, monkeypatch):
    class Careless(apsw.Connection):
        def pragma(self, name, value=None, **options):
            if name == "synchronous" and value is not None:
                value = 1
            return super().pragma(name, value, **options) if value is not None else super().pragma(name)

    monkeypatch.setattr(database.apsw, "Connection", Careless)

    with pytest.raises(StoreUnusable, match="synchronous=1"):
        open_sqlite()


async def test_every_store_has_an_epoch_and_a_secret_of_its_own(store, open_sqlite, tmp_path):
    other = open_sqlite(tmp_path / "other")

    assert store.info.epoch != other.info.epoch
    assert store.ticket_secret != other.ticket_secret
    await other.close()
