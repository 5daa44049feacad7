"""Whichever call of the disk fails, and however: nothing is acknowledged that is not there afterwards.

A life of a store is lived once for each call that its disk is asked for and each way in which that can fail.
The same life without a fault says what there should be.

    SOAK_DISK_LIVES=20 python -m pytest tests/faults/test_disk_errors.py

takes so many other, longer lives.
"""

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import apsw
import pytest

from hubbub.domain.errors import StorageFailed, StorageFull
from hubbub.domain.events import Draft
from hubbub.domain.ids import MessageId, UserId, inbox_log
from hubbub.storage.errors import StoreUnusable
from hubbub.storage.sqlite import database
from support.disk import Disk, everything, lay, prefix, some

from .disk_life import Account, Life, is_whole, open_store, still_works, survey

LIVES = int(os.environ.get("SOAK_DISK_LIVES", "0"))
LENGTH = 40 if LIVES else 9

WAYS = {
    "a write fails": ("write", {"error": apsw.IOError}),
    "a write is cut short, and fails": ("write", {"error": apsw.IOError, "part": 0.5}),
    "a sync fails": ("sync", {"error": apsw.IOError}),
    "a read fails": ("read", {"error": apsw.IOError}),
    "a truncation fails": ("truncate", {"error": apsw.IOError}),
    "a file cannot be opened": ("open", {"error": apsw.CantOpenError}),
    "a file cannot be removed": ("delete", {"error": apsw.IOError}),
}
FULL = {
    "there is no room for a write": {"error": apsw.FullError},
    "there is room for half of a write": {"error": apsw.FullError, "part": 0.5},
}


@pytest.fixture(autouse=True)
def _often_moved(monkeypatch):
    """The write-ahead log is moved into the database every few commits."""
    monkeypatch.setattr(database, "CHECKPOINT_PAGES", 10)


@contextmanager
def a_disk() -> Iterator[Disk]:
    disk = Disk()
    try:
        yield disk
    finally:
        disk.unregister()


def turns(calls: int, how: dict) -> range:
    """Which call is to fail: each; of those that are done in part every other one, but in a soak."""
    return range(1, calls + 1, 2 if "part" in how and not LIVES else 1)


async def as_it_should_be(where: Path, seed: int) -> Life:
    with a_disk() as disk:
        life = Life(where / "as it should be", disk)
        await life.run(seed, LENGTH)
        return life


async def live(life: Life, seed: int) -> str:
    """Until the end, or until it breaks; how it ended."""
    for step in life.steps(Random(seed), LENGTH):
        try:
            await step()
        except StoreUnusable:
            return "did not open"
        except StorageFailed:
            return "broke"
    return "went on"


async def is_one_of(directory: Path, accounts: list[Account], life: Life) -> None:
    """Open what is there, and find it to be as one of these."""
    broken: list[StorageFailed] = []
    store = open_store(directory, broken)
    try:
        account = await survey(store)
        assert account in [a if a.epoch else Account(epoch=account.epoch) for a in accounts]
        await still_works(store, account, life.keyed)
        assert is_whole(store)
        assert broken == []
    finally:
        await store.close()


async def leaves_the_disk_alone(life: Life) -> None:
    """A broken store answers everything with that, and asks nothing of the disk any more."""
    calls = life.disk.calls.copy()
    told: list = []
    life.disk.heal()
    draft = Draft(
        place=inbox_log(UserId("ada")),
        sender=UserId("ada"),
        id=MessageId("late"),
        text="late",
        key=None,
        sent_at_ms=1,
    )
    life.store.append([draft], told.append)
    assert [type(outcome) for outcome in told.pop()] == [StorageFailed]
    with pytest.raises(StorageFailed):
        await life.store.head(inbox_log(UserId("ada")))
    with pytest.raises(StorageFailed):
        await life.create_room("cellar")
    assert life.disk.calls == calls
    await life.store.close()
    assert {kind: life.disk.calls[kind] - calls[kind] for kind in ("write", "sync", "truncate")} == {
        "write": 0,
        "sync": 0,
        "truncate": 0,
    }


@pytest.mark.timeout(0 if LIVES else 120)
@pytest.mark.parametrize("seed", range(3, 3 + (LIVES or 1)))
@pytest.mark.parametrize("way", WAYS)
async def test_whichever_call_fails_the_store_breaks_once_and_what_it_acknowledged_is_there(where, way, seed):
    kind, how = WAYS[way]
    right = await as_it_should_be(where, seed)
    ends: Counter[str] = Counter()

    for nth in turns(right.disk.calls[kind], how):
        with a_disk() as disk:
            life = Life(where / f"{kind}-{nth}", disk)
            fault = disk.fail(kind, nth=nth, **how)
            ends[end := await live(life, seed)] += 1
            assert fault.struck == 1
            assert len(life.broken) == 1 if end == "broke" else len(life.broken) <= (end == "did not open")
            if end == "broke":
                await leaves_the_disk_alone(life)

            told = len(life.moments) - 1
            accounts = [moment.account for moment in right.moments[told : told + 2]]
            assert life.moments[-1].account == accounts[0]
            if nth % 4:  # the power goes, too
                survivors = (prefix(0), everything, some(nth))[nth % 4 - 1]
                lay(disk.image(len(disk.operations), survivors), where / "left")
                await is_one_of(where / "left", accounts, life)
            else:
                await is_one_of(life.directory, accounts, life)

    print(f"{way}: {dict(ends)}")


@pytest.mark.timeout(0 if LIVES else 120)
@pytest.mark.parametrize("seed", range(3, 3 + (LIVES or 1)))
@pytest.mark.parametrize("way", FULL)
async def test_wherever_room_ends_the_store_refuses_what_has_none_and_goes_on_with_the_rest(where, way, seed):
    right = await as_it_should_be(where, seed)
    refusals: Counter[str] = Counter()

    for nth in turns(right.disk.calls["write"], FULL[way]):
        with a_disk() as disk:
            life = Life(where / f"full-{nth}", disk)
            fault = disk.fail("write", nth=nth, **FULL[way])
            for step in life.steps(Random(seed), LENGTH):
                try:
                    await step()
                except (StorageFull, StoreUnusable) as refusal:
                    refusals[type(refusal).__name__] += 1
                    if life.store is not None:
                        assert await survey(life.store) == life.account, "reading goes on"
                    await step()
            assert fault.struck == 1
            assert life.broken == []
            lay(disk.image(len(disk.operations), prefix(0)), where / "left")
            await is_one_of(where / "left", [life.account], life)

    print(f"{way}: {refusals}")


async def test_a_disk_that_fills_up_and_is_emptied_over_and_over_loses_nothing(where):
    with a_disk() as disk:
        life = Life(where / "life", disk)
        chance = Random(5)
        refused = 0
        for step in life.steps(chance, 100):
            disk.free_bytes = chance.choice((0, 5_000, 50_000, 500_000))
            try:
                await step()
            except (StorageFull, StoreUnusable):
                refused += 1
                disk.heal()
                await step()
        assert refused > 5
        assert life.broken == []
        await is_one_of(life.directory, [life.account], life)
