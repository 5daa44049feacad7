"""A write-ahead log that was damaged is not taken for one that a crash has torn.

SQLite ends its log at the first frame that does not fit, and says nothing. Here bits and sectors of the log
that a crash left are changed, before the store is opened again.

    SOAK_DISK_BITS=20000 python -m pytest tests/faults/test_disk_tail.py
"""

import asyncio
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from structlog.testing import capture_logs

from hubbub.storage.errors import StoreUnusable
from hubbub.storage.sqlite import SqliteStore, database, wal
from hubbub.storage.sqlite.backup import Restore
from hubbub.storage.sqlite.syncing import Pace
from support.disk import Disk, everything, lay
from support.disk.faults import flipped

from .disk_life import Life, open_store, still_works, survey

BITS = int(os.environ.get("SOAK_DISK_BITS", "60"))
WAL = "hubbub.db-wal"
DB = "hubbub.db"
FRAME_BYTES = 24 + 4096


@pytest.fixture(autouse=True)
def _seldom_moved(monkeypatch):
    """So that there is a log to damage."""
    monkeypatch.setattr(database, "CHECKPOINT_PAGES", 100)
    with capture_logs():  # each bit that is put right is an error to its operator
        yield


class Crash:
    """What the crash of a store left, that was told nothing but what is in `life`."""

    def __init__(self, life: Life, image: dict[str, bytes]) -> None:
        self.life = life
        self.image = image
        self.left = life.directory.parent / "left"
        self.log = image[WAL]
        salts = self.log[16:24]
        self.frames = 0
        while self.log[self.at(self.frames) + 8 :][:8] == salts:
            self.frames += 1

    @staticmethod
    def at(frame: int) -> int:
        """Where a frame begins, counted from 0."""
        return 32 + frame * FRAME_BYTES

    @property
    def end(self) -> int:
        """Of what counts in the log: behind it are frames of an earlier one."""
        return self.at(self.frames)

    def commits(self) -> list[int]:
        """The frames with which a commit ends."""
        return [n for n in range(self.frames) if self.log[self.at(n) + 4 :][:4] != bytes(4)]

    def lay(self, log: bytes) -> Path:
        lay(self.image | {WAL: log}, self.left)
        return self.left

    async def nothing_is_lost(self) -> None:
        store = open_store(self.left, [])
        try:
            assert await survey(store) == self.life.account
            await still_works(store, self.life.account, self.life.keyed)
        finally:
            await store.close()

    async def what_is_lost(self) -> str:
        try:
            store = open_store(self.left, [])
        except StoreUnusable:
            return "not opened"
        try:
            if await survey(store) != self.life.account:
                return "silently lost"
            await still_works(store, self.life.account, self.life.keyed)
            return "nothing lost"
        finally:
            await store.close()


async def crashed(where: Path, seed: int = 6) -> Crash:
    """Amid a full write-ahead log, with everything it did on the disk."""
    disk = Disk()
    try:
        life = Life(where / "life", disk)
        for step in life.steps(Random(seed), 60):
            if step == life.close:
                break
            await step()
        crash = Crash(life, disk.image(len(disk.operations), everything))
        await life.store.close()
    finally:
        disk.unregister()
    return crash


@pytest.fixture
async def crash(where) -> Crash:
    crash = await crashed(where)
    assert len(crash.commits()) > 8
    return crash


