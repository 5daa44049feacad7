"""Whatever a power loss leaves of a disk, the store opens, and all that was acknowledged is there.

A life of a store is recorded once. Then, for every operation that was done to its disk, and for everything
that may have been left there if the power went right after it, the store is opened anew.

    SOAK_DISK_SEEDS=50 SOAK_DISK_LIVES=20 python -m pytest tests/faults/test_disk_power_loss.py

takes that many selections at each operation, of that many lives.
"""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from random import Random

import pytest

from hubbub.storage.errors import StoreUnusable
from hubbub.storage.sqlite import SqliteStore, database, wal
from hubbub.storage.sqlite.syncing import Pace
from support.disk import Disk, Operation, Survivors, lay, prefix, some, torn

from .disk_life import Account, Life, is_whole, open_store, still_works, survey

SEEDS = int(os.environ.get("SOAK_DISK_SEEDS", "1"))
LIVES = int(os.environ.get("SOAK_DISK_LIVES", "1"))


class Loss(AssertionError):
    """Something that was acknowledged is not there, or something is there that should not be."""


@pytest.fixture(autouse=True)
def _often_moved(monkeypatch):
    """The write-ahead log is moved into the database every few commits."""
    monkeypatch.setattr(database, "CHECKPOINT_PAGES", 25)


def choices(unsynced: list[Operation], seed: int) -> Iterator[tuple[str, Survivors]]:
    """What may be left: every prefix, a torn write, and selections."""
    for length in range(len(unsynced) + 1):
        yield "prefix", prefix(length)
    chance = Random(seed)
    if unsynced and unsynced[-1].kind == "write":
        sector = chance.choice((1, 512))
        cut = chance.randrange(len(unsynced[-1].data)) // sector * sector
        yield "torn", torn(len(unsynced) - 1, cut)
    if len(unsynced) > 1:
        for _ in range(SEEDS):
            yield "some", some(chance.getrandbits(32))


def images(disk: Disk, seed: int) -> Iterator[tuple[str, int, dict[str, bytes]]]:
    """Every image there may be, once, with the last moment at which it may be."""
    found: dict[object, tuple[str, int, Survivors]] = {}
    for at in range(len(disk.operations) + 1):
        medium = disk.medium(at)
        for kind, survivors in choices(medium.unsynced, seed + at):
            left = tuple((op.number, op.offset, len(op.data)) for op in survivors(medium.unsynced))
            found[medium.settled, left] = (kind, at, survivors)
    for kind, at, survivors in sorted(found.values(), key=lambda image: image[1]):
        yield kind, at, disk.image(at, survivors)


async def check(life: Life, at: int, where: Path) -> None:
    """Open what was left after operation `at`, and hold it against what was acknowledged by then.

    Raises Loss.
    """
    acknowledged = [moment for moment in life.moments if moment.operations <= at]
    # The step that was under way may have happened or not, but not in part; on a slow disk, several.
    if life.later:
        wal.expect_holes(where / "hubbub.db")  # as the store did, before the first commit that had no sync
    under_way = life.moments[len(acknowledged) :]
    may_be = [acknowledged[-1], *(under_way if life.later else under_way[:1])]
    broken: list = []
    try:
        store = open_store(where, broken)
    except StoreUnusable as error:
        raise Loss(f"after operation {at} the store does not open: {error}") from error
    try:
        account = await survey(store)
        if not may_be[0].account.epoch:  # nobody was told yet whose store it is
            may_be[0] = replace(may_be[0], account=Account(epoch=account.epoch))
        found = [moment for moment in may_be if moment.account == account]
        if not found:
            difference = _difference(may_be[0].account, account)
            raise Loss(f"after operation {at} the store is as it never was:\n{difference}")
        await still_works(store, account, found[-1].keyed)
        if not is_whole(store) or broken:
            raise Loss(f"after operation {at} the database is damaged")
    finally:
        await store.close()


def _difference(expected, account) -> str:
    return "\n".join(
        f"{name}: {getattr(expected, name)!r:.500} is {getattr(account, name)!r:.500}"
        for name in expected.__dataclass_fields__
        if getattr(expected, name) != getattr(account, name)
    )


async def lose_power_everywhere(life: Life, where: Path, seed: int) -> Counter[str]:
    """How many images of each kind were opened."""
    opened: Counter[str] = Counter()
    for kind, at, image in images(life.disk, seed):
        lay(image, where)
        await check(life, at, where)
        opened[kind] += 1
    return opened


@pytest.mark.timeout(0 if SEEDS * LIVES > 1 else 120)
@pytest.mark.parametrize("seed", range(1, LIVES + 1))
async def test_whatever_a_power_loss_leaves_all_that_was_acknowledged_is_there_once(where, disk, seed):
    life = Life(where / "life", disk)
    await life.run(seed)

    opened = await lose_power_everywhere(life, where / "left", seed)

    print(f"{len(disk.operations)} operations, {len(life.moments)} moments, opened {dict(opened)}")
    assert opened.total() > 1.5 * len(disk.operations)


