"""What becomes of the store when the disk is full, or fails, or another process is in the way."""

import shutil
from collections.abc import Callable, Iterator

import apsw
import pytest

from hubbub.domain.errors import Overloaded, StorageFailed, StorageFull
from hubbub.domain.events import Posted
from hubbub.domain.ids import inbox_log
from hubbub.storage.sqlite import SqliteStore
from hubbub.storage.sqlite import database as module
from support.disk import Disk

from .conftest import furnish
from .drafting import LOUNGE, append, draft, post, room, say, seqs, session, texts, user

BOB = inbox_log("bob")


@pytest.fixture
def disk() -> Iterator[Disk]:
    disk = Disk()
    yield disk
    disk.unregister()


@pytest.fixture
async def store(open_sqlite: Callable[..., SqliteStore], disk: Disk):
    store = open_sqlite(vfs=disk.name)
    await furnish(store)
    yield store
    disk.heal()
    await store.close()


# -- full -------------------------------------------------------------------


async def test_when_the_disk_is_full_nothing_is_posted_and_reading_goes_on(store, disk, broken):
    said = say(store, LOUNGE, "a")
    disk.full()

    outcomes = append(store, draft(LOUNGE, "b", key="k"), draft(BOB, "c"))

    assert [type(outcome) for outcome in outcomes] == [StorageFull, StorageFull]
    assert (await store.page(LOUNGE)).events == said
    assert await store.head(LOUNGE) == 1
    assert await store.head(BOB) == 0
    with pytest.raises(StorageFull):
        await store.create_user(user("dora"), "h")
    assert await store.user("dora") is None
    assert broken == []


async def test_posting_works_again_once_there_is_room(store, disk):
    say(store, LOUNGE, "a")
    disk.full()
    append(store, draft(LOUNGE, "b", key="k"))
    disk.heal()

    (posted,) = post(store, draft(LOUNGE, "b", key="k"))

    assert (posted.repeated, posted.receipt.seq) == (False, 2)
    assert seqs((await store.page(LOUNGE)).events) == [1, 2]


async def test_a_database_at_its_largest_is_a_full_disk(store, broken):
    store._db.connection.pragma("max_page_count", 1)  # as small as it is now
    refused = None
    for _ in range(100):
        (outcome,) = append(store, draft(LOUNGE, "x" * 16_000))
        if not isinstance(outcome, Posted):
            refused = outcome
            break
    assert isinstance(refused, StorageFull)
    head = await store.head(LOUNGE)

    store._db.connection.pragma("max_page_count", 1_000_000)

    assert seqs(say(store, LOUNGE, "y")) == [head + 1]
    assert broken == []


async def test_a_batch_too_large_for_the_disk_is_refused_as_a_whole(store, disk):
    disk.full()

    outcomes = append(store, *(draft(LOUNGE, "x" * 10_000) for _ in range(50)))

    assert {type(outcome) for outcome in outcomes} == {StorageFull}
    assert await store.head(LOUNGE) == 0


# -- broken -----------------------------------------------------------------


@pytest.mark.parametrize("operation", ["write", "sync"])
async def test_a_store_whose_commit_failed_is_broken_for_good_and_says_so_once(
    store, disk, broken, operation
):
    say(store, LOUNGE, "a")
    disk.fail(operation, forever=True)

    outcomes = append(store, draft(LOUNGE, "b"), draft(LOUNGE, "c"))

    assert [type(outcome) for outcome in outcomes] == [StorageFailed, StorageFailed]
    assert len(broken) == 1
    assert disk.struck == 1

    disk.heal()
    calls = disk.calls.copy()
    (again,) = append(store, draft(LOUNGE, "b"))
    assert isinstance(again, StorageFailed)
    for reading in (store.head(LOUNGE), store.page(LOUNGE), store.event(LOUNGE, 1), store.user("ada")):
        with pytest.raises(StorageFailed):
            await reading
    with pytest.raises(StorageFailed):
        await store.create_room(room("cellar"), "cellar")
    assert disk.calls == calls, "a broken store leaves the disk alone"
    assert len(broken) == 1


@pytest.mark.parametrize("operation", ["write", "sync"])
async def test_any_write_that_fails_breaks_the_store(store, disk, broken, operation):
    disk.fail(operation, forever=True)

    with pytest.raises(StorageFailed):
        await store.create_session(session("s1"), b"t" * 32)

    assert len(broken) == 1


async def test_a_store_breaks_once_whatever_fails_while_it_breaks(store, broken):
    first = store._db.give_up(apsw.IOError("the commit"))

    assert store._db.give_up(apsw.IOError("undoing it")) is first
    assert broken == [first]


async def test_what_was_acknowledged_before_the_store_broke_is_there_afterwards(store, disk, open_sqlite):
    say(store, LOUNGE, "a", "b")
    disk.fail("sync", forever=True)
    append(store, draft(LOUNGE, "c"))
    disk.heal()
    await store.close()

    store = open_sqlite()

    assert texts((await store.page(LOUNGE)).events)[:2] == ["a", "b"]
    await store.close()


async def test_a_seq_that_someone_else_took_breaks_the_store(store, broken):
    say(store, LOUNGE, "a")
    store._places.get(LOUNGE).head = 0

    (outcome,) = append(store, draft(LOUNGE, "b"))

    assert isinstance(outcome, StorageFailed)
    assert len(broken) == 1


