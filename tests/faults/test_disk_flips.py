"""A bit that turns on the disk, or on the way to it or from it, is never told as if it had been said.

Every text that is given out is the one that was stored, or there is an error in its place.

    SOAK_DISK_BITS=20000 python -m pytest tests/faults/test_disk_flips.py
"""

import os
from collections import Counter
from pathlib import Path
from random import Random

import apsw
import pytest
from structlog.testing import capture_logs

from hubbub.domain.errors import Damaged, HubbubError, StorageFailed
from hubbub.domain.events import Event
from hubbub.storage.errors import StoreUnusable
from hubbub.storage.sqlite import SqliteStore, database
from support.disk import Disk
from support.disk.faults import flipped

from .disk_life import Life, open_store

BITS = int(os.environ.get("SOAK_DISK_BITS", "100"))
LENGTH = 25


@pytest.fixture(autouse=True)
def _often_moved(monkeypatch):
    monkeypatch.setattr(database, "CHECKPOINT_PAGES", 30)
    with capture_logs():
        yield


@pytest.fixture
async def life(where) -> Life:
    """One whose disk is in order: what should be there."""
    disk = Disk()
    life = Life(where / "life", disk)
    await life.run(7, LENGTH)
    disk.unregister()
    return life


def known(*lives: Life) -> set[Event]:
    """Every event there ever was."""
    return {
        event
        for life in lives
        for moment in life.moments
        for events in moment.account.logs.values()
        for event in events
    }


async def read_all(store: SqliteStore, life: Life, *others: Life) -> str:
    """Whatever the store gives out of every log, held against what was stored; what came of it.

    `others`: who may have stored something, too.
    """
    right = known(life, *others)
    left = {(log, event.seq) for log, events in life.account.logs.items() for event in events}
    told = set()
    errors = 0
    for log in life.account.logs:
        try:
            for event in (await store.page(log, after=0)).events:
                assert event in right
                told.add((log, event.seq))
        except (Damaged, StorageFailed):
            errors += 1
    for log, seq in left:
        try:
            event = await store.event(log, seq)
        except (Damaged, StorageFailed):
            errors += 1
            continue
        if event is not None:
            assert event in right
            assert (event.log, event.seq) == (log, seq)
            told.add((log, seq))
    if errors:
        return "an error"
    return "all of it" if told == left else "less, without an error"


def forget(store: SqliteStore) -> None:
    """Have it read from the disk again."""
    store._db.connection.pragma("cache_size", 1)
    store._db.connection.pragma("shrink_memory")


async def test_a_bit_that_turns_while_the_store_is_closed_is_never_told(where, life):
    chance = Random(1)
    content = (life.directory / "hubbub.db").read_bytes()
    (where / "left").mkdir()
    found: Counter[str] = Counter()

    for _ in range(BITS * 2):
        (where / "left" / "hubbub.db").write_bytes(flipped(content, chance.getrandbits(40)))
        (where / "left" / "hubbub.db-wal").unlink(missing_ok=True)
        try:
            store = open_store(where / "left", [])
        except StoreUnusable:
            found["not opened"] += 1
            continue
        found[await read_all(store, life)] += 1
        await store.close()

    print(dict(found))
    assert found["an error"] > BITS / 10


@pytest.mark.parametrize("ending", [".db", "-wal"])
async def test_a_bit_that_turns_while_the_store_is_open_is_never_told(where, disk, ending):
    life = Life(where / "life", disk)
    for step in life.steps(Random(8), LENGTH):
        if step == life.close:
            break
        await step()
    chance = Random(2)
    found: Counter[str] = Counter()
    path = life.directory / f"hubbub{ending}" if ending == ".db" else life.directory / "hubbub.db-wal"
    content = path.read_bytes()

    for _ in range(BITS):
        if life.store._db.broken:
            await life.store.close()
            path.write_bytes(content)
            life.store = open_store(life.directory, [], vfs=disk.name)
            content = path.read_bytes()
        bit = chance.randrange(len(content) * 8)
        _turn(path, bit)
        forget(life.store)
        found[await read_all(life.store, life)] += 1
        _turn(path, bit)

    print(dict(found))
    await life.store.close()


def _turn(path: Path, bit: int) -> None:
    with path.open("r+b") as file:
        file.seek(bit // 8)
        (byte,) = file.read(1)
        file.seek(bit // 8)
        file.write(bytes([byte ^ 1 << bit % 8]))


@pytest.mark.parametrize("kind", ["write", "read"])
async def test_a_bit_that_turns_on_its_way_is_never_told(where, life, kind):
    chance = Random(3)
    found: Counter[str] = Counter()

    for number in range(BITS // 2):
        disk = Disk()
        fault = disk.fail(
            kind, error=None, nth=chance.randrange(1, life.disk.calls[kind]), flip=chance.getrandbits(40)
        )
        hurt = Life(where / f"{kind}-{number}", disk)
        hurt.opened = forget
        came = "it went on, "
        try:
            for step in hurt.steps(Random(7), LENGTH):
                if step == hurt.close:
                    break
                await step()
        except (HubbubError, StoreUnusable, apsw.ConstraintError) as error:
            came = f"{type(error).__name__}, "
        if hurt.store is None:
            found["not opened"] += 1
        else:
            forget(hurt.store)
            hurt.account = hurt.moments[-1].account
            found[came + await read_all(hurt.store, hurt, life)] += 1  # what was under way may be there, too
            await hurt.close()
        assert fault.struck == 1
        disk.unregister()

    print(dict(found))