@pytest.mark.timeout(0 if SEEDS * LIVES > 1 else 120)
@pytest.mark.parametrize("seed", range(1, LIVES + 1))
async def test_where_several_commits_wait_for_a_sync_none_is_acknowledged_before_it(where, disk, seed):
    seconds = count()
    life = Life(
        where / "life",
        disk,
        apart=lambda: {"pace": Pace(apart=True), "monotonic": lambda: float(next(seconds))},
    )
    await life.run(seed, length=25 if SEEDS > 1 else 14)
    moments = range(0, len(disk.operations), 3)
    waiting = max(sum(op.file.endswith("-wal") for op in disk.unsynced(at)) for at in moments)
    assert waiting > 30, "several commits wait"

    opened = await lose_power_everywhere(life, where / "left", seed)

    print(f"{len(disk.operations)} operations, {len(life.moments)} moments, opened {dict(opened)}")


@pytest.mark.timeout(0 if SEEDS * LIVES > 1 else 120)
@pytest.mark.parametrize("seed", range(1, LIVES + 1))
async def test_a_power_loss_while_the_last_one_is_recovered_from_loses_nothing_either(where, disk, seed):
    life = Life(where / "life", disk)
    await life.run(seed, length=20)
    first = [image for image in images(disk, seed) if len(image[2].get("hubbub.db-wal", b"")) > 100_000]
    opened = 0

    for _, at, image in Random(seed).sample(first, 6 * SEEDS):
        lay(image, where / "left")
        again = Disk()
        await open_store(where / "left", [], vfs=again.name).close()
        for _, _, image_again in images(again, seed):
            lay(image_again, where / "left again")
            await check(life, at, where / "left again")
            opened += 1
        again.unregister()

    print(f"opened {opened}")
    assert opened > 100


class SlowDisk:
    """One whose every sync takes that long, by a clock that nothing else moves."""

    def __init__(self, disk: Disk, seconds: float) -> None:
        self.now = 0.0
        self._seconds = seconds
        disk.before = self._before

    def _before(self, kind: str, file: str) -> None:
        if kind == "sync":
            self.now += self._seconds

    def monotonic(self) -> float:
        return self.now


@pytest.mark.parametrize("seconds", [0.05, 0.5, 5.0])
async def test_however_slow_a_sync_is_acknowledgements_wait_for_it_and_nobody_is_forgotten(
    where, disk, seconds
):
    clock = SlowDisk(disk, seconds)
    went_apart = []
    life = Life(where / "life", disk, apart=lambda: {"monotonic": clock.monotonic})
    life.opened = lambda store: went_apart.append(store)
    await life.run(2, length=40)

    assert any(store.syncs_apart for store in went_apart)
    assert len(life.moments) > 48, "every step was acknowledged"
    assert await losses(life, where / "left") == 0


# -- the test is tested -------------------------------------------------------


async def losses(life: Life, where: Path) -> int:
    """After how many acknowledgements a power loss takes something of what was acknowledged."""
    found = 0
    for moment in life.moments[1:]:
        lay(life.disk.image(moment.operations, prefix(0)), where)
        try:
            await check(life, moment.operations, where)
        except Loss:
            found += 1
    return found


async def test_a_store_as_it_is_loses_nothing_at_any_acknowledgement(where, disk):
    life = Life(where / "life", disk)
    await life.run(length=20)

    assert await losses(life, where / "left") == 0


@pytest.mark.parametrize("synchronous", [0, 1], ids=["off", "normal"])
async def test_commits_that_are_not_synced_are_found_to_be_lost(where, disk, synchronous):
    life = Life(where / "life", disk)
    life.opened = lambda store: store._db.connection.pragma("synchronous", synchronous)

    await life.run(length=20)

    assert await losses(life, where / "left") > 10


class Hasty(SqliteStore):
    """Tells what became of a batch before it is committed."""

    def append(self, drafts, done):
        with self._db.writing() as cursor:
            done([self._outcome(cursor, draft) for draft in drafts])


async def test_acknowledgements_before_the_commit_are_found_to_be_lost(where, disk):
    life = Life(where / "life", disk, kind=Hasty)

    await life.run(length=20)

    assert await losses(life, where / "left") > 10


async def test_a_disk_that_lies_about_syncs_loses_what_was_acknowledged(where, disk):
    """Nothing can be done about that: here it is seen that it would be noticed by these tests."""
    life = Life(where / "life", disk)
    disk.lying = True

    await life.run(length=20)

    assert await losses(life, where / "left") > 10
