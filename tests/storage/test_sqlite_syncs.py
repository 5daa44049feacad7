"""On a slow disk syncs are made apart: nobody waits for them but those whom they concern, and nothing is
told or seen before them."""

import asyncio
from collections import deque

import apsw
import pytest

from hubbub.domain.errors import StorageFailed
from hubbub.domain.events import Posted
from hubbub.domain.ids import inbox_log
from hubbub.storage.sqlite import database
from hubbub.storage.sqlite.syncing import SLOW_SECONDS, SWIFT_SECONDS, Pace, Syncs
from support.deadline import deadline
from support.disk import Disk

from .conftest import furnish
from .drafting import ATTIC, LOUNGE, draft, room, seqs, session, texts, user

ADA, BOB = inbox_log("ada"), inbox_log("bob")


class Thread:
    """Another thread, whose every step is the test's."""

    def __init__(self):
        self.waiting = deque()
        self.fail = None

    def __call__(self, work, done):
        self.waiting.append((work, done))

    def __len__(self):
        return len(self.waiting)

    def step(self):
        """What was asked for first is done, and the loop is told."""
        work, done = self.waiting.popleft()
        error, self.fail = self.fail, None
        if error is None:
            try:
                work()
            except BaseException as raised:
                error = raised
        done(error)

    def catch_up(self):
        while self.waiting:
            self.step()


class Told(list):
    """Outcomes of batches, in the order in which they were told."""

    def append_to(self, store, *drafts):
        store.append(drafts, self.append)

    @property
    def seqs(self):
        return [[outcome.receipt.seq for outcome in batch] for batch in self]


@pytest.fixture
def thread():
    return Thread()


@pytest.fixture
def told():
    return Told()


@pytest.fixture
async def store(open_sqlite, thread):
    store = open_sqlite()
    await furnish(store)
    await store.close()
    store = open_sqlite(apart=thread, pace=Pace(apart=True))
    signing_in = await soon(store.create_session(session("s0", "ada"), b"0"))
    thread.catch_up()
    await signing_in
    assert store.syncs_apart
    yield store
    thread.catch_up()
    await store.close()


async def soon(coroutine):
    """A task that has got as far as it can."""
    task = asyncio.ensure_future(coroutine)
    for _ in range(5):
        await asyncio.sleep(0)
    return task


async def conversations(store):
    found, _ = await store.conversations("ada", after=None, limit=10)
    return [(each.peer, each.unread, each.last.text) for each in found]


def synchronous(store):
    return {1: "NORMAL", 2: "FULL"}[store._db.connection.pragma("synchronous")]


# -- what is not on disk is not told, and not seen ----------------------------


async def test_nobody_is_told_before_the_sync_has_ended(store, thread, told):
    told.append_to(store, draft(LOUNGE, "a"))
    assert told == []
    thread.step()
    assert told.seqs == [[1]]


async def test_nobody_sees_what_is_not_on_disk(store, thread, told):
    told.append_to(store, draft(LOUNGE, "a"), draft(BOB, "b"))
    for log in (LOUNGE, BOB, inbox_log("ada")):
        assert await store.head(log) == 0
        assert await store.page(log, after=0) == await store.page(ATTIC, after=0)
        assert await store.event(log, 1) is None
    assert (await store.room("lounge")).head == 0
    rooms, _ = await store.rooms(prefix="", after=None, limit=10)
    assert {each.head for each in rooms} == {0}
    thread.step()
    for log in (LOUNGE, BOB, inbox_log("ada")):
        assert await store.head(log) == 1
        assert seqs((await store.page(log, after=0)).events) == [1]
        assert (await store.event(log, 1)).seq == 1
    assert (await store.room("lounge")).head == 1
    rooms, _ = await store.rooms(prefix="", after=None, limit=10)
    assert {each.name: each.head for each in rooms} == {"Attic": 0, "Lounge": 1}


async def test_what_a_sync_began_too_early_for_waits_for_the_next(store, thread, told):
    told.append_to(store, draft(LOUNGE, "a"))
    told.append_to(store, draft(LOUNGE, "b"))
    told.append_to(store, draft(LOUNGE, "c"), draft(ATTIC, "d"))
    assert len(thread) == 1
    thread.step()
    assert told.seqs == [[1]]
    assert texts((await store.page(LOUNGE)).events) == ["a"]
    assert await store.head(ATTIC) == 0
    thread.step()
    assert told.seqs == [[1], [2], [3, 1]]
    assert texts((await store.page(LOUNGE)).events) == ["a", "b", "c"]
    assert len(thread) == 0


