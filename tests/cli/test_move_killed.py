"""A move that is killed at any step leaves no store that can be served from and is not whole, and goes on
from there by the same words."""

import asyncio
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hubbub.storage.errors import StoreUnusable
from storage.everything import filled

from .commands import ENVIRONMENT
from .test_move import asked, is_whole, move, opened

STOPS = [
    "source marked",
    "target marked",
    "made",
    "users put",
    "events put",
    "more events put",
    "store put",
    "compared",
    "source finished",
    "target finished",
]

STOPPING = """
import os, signal, sys
from hubbub.cli import main
from hubbub.storage import moving
from hubbub.storage.sqlite import copying as sqlite
from hubbub.storage.postgres import copying as postgres

stop, words = sys.argv[1], sys.argv[2:]
sqlite.BATCH = postgres.BATCH = 7
puts = []

def after(owner, name, point):
    before = getattr(owner, name)
    async def wrapped(*args):
        result = await before(*args)
        if point(*args) == stop:
            os.kill(os.getpid(), signal.SIGKILL)
        return result
    setattr(owner, name, wrapped)

def put(end, table, rows):
    puts.append(table.name)
    return "more events put" if puts.count("events") == 3 else f"{table.name} put"

for end in (sqlite.FromDirectory, postgres.FromPostgres):
    after(end, "set_mark", lambda end, mark: "source finished" if mark.finished else "source marked")
for end in (sqlite.ToDirectory, postgres.ToPostgres):
    after(end, "set_mark", lambda end, mark: "target marked")
    after(end, "open", lambda end: "made")
    after(end, "put", put)
    after(end, "finish", lambda end: "target finished")
after(moving, "compare", lambda *args: "compared")
sys.exit(main(words))
"""


@pytest.fixture(scope="module")
def everything(tmp_path_factory):
    return asyncio.run(filled(tmp_path_factory.mktemp("everything") / "data"))


@pytest.fixture(params=["to a database", "to a directory"])
async def ends(request, everything, tmp_path, postgres):
    """Where the store is, and where it is to be."""
    directory = Path(shutil.copytree(everything, tmp_path / "data"))
    if request.param == "to a database":
        return directory, postgres
    assert (await move(directory, postgres)).code == 0
    return postgres, tmp_path / "back"


def killed_at(stop, source, target):
    words = ("move", "--from", str(source), "--to", str(target))
    ended = subprocess.run(
        [sys.executable, "-c", STOPPING, stop, *words], env=ENVIRONMENT, capture_output=True, timeout=60
    )
    assert ended.returncode == -signal.SIGKILL, f"it never came to {stop}: {ended.stderr.decode()}"


async def can_be_served(where) -> bool:
    try:
        await (await opened(where)).close()
    except StoreUnusable:
        return False
    return True


@pytest.mark.parametrize("stop", STOPS)
async def test_a_killed_move_goes_on_and_meanwhile_nobody_serves_half_a_store(ends, stop):
    source, target = ends
    before = await asked(source)

    await asyncio.to_thread(killed_at, stop, source, target)
    if stop != "source marked":  # else there is nothing there yet, which is no store and no half of one
        assert await can_be_served(target) == (stop == "target finished")
    assert not await can_be_served(source)
    again = await move(source, target)

    assert (again.code, again.err.count("Traceback")) == (0, 0)
    assert await asked(target) == before
    assert await is_whole(target)
    assert not await can_be_served(source)


async def test_half_a_store_is_not_backed_up_or_looked_through_as_if_it_were_whole(ends, tmp_path):
    source, target = ends
    await asyncio.to_thread(killed_at, "store put", source, target)
    from .commands import hubbub_here

    flag = "--data" if isinstance(target, Path) else "--database"
    backup = await hubbub_here("backup", flag, target, "--to", tmp_path / "half.db", "--no-verify")
    verify = await hubbub_here("verify", flag, target)

    assert (backup.code, verify.code) == (1, 1)
    assert "was not finished; run hubbub move again" in backup.err
    assert "was not finished; run hubbub move again" in verify.err
    assert not (tmp_path / "half.db").exists()


async def test_what_was_served_from_meanwhile_is_not_gone_on_with(ends, tmp_path):
    """Somebody gave the move up, by hand, and thought better of it later."""
    source, target = ends
    await asyncio.to_thread(killed_at, "events put", source, target)
    await unmark(source)
    store = await opened(source)
    await store.set_password("ada", "another hash")
    await store.close()

    ended = await move(source, target)

    assert ended.code == 1
    assert "one from here that was given up; remove it first" in ended.err
    assert await can_be_served(source)
    assert not await can_be_served(target)


async def test_half_a_store_is_gone_on_with_from_its_own_source_only(ends, everything, tmp_path):
    source, target = ends
    other = Path(shutil.copytree(everything, tmp_path / "other"))
    await asyncio.to_thread(killed_at, "events put", source, target)

    ended = await move(other, target)
    onwards = await move(target, tmp_path / "further")

    assert (ended.code, onwards.code) == (1, 1)
    assert "a part of another move" in ended.err
    assert "was not finished" in onwards.err
    assert await can_be_served(other)


async def unmark(where):
    if isinstance(where, Path):
        (where / "moving").unlink()
        return
    import asyncpg

    connection = await asyncpg.connect(where)
    await connection.execute("DROP TABLE hubbub.moving")
    await connection.close()
