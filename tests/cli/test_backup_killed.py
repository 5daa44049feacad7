"""A backup or a restore that is killed at any step leaves nothing that looks whole and is not."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys

import pytest

from cli.commands import ENVIRONMENT
from hubbub.cli import main
from hubbub.storage.errors import StoreUnusable
from hubbub.storage.sqlite import SqliteStore
from storage.conftest import furnish
from storage.drafting import LOUNGE, say

BACKUP_STOPS = ["copied", "verified"]
RESTORE_STOPS = ["copied", "brought up", "verified", "renewed", "marked", "aside"]

STOPPING = """
import importlib, os, pathlib, signal, sys
from hubbub.cli import main
cli = importlib.import_module("hubbub.cli.backup")
from hubbub.storage.sqlite import backup as module
stop, words = sys.argv[1], sys.argv[2:]

def after(owner, name, point, when=lambda result, *args: True):
    before = getattr(owner, name)
    def wrapped(*args, **options):
        result = before(*args, **options)
        if stop == point and when(result, *args):
            os.kill(os.getpid(), signal.SIGKILL)
        return result
    setattr(owner, name, wrapped)

after(module, "copy", "copied")
after(cli, "_copy", "copied")
after(cli, "_check", "verified")
after(module.Restore, "bring_up", "brought up")
after(module, "sync", "renewed", lambda result, path: path.name == "restore.partial")
after(module, "sync", "marked", lambda result, path: (path / "hubbub.db.restoring").exists())
after(pathlib.Path, "rename", "aside", lambda result, *paths: "replaced" in str(paths[1]))
sys.exit(main(words))
"""


def open_store(directory):
    return SqliteStore.open(
        directory, now_ms=lambda: 1, randomness=os.urandom, on_broken=lambda failure: None, create=False
    )


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """A store that something was said in, and a backup of it."""
    where = tmp_path_factory.mktemp("sound")

    async def make():
        store = SqliteStore.open(
            where / "data", now_ms=lambda: 1, randomness=os.urandom, on_broken=lambda failure: None
        )
        await furnish(store)
        say(store, LOUNGE, "one", "two", "three")
        await store.close()

    asyncio.run(make())
    assert main(["backup", "--data", str(where / "data"), "--to", str(where / "a.db"), "--no-verify"]) == 0
    return where


@pytest.fixture
def place(sound, tmp_path):
    """A copy of both."""
    return shutil.copytree(sound, tmp_path / "place")


def epoch_of(data):
    store = open_store(data)
    asyncio.run(store.close())
    return store.info.epoch


def killed_at(stop, *words):
    ended = subprocess.run(
        [sys.executable, "-c", STOPPING, stop, *map(str, words)], env=ENVIRONMENT, capture_output=True
    )
    assert ended.returncode == -signal.SIGKILL, f"it never came to {stop}: {ended.stderr}"


def do(*words):
    return main([str(word) for word in words])


@pytest.mark.parametrize("stop", BACKUP_STOPS)
def test_a_backup_that_is_killed_has_no_name_anyone_would_take(place, stop):
    killed_at(stop, "backup", "--data", place / "data", "--to", place / "b.db")

    names = {file.name for file in place.iterdir()} - {"data", "a.db"}
    assert names
    assert all(name.endswith(".partial") for name in names)
    assert do("backup", "--data", place / "data", "--to", place / "b.db") == 0


@pytest.mark.parametrize("stop", RESTORE_STOPS)
def test_a_restore_that_is_killed_leaves_the_old_store_or_one_that_will_not_start(place, stop):
    data = place / "data"
    old = epoch_of(data)
    words = ("restore", "--from", place / "a.db", "--data", data, "--replace")
    killed_at(stop, *words)

    if stop in ("marked", "aside"):
        with pytest.raises(StoreUnusable, match="was not finished; run hubbub restore again"):
            open_store(data)
    else:
        assert epoch_of(data) == old
    assert do(*words) == 0
    assert epoch_of(data) != old
    assert do("verify", "--data", data) == 0


@pytest.mark.parametrize("stop", ["copied", "marked"])
def test_a_restore_into_nothing_that_is_killed_leaves_no_store(place, stop):
    words = ("restore", "--from", place / "a.db", "--data", place / "new")
    killed_at(stop, *words)

    with pytest.raises(StoreUnusable):
        open_store(place / "new")
    assert do(*words) == 0
    assert do("verify", "--data", place / "new") == 0