async def test_a_page_of_the_database_that_does_not_make_sense_breaks_the_store(store, directory, broken):
    say(store, LOUNGE, "a")
    await store.close()
    database = directory / "hubbub.db"
    content = bytearray(database.read_bytes())
    for page in range(2, len(content) // 4096 + 1):
        content[(page - 1) * 4096 : page * 4096] = b"\xff" * 4096
    database.write_bytes(content)

    connection = module.Database(database, on_broken=broken.append)
    with pytest.raises(StorageFailed):
        connection.rows("SELECT * FROM events")

    assert len(broken) == 1
    connection.close()


# -- the write-ahead log ----------------------------------------------------


@pytest.fixture
def eager(monkeypatch):
    """Every commit is moved into the database at once."""
    monkeypatch.setattr(module, "CHECKPOINT_PAGES", 1)


async def test_the_write_ahead_log_stays_bounded(store, directory, monkeypatch):
    monkeypatch.setattr(module, "CHECKPOINT_PAGES", 50)

    for _ in range(200):
        say(store, LOUNGE, "x" * 4_000)

    assert (directory / "hubbub.db-wal").stat().st_size < 100 * 4096
    assert await store.head(LOUNGE) == 200


async def test_moving_the_write_ahead_log_is_no_change(store, eager):
    seen = (await store.endings(None)).upto

    say(store, LOUNGE, "a")
    say(store, LOUNGE, "b")

    assert (await store.endings(seen)).sessions == ()


async def test_an_acknowledgement_does_not_wait_for_the_write_ahead_log_to_be_moved(store, disk, eager):
    told = []
    disk.fail("sync", ending=".db", forever=True)

    def done(outcomes):
        told.append((outcomes, disk.struck))

    store.append([draft(LOUNGE, "a")], done)

    ((outcomes, failures_before),) = told
    assert isinstance(outcomes[0], Posted)
    assert failures_before == 0
    assert disk.struck == 1


async def test_a_store_whose_write_ahead_log_cannot_be_moved_breaks(store, disk, broken, eager, open_sqlite):
    disk.fail("sync", ending=".db", forever=True)

    (outcome,) = append(store, draft(LOUNGE, "a"))
    (refused,) = append(store, draft(LOUNGE, "b"))

    assert isinstance(outcome, Posted)
    assert isinstance(refused, StorageFailed)
    assert len(broken) == 1
    failed = disk.struck
    await store.close()
    assert disk.struck == failed, "a broken store is closed without another try"
    store = open_sqlite()
    assert texts((await store.page(LOUNGE)).events) == ["a"]
    await store.close()


async def test_what_a_crash_left_in_the_write_ahead_log_is_written_anew_at_the_start(
    store, directory, open_sqlite
):
    say(store, LOUNGE, "grown-up talk")
    left = directory.parent / "left"
    shutil.copytree(directory, left)
    assert b"grown-up talk" not in (left / "hubbub.db").read_bytes()

    reopened = open_sqlite(left)

    assert b"grown-up talk" in (left / "hubbub.db").read_bytes()
    await reopened.close()


async def test_a_start_writes_the_write_ahead_log_anew_before_it_moves_it(store, directory, open_sqlite):
    # A sync that failed may have left pages of it that never reached the disk, though they can be read.
    say(store, LOUNGE, "grown-up talk")
    left = directory.parent / "left"
    shutil.copytree(directory, left)
    log = (left / "hubbub.db-wal").read_bytes()
    noted: list[tuple[str, str]] = []
    disk = Disk()
    disk.before = lambda kind, file: noted.append((kind, file.rpartition(".")[2]))

    reopened = open_sqlite(left, vfs=disk.name)

    moved = noted.index(("write", "db"))
    before = noted[:moved]
    assert ("write", "db-wal") in before
    assert ("sync", "db-wal") in before[before.index(("write", "db-wal")) :]
    assert (left / "hubbub.db-wal").read_bytes() == log
    await reopened.close()
    disk.unregister()


async def test_a_full_disk_puts_off_moving_the_write_ahead_log(store, disk, broken, eager):
    disk.full(ending=".db")

    say(store, LOUNGE, "a", "b")

    assert disk.struck
    assert broken == []
    disk.heal()
    assert seqs(say(store, LOUNGE, "c")) == [3]


# -- busy -------------------------------------------------------------------


async def test_a_post_that_another_process_holds_up_too_long_is_refused_for_now(
    store, directory, broken, monkeypatch
):
    store._db.connection.set_busy_timeout(1)
    neighbour = apsw.Connection(str(directory / "hubbub.db"))
    neighbour.execute("BEGIN IMMEDIATE")

    (outcome,) = append(store, draft(LOUNGE, "a"))
    with pytest.raises(Overloaded):
        await store.create_user(user("dora"), "h")
    neighbour.execute("ROLLBACK")

    assert isinstance(outcome, Overloaded)
    assert broken == []
    assert seqs(say(store, LOUNGE, "a")) == [1]
    neighbour.close()


# -- bugs -------------------------------------------------------------------


async def test_a_bug_in_a_write_leaves_the_data_as_it_was_and_the_store_alive(store, broken):
    await store.create_session(session("s1"), b"t" * 32)

    with pytest.raises(apsw.ConstraintError):
        await store.create_session(session("s1"), b"o" * 32)

    assert broken == []
    assert await store.session_by_token(b"o" * 32) is None
    assert seqs(say(store, LOUNGE, "a")) == [1]


async def test_a_bug_in_a_draft_stores_nothing_of_its_batch(store):
    with pytest.raises(TypeError):
        append(store, draft(LOUNGE, "a"), draft(LOUNGE, object()))

    assert await store.head(LOUNGE) == 0
    assert seqs(say(store, LOUNGE, "b")) == [1]