async def test_what_was_stored_before_is_seen_meanwhile(store, thread, told):
    told.append_to(store, draft(LOUNGE, "a"), draft(LOUNGE, "b"))
    thread.step()
    told.append_to(store, draft(LOUNGE, "c"))
    assert texts((await store.page(LOUNGE)).events) == ["a", "b"]
    assert texts((await store.page(LOUNGE, before=9)).events) == ["a", "b"]
    assert (await store.page(LOUNGE, after=1)).head == 2


async def test_a_retry_of_what_is_not_on_disk_waits_as_well(store, thread, told):
    told.append_to(store, draft(LOUNGE, "a", key="k"))
    told.append_to(store, draft(LOUNGE, "a", key="k"))
    thread.step()
    assert told.seqs == [[1]]
    thread.step()
    (first,), (again,) = told
    assert (again.receipt, again.events) == (first.receipt, ())


async def test_a_log_that_was_forgotten_stays_hidden(store, thread, told, monkeypatch):
    monkeypatch.setattr(store._places, "_bound", 1)
    told.append_to(store, draft(LOUNGE, "a"))
    told.append_to(store, draft(ATTIC, "b"))
    assert await store.head(LOUNGE) == 0
    told.append_to(store, draft(LOUNGE, "c"))
    thread.catch_up()
    assert told.seqs == [[1], [1], [2]]
    assert await store.head(LOUNGE) == 2


async def test_old_events_stay_until_they_have_been_told(store, thread, told):
    told.append_to(store, draft(LOUNGE, "a", at=1))
    trimming = await soon(store.trim(sent_before_ms=10, limit=10))
    thread.catch_up()
    assert tuple(await trimming) == ()
    assert told.seqs == [[1]]
    trimming = await soon(store.trim(sent_before_ms=10, limit=10))
    thread.catch_up()
    (gap,) = await trimming
    assert (gap.log, gap.first, gap.last) == (LOUNGE, 1, 1)


@pytest.mark.parametrize("forgotten", [False, True], ids=["remembered", "forgotten"])
async def test_nobody_is_told_of_a_removal_that_is_not_on_disk(store, thread, told, forgotten):
    told.append_to(store, draft(LOUNGE, "a", at=1), draft(LOUNGE, "b", at=20))
    thread.catch_up()
    trimming = await soon(store.trim(sent_before_ms=10, limit=10))
    if forgotten:
        store._places.forget()
    reading = await soon(store.page(LOUNGE, after=0))
    looking = await soon(store.event(LOUNGE, 1))
    assert not reading.done()
    assert not looking.done()

    thread.catch_up()
    page = await reading
    assert (page.gap.first, page.gap.last) == (1, 1)
    assert [event.text for event in page.events] == ["b"]
    assert await looking is None
    await trimming


async def test_a_conversation_is_listed_as_far_as_it_is_on_disk(store, thread, told):
    for text, before in (("hi", []), ("there", [("bob", 1, "hi")])):
        told.append_to(store, draft(ADA, text, sender="bob"))
        assert await conversations(store) == before
        thread.catch_up()
    assert await conversations(store) == [("bob", 2, "there")]


async def test_nobody_is_told_that_a_conversation_is_gone_before_that_is_on_disk(store, thread, told):
    told.append_to(store, draft(ADA, "hi", sender="bob", at=1))
    thread.catch_up()
    trimming = await soon(store.trim(sent_before_ms=10, limit=10))
    listing = await soon(conversations(store))
    assert not listing.done()

    thread.catch_up()
    assert await listing == []
    await trimming


async def test_marks_are_told_when_they_are_on_disk_as_far_as_they_moved(store, thread, told):
    told.append_to(store, draft(LOUNGE, "a"))
    thread.catch_up()
    moving = [await soon(store.mark("ada", LOUNGE, seq)) for seq in (1, 0)]
    assert [each.done() for each in moving] == [False, False]

    thread.catch_up()
    assert [await each for each in moving] == [(1, True), (1, False)]