def bits(crash: Crash, number: int, seed: int = 9) -> Iterator[int]:
    """All that is in the head, some of each kind of field of a frame, and any others."""
    chance = Random(seed)
    yield from range(0, 32 * 8, 11)
    for _ in range(number // 4):
        yield crash.at(chance.randrange(crash.frames)) * 8 + chance.randrange(24 * 8)
    for _ in range(number):
        yield chance.randrange(crash.end * 8)


async def test_a_turned_bit_in_the_log_is_put_right_or_the_store_is_not_opened(crash):
    """But for a few bits of the last commit, with which it looks as if it had never been acknowledged."""
    found: Counter[str] = Counter()

    for bit in bits(crash, BITS):
        crash.lay(flipped(crash.log, bit))
        found[came := await crash.what_is_lost()] += 1
        if came == "silently lost":
            assert bit // 8 >= crash.at(crash.commits()[-2])

    print(dict(found))
    assert found["nothing lost"] > 2 * found["not opened"] > 10 * found["silently lost"]


async def test_sqlite_alone_would_lose_what_follows_a_turned_bit_without_a_word(crash, monkeypatch):
    monkeypatch.setattr(wal, "look", lambda file, taken: None)
    found: Counter[str] = Counter()

    for bit in bits(crash, BITS):
        crash.lay(flipped(crash.log, bit))
        found[await crash.what_is_lost()] += 1

    print(f"{crash.frames} frames, {len(crash.commits())} commits: {dict(found)}")
    assert found["silently lost"] > found["nothing lost"]


async def test_several_turned_bits_are_put_right_one_after_the_other(crash):
    log = crash.log
    for frame in (1, crash.frames // 2, crash.frames - 1):
        log = flipped(log, (crash.at(frame) + 1_000) * 8 + frame % 8)
    crash.lay(log)

    await crash.nothing_is_lost()


def hurt(crash: Crash, frame: int, start: int = 1_024, length: int = 512) -> bytes:
    """A sector of a frame as the disk gives it back that has lost it."""
    at = crash.at(frame) + start
    return crash.log[:at] + b"\xa5" * length + crash.log[at + length :]


async def test_a_log_with_a_lost_sector_before_acknowledged_commits_is_refused_and_left_as_it_is(crash):
    for frame in range(0, crash.commits()[-3] + 1, 3):
        for start, length in ((0, 24), (1_024, 512), (24, 4_096)):
            log = hurt(crash, frame, start, length)
            left = crash.lay(log)
            for _ in range(2):
                with pytest.raises(StoreUnusable, match="write-ahead log is damaged"):
                    open_store(left, [])
            assert (left / WAL).read_bytes() == log
            assert (left / DB).read_bytes() == crash.image[DB]


async def test_a_command_changes_nothing_of_a_store_with_a_damaged_log(crash):
    log = hurt(crash, 2)
    left = crash.lay(log)

    with pytest.raises(StoreUnusable, match="start the server"):
        SqliteStore.open_shared(left, now_ms=lambda: 1, randomness=os.urandom)

    assert (left / WAL).read_bytes() == log


async def test_what_lies_before_the_damage_can_be_restored_as_another_history(crash):
    left = crash.lay(hurt(crash, crash.commits()[-4]))

    with Restore(left / DB, left, replace=True) as copy:
        restored = copy.finish(os.urandom, keep_sessions=True, aside="before")

    store = open_store(left, [])
    account = await survey(store)
    assert store.info.epoch == restored.epoch != crash.life.account.epoch
    assert account.logs != crash.life.account.logs
    for log, events in account.logs.items():
        assert crash.life.account.logs[log][: len(events)] == events or account.floors
    assert (left / "before" / WAL).exists()
    await store.close()


async def test_a_torn_last_commit_is_no_damage(crash):
    """It was not acknowledged: the crash came between its writing and its sync."""
    last, before = crash.commits()[-1], crash.commits()[-2]

    for frame in range(before + 1, last + 1):
        left = crash.lay(hurt(crash, frame))
        await open_store(left, []).close()
        assert not (left / WAL).exists()


async def test_a_log_whose_head_is_lost_is_refused_while_it_holds_what_the_database_does_not(crash):
    left = crash.lay(b"\xa5" * 32 + crash.log[32:])

    with pytest.raises(StoreUnusable, match="the head"):
        open_store(left, [])

    assert (left / DB).read_bytes() == crash.image[DB]


async def test_a_log_whose_head_is_lost_is_of_no_concern_once_all_of_it_was_moved(crash):
    left = crash.lay(crash.log)
    await open_store(left, []).close()  # all of it is in the database now
    (left / WAL).write_bytes(crash.log[:16] + b"\xa5" * 8 + crash.log[24 : crash.end])

    await crash.nothing_is_lost()


async def test_holes_are_no_damage_where_commits_were_not_synced_one_by_one(crash):
    left = crash.lay(hurt(crash, 2))
    wal.expect_holes(left / DB)
    await open_store(left, []).close()

    (left / DB).write_bytes(crash.image[DB])
    (left / WAL).write_bytes(hurt(crash, 2))
    with pytest.raises(StoreUnusable):  # all there was of that log was moved
        open_store(left, [])


async def test_a_store_writes_down_that_there_may_be_holes_before_there_can_be_any(where):
    life = Life(where / "life", Disk(), apart=lambda: {"pace": Pace(apart=True)})
    await life.open()
    mark = life.directory / "hubbub.db-holes"
    assert not mark.exists()
    ending = asyncio.ensure_future(life.create_user("ada"))  # with its sync, after which the next have none
    await asyncio.sleep(0)
    assert mark.exists()
    life.later.do_all()
    await ending
    await life.close()

    await open_store(life.directory, []).close()

    assert not mark.exists()
    life.disk.unregister()


async def test_a_log_shorter_than_its_head_is_none(crash):
    for length in (0, 1, 31, 32, 40):
        left = crash.lay(crash.log[:length])
        await open_store(left, []).close()
