"""A store that was made before events were chained becomes one whose events are."""

import subprocess
import sys

import apsw
import pytest

from hubbub.domain import chain
from hubbub.domain.errors import KeyReused
from hubbub.domain.ids import inbox_log
from hubbub.storage.sqlite import chaining, schema

from .drafting import LOUNGE, append, draft, post, say, seqs, texts
from .old_form import make_old_store

ADA, BOB = inbox_log("ada"), inbox_log("bob")


@pytest.fixture
def old(directory):
    make_old_store(directory)
    return directory


def check_chain(store, log):
    """From the floor to the head, by the definition."""
    ((number, floor, link),) = store._db.rows("SELECT number, floor, link FROM logs WHERE name = ?", (log,))
    link = link or chain.first_link(log)
    rows = store._db.rows(
        "SELECT digest, link FROM events WHERE position >> 36 = ? ORDER BY position", (number,)
    )
    for digest, its_link in rows:
        assert chain.ties(link, digest, its_link)
        link = its_link
    return floor + len(rows)


async def test_everything_that_was_there_can_be_read_and_is_chained(old, open_sqlite):
    store = open_sqlite()

    assert texts((await store.page(LOUNGE, after=2)).events) == ["text 3", "text 4", "text 5"]
    assert texts((await store.page(ADA)).events) == texts((await store.page(BOB)).events) == ["psst"]
    assert [check_chain(store, log) for log in (LOUNGE, ADA, BOB)] == [5, 1, 1]
    assert store.info.epoch == "e0"
    await store.close()


async def test_posting_retries_and_retention_go_on_from_there(old, open_sqlite):
    store = open_sqlite()

    assert seqs(say(store, LOUNGE, "and on")) == [6]
    (kept,) = post(store, draft(LOUNGE, "gone", key="k1"))
    assert (kept.repeated, kept.receipt.id, kept.receipt.seq) == (True, "m1", 1)
    assert isinstance(append(store, draft(LOUNGE, "not that", key="k1"))[0], KeyReused)
    (again,) = post(store, draft(BOB, "psst", key="d"))
    assert (again.repeated, again.receipt.id, again.receipt.log) == (True, "d1", ADA)
    (gap, *_) = [gap for gap in await store.trim(sent_before_ms=10, limit=10) if gap.log == LOUNGE]
    assert (gap.first, gap.last) == (3, 5)
    (again,) = post(store, draft(LOUNGE, "text 3", key="k3"))
    assert (again.repeated, again.receipt.id) == (True, "m3")
    assert check_chain(store, LOUNGE) == 6
    await store.close()


async def test_many_events_are_chained_in_parts(old, open_sqlite, monkeypatch):
    monkeypatch.setattr(chaining, "_AT_ONCE", 2)

    store = open_sqlite()

    assert [check_chain(store, log) for log in (LOUNGE, ADA, BOB)] == [5, 1, 1]
    await store.close()


async def test_who_wrote_to_each_other_before_there_were_marks_has_a_conversation(old, open_sqlite):
    store = open_sqlite()

    for one, other, unread in (("ada", "bob", 0), ("bob", "ada", 1)):
        ((found,), more) = await store.conversations(one, after=None, limit=10)
        assert (found.peer, found.seq, found.unread, found.last.text) == (other, 0, unread, "psst")
        assert not more
    assert await store.followed("ada", after=None, limit=10) == ([], False)
    await store.close()


async def test_every_event_has_a_salt_of_its_own(old, open_sqlite):
    store = open_sqlite()
    say(store, LOUNGE, *"abcdef")

    salts = [salt for (salt,) in store._db.rows("SELECT salt FROM events")]

    assert {len(salt) for salt in salts} == {chain.SALT_BYTES}
    assert len(set(salts)) == len(salts) == 11
    await store.close()


UPGRADER = """
import os, pathlib, sys
from hubbub.storage.sqlite import SqliteStore, chaining
chaining._AT_ONCE = 2
calls = 0
def randomness(count):
    global calls
    calls += 1
    if calls == 2:
        print("half of it is written", flush=True)
        sys.stdin.read()
    return os.urandom(count)
SqliteStore.open(pathlib.Path(sys.argv[1]), now_ms=int, randomness=randomness, on_broken=print)
"""


async def test_killed_amid_it_the_store_is_of_the_old_form_and_can_be_brought_up_again(old, open_sqlite):
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", UPGRADER, str(old)], stdin=pipe, stdout=pipe) as upgrader:
        assert upgrader.stdout.readline() == b"half of it is written\n"
        upgrader.kill()
    database = apsw.Connection(str(old / "hubbub.db"))
    assert database.pragma("user_version") == 1
    assert "link" not in [row[1] for row in database.execute("PRAGMA table_info(events)")]
    database.close()

    store = open_sqlite()

    assert store._db.connection.pragma("user_version") == len(schema.steps())
    assert [check_chain(store, log) for log in (LOUNGE, ADA, BOB)] == [5, 1, 1]
    await store.close()