async def test_a_post_behind_a_removal_that_is_not_on_disk_grows_old_like_any_other(store, thread, told):
    told.append_to(store, draft(LOUNGE, "a", at=1))
    thread.catch_up()
    trimming = await soon(store.trim(sent_before_ms=10, limit=10))
    told.append_to(store, draft(LOUNGE, "b", at=2))
    thread.catch_up()
    await trimming
    trimming = await soon(store.trim(sent_before_ms=10, limit=10))
    thread.catch_up()
    (gap,) = await trimming
    assert (gap.first, gap.last) == (2, 2)


# -- everything else waits too --------------------------------------------------


@pytest.mark.parametrize(
    "write",
    [
        lambda store: store.create_room(room("cellar", "Cellar"), "cellar"),
        lambda store: store.create_user(user("dora"), "h"),
        lambda store: store.set_password("ada", "h"),
        lambda store: store.disable("ada", 1),
        lambda store: store.create_session(session("s1", "ada"), b"1"),
        lambda store: store.extend_session("s0", 5_000),
        lambda store: store.end_session("s0"),
        lambda store: store.end_sessions("ada"),
        lambda store: store.sweep_sessions(10**15),
    ],
    ids=["room", "user", "password", "disable", "sign-in", "extend", "sign-out", "sign-out-all", "sweep"],
)
async def test_a_write_is_answered_when_it_is_on_disk(write, store, thread):
    async with deadline():
        task = await soon(write(store))
        assert not task.done()
        thread.step()
        await task


async def test_one_who_gave_up_waiting_keeps_nobody_from_being_told(store, thread, told):
    task = await soon(store.end_session("s0"))
    told.append_to(store, draft(LOUNGE, "a"))
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    thread.catch_up()
    assert told.seqs == [[1]]


async def test_closing_waits_for_all_that_was_posted(store, thread, told):
    told.append_to(store, draft(LOUNGE, "a"))
    async with deadline():
        closing = await soon(store.close())
        assert not closing.done()
        told.append_to(store, draft(LOUNGE, "b"))
        while not closing.done():
            thread.catch_up()
            await asyncio.sleep(0)
        await closing
    assert told.seqs == [[1], [2]]


# -- failing ----------------------------------------------------------------------


async def test_after_a_sync_that_failed_nobody_is_told_of_success_and_none_is_tried_again(
    store, thread, told, broken
):
    told.append_to(store, draft(LOUNGE, "a"))
    told.append_to(store, draft(LOUNGE, "b"))
    ending = await soon(store.end_session("s0"))
    thread.fail = OSError(5, "Input/output error")
    thread.step()
    assert [type(batch[0]) for batch in told] == [StorageFailed, StorageFailed]
    assert len(broken) == 1
    assert isinstance(broken[0].__cause__, OSError)
    with pytest.raises(StorageFailed):
        await ending
    told.append_to(store, draft(LOUNGE, "c"))
    assert type(told[-1][0]) is StorageFailed
    assert len(thread) == 0
    assert len(broken) == 1
    with pytest.raises(StorageFailed):
        await store.head(LOUNGE)


async def test_a_batch_that_is_refused_is_told_in_its_turn(open_sqlite, thread, told):
    disk = Disk()
    first = open_sqlite(vfs=disk.name)
    await furnish(first)
    await first.close()
    store = open_sqlite(vfs=disk.name, apart=thread, pace=Pace(apart=True))
    told.append_to(store, draft(LOUNGE, "a"))
    thread.catch_up()
    told.append_to(store, draft(LOUNGE, "b"))
    disk.full()
    told.append_to(store, draft(LOUNGE, "c"))
    disk.heal()
    assert len(told) == 1
    thread.catch_up()
    assert [type(batch[0]).__name__ for batch in told] == ["Posted", "Posted", "StorageFull"]
    told.append_to(store, draft(LOUNGE, "d"))
    thread.catch_up()
    assert told[-1][0].receipt.seq == 3
    await store.close()
    disk.unregister()


def test_one_that_does_not_take_its_outcome_keeps_it_from_nobody():
    thread, told = Thread(), []
    syncs = Syncs(
        sync=lambda: None, apart=thread, failed=lambda _: None, monotonic=lambda: 0.0, took=lambda _: None
    )
    syncs.after(lambda _: told.append("first"))
    syncs.after(lambda _: 1 / 0)
    syncs.after(lambda _: told.append("last"))
    thread.catch_up()
    assert told == ["first", "last"]


# -- the write-ahead log ------------------------------------------------------------


async def test_the_log_is_moved_in_the_thread_and_begins_anew(store, thread, told, monkeypatch, directory):
    monkeypatch.setattr(database, "CHECKPOINT_PAGES", 20)
    told.append_to(store, *(draft(LOUNGE, "x" * 2000) for _ in range(100)))
    thread.step()  # its sync; what is left is the moving
    assert len(thread) == 1
    size = (directory / "hubbub.db-wal").stat().st_size
    told.append_to(store, draft(LOUNGE, "b"))
    told.append_to(store, draft(LOUNGE, "c"))
    assert await store.head(LOUNGE) == 100  # reading goes on
    assert len(thread) == 1
    thread.catch_up()
    assert told.seqs[1:] == [[101], [102]]
    for _ in range(20):
        told.append_to(store, *(draft(LOUNGE, "x" * 2000) for _ in range(20)))
        thread.catch_up()
    assert (directory / "hubbub.db-wal").stat().st_size < 2 * size


async def test_a_log_that_cannot_be_moved_breaks_the_store(store, thread, told, monkeypatch, broken):
    monkeypatch.setattr(database, "CHECKPOINT_PAGES", 1)
    told.append_to(store, draft(LOUNGE, "a"))
    thread.step()
    thread.fail = apsw.IOError("the disk is gone")
    told.append_to(store, draft(LOUNGE, "b"))
    thread.step()
    assert len(broken) == 1
    assert [type(batch[0]) for batch in told] == [Posted, StorageFailed]


async def test_after_a_sync_that_failed_the_log_is_not_moved(
    store, thread, told, monkeypatch, broken, directory
):
    def fail():
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(database, "CHECKPOINT_PAGES", 1)
    monkeypatch.setattr(store._db._syncs, "_sync", fail)
    told.append_to(store, draft(LOUNGE, "a"))
    (sync, synced), (move, moved) = thread.waiting
    thread.waiting.clear()
    was = (directory / "hubbub.db").read_bytes()

    failures = [failure_of(sync), failure_of(move)]  # though the loop has not heard of the first yet
    synced(failures[0])
    moved(failures[1])

    assert [type(failure) for failure in failures] == [OSError, OSError]
    assert (directory / "hubbub.db").read_bytes() == was
    assert len(broken) == 1


def failure_of(work):
    try:
        work()
    except OSError as error:
        return error
    return None


# -- going apart and coming back ----------------------------------------------------


async def test_a_disk_that_turns_slow_is_waited_for_apart_and_trusted_again_later(
    open_sqlite, thread, told, monkeypatch
):
    now = 0.0
    takes = SLOW_SECONDS * 2

    def clock():
        nonlocal now
        now += takes
        return now

    store = open_sqlite(apart=thread, monotonic=clock, sync=lambda: None)
    await furnish(store)
    assert synchronous(store) == "FULL"
    while not store.syncs_apart:
        told.append_to(store, draft(LOUNGE, "slow"))
    assert synchronous(store) == "NORMAL"
    takes = SWIFT_SECONDS / 2
    while store.syncs_apart:
        told.append_to(store, draft(LOUNGE, "swift"))
        thread.catch_up()
        assert len(told) < 1000
    assert synchronous(store) == "FULL"
    told.append_to(store, draft(LOUNGE, "last"))
    assert len(thread) == 0
    assert [seq for batch in told.seqs for seq in batch] == list(range(1, len(told) + 1))
    await store.close()


async def test_it_does_not_come_back_while_somebody_waits(store, thread, told):
    told.append_to(store, draft(LOUNGE, "a"))
    store._db.pace.apart = False
    told.append_to(store, draft(LOUNGE, "b"))
    assert store.syncs_apart
    thread.catch_up()
    told.append_to(store, draft(LOUNGE, "c"))
    assert not store.syncs_apart
    assert told.seqs == [[1], [2], [3]]
