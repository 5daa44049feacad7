"""A process dies at every step of all that a store writes, each single write of a page among them.

The process is a fork of this one, and really dies; what it left behind is opened by this one.
"""

import json
import os
import shutil
import signal
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count

import pytest

from faults.crash_points import Points, distinct, install_store
from hubbub.domain.events import Posted
from hubbub.domain.ids import inbox_log, room_log
from hubbub.storage.sqlite import SqliteStore, database
from storage.drafting import draft, room, session, user

LOUNGE = room_log("lounge")
OLD, NEW = 1_000, 2_000
_numbers = count(1)


def now(coroutine):
    """The result of what never really waits."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value
    raise AssertionError("it waits for something")


def opened(directory):
    return SqliteStore.open(directory, now_ms=lambda: NEW, randomness=os.urandom, on_broken=print)


# -- what is done, and what has to be so afterwards -------------------------


def appends(store, tell):
    def told(outcomes):
        for outcome in outcomes:
            if isinstance(outcome, Posted):
                tell([outcome.receipt.key, outcome.receipt.log, outcome.receipt.seq, outcome.receipt.id])
            else:
                tell(repr(outcome))

    store.append(
        [
            draft(LOUNGE, "one", key="one", at=NEW),
            draft(inbox_log("bob"), "psst", key="psst", at=NEW),
            draft(inbox_log("ada"), "note", key="note", at=NEW),
            draft(LOUNGE, "old 1", key="old 1", at=NEW),
            draft(room_log("nowhere"), "refused", key="refused", at=NEW),
            draft(LOUNGE, "long " + "x" * 16_000, key="long", at=NEW),
        ],
        told,
    )


def check_append(store, told):
    """All of the batch or nothing; what was told is so; done again it is as it was told, once."""
    again = []
    first = {event.key: event for event in everything(store, LOUNGE, inbox_log("ada"))}
    appends(store, again.append)
    if told:
        assert told == again[: len(told)]
    stored = [event for log in (LOUNGE, inbox_log("ada")) for event in everything(store, log)]
    own = {event.key: [event.key, event.log, event.seq, event.id] for event in stored}
    assert [own[each[0]] for each in again if isinstance(each, list)] == again[:4] + again[5:]
    assert len({"one", "psst", "note", "long"} & set(first)) in (0, 4)
    assert len({event.key for event in stored}) == len(stored)
    assert [event.key for event in everything(store, inbox_log("bob"))].count("psst") == 1
    for log in (LOUNGE, inbox_log("ada"), inbox_log("bob")):
        assert_dense(store, log)


def everything(store, *logs):
    return [event for log in logs for event in now(store.page(log, after=0)).events]


def assert_dense(store, log):
    page = now(store.page(log, after=0))
    begin = page.gap.last if page.gap else 0
    assert [event.seq for event in page.events] == list(range(begin + 1, page.head + 1))


def trims(store, tell):
    while gaps := now(store.trim(sent_before_ms=NEW, limit=7)):
        for gap in gaps:
            tell([gap.log, gap.first, gap.last])


def check_trim(store, told):
    """What was removed is a gap; a retry of it is still known; going on removes the rest."""
    removed = {log: last for log, _, last in told}
    for log in (LOUNGE, inbox_log("bob")):
        assert_dense(store, log)
        page = now(store.page(log, after=0))
        assert (page.gap.last if page.gap else 0) >= removed.get(log, 0)
    trims(store, lambda gap: None)
    assert everything(store, LOUNGE, inbox_log("ada"), inbox_log("bob")) == []
    outcomes = []
    store.append([draft(LOUNGE, "old 1", key="old 1", at=NEW)], outcomes.extend)
    assert (outcomes[0].receipt.seq, outcomes[0].events) == (1, ())


def makes_a_room(store, tell):
    now(store.create_room(room("attic", "Attic"), "attic"))
    tell("made")


def check_room(store, told):
    found, listed = now(store.room("attic")), now(store.rooms(prefix="", after=None, limit=9))[0]
    assert found or not told
    assert (
        ("attic" in [each.id for each in listed]) == bool(found) == (now(store.head(room_log("attic"))) == 0)
    )
    if not found:
        makes_a_room(store, lambda what: None)
    store.append([draft(room_log("attic"), "first", key="k")], lambda outcomes: None)
    assert_dense(store, room_log("attic"))


def signs_up(store, tell):
    now(store.create_user(user("eve"), "hash of eve"))
    tell("signed up")


def check_user(store, told):
    """Somebody who is there has an inbox, and nobody else has."""
    found = now(store.user("eve"))
    assert found or not told
    assert bool(found) == (now(store.head(inbox_log("eve"))) == 0)
    if not found:
        signs_up(store, lambda what: None)


def signs_in(store, tell):
    now(store.create_session(session("s2"), b"hash 2"))
    tell("signed in")


def check_session(store, told):
    found = now(store.session_by_token(b"hash 2"))
    assert found or not told
    assert bool(found) == bool(now(store.session("s2")))
    if not found:
        signs_in(store, lambda what: None)


def signs_out(store, tell):
    tell("signed out") if now(store.end_session("s1")) else None


def check_signed_out(store, told):
    assert not (told and now(store.session_by_token(b"hash 1")))


@dataclass
class Act:
    does: Callable
    check: Callable


ACTS = {
    "a batch of posts": Act(appends, check_append),
    "removing what is old": Act(trims, check_trim),
    "a new room": Act(makes_a_room, check_room),
    "a sign-up": Act(signs_up, check_user),
    "a sign-in": Act(signs_in, check_session),
    "a sign-out": Act(signs_out, check_signed_out),
}


TIDIED_UP = ("a batch of posts", "removing what is old")
"""What is followed by a checkpoint when one is due, whose steps are then among its own."""


@pytest.fixture
def base(where):
    """A store with some history; its write-ahead log has something in it, as after a crash."""
    directory = where / "base"
    if (child := os.fork()) == 0:
        try:
            store = opened(directory)
            for name in ("ada", "bob"):
                now(store.create_user(user(name), f"hash of {name}"))
            now(store.create_room(room("lounge", "Lounge"), "lounge"))
            now(store.create_session(session("s1", expires=9_000_000), b"hash 1"))
            drafts = [draft(LOUNGE, f"old {n}", key=f"old {n}", at=OLD) for n in range(1, 11)]
            drafts += [draft(inbox_log("bob"), f"psst {n}", key=f"psst {n}", at=OLD) for n in range(1, 4)]
            store.append(drafts, lambda outcomes: None)
        finally:
            os.kill(os.getpid(), signal.SIGKILL)  # before anything is tidied up
    os.waitpid(child, 0)
    return directory


def ends(directory, does, die_at=None, *, armed_at_once=False):
    """The points that doing it comes by, and what it told; by a process that ends at one, or after all."""
    reading, writing = os.pipe()
    if (child := os.fork()) == 0:
        code = 1
        try:
            database.CHECKPOINT_PAGES = 1

            def note(kind, what):
                os.write(writing, json.dumps([kind, what]).encode() + b"\n")

            points = Points(die_at, lambda point: note("point", point))
            install_store(points)
            if armed_at_once:
                points.arm()
            store = opened(directory)
            points.arm()
            does(store, points.around("it is told", lambda what: note("told", what)))
            code = 0
        finally:
            os._exit(code)
    os.close(writing)
    with os.fdopen(reading, "rb") as lines:
        noted = [json.loads(line) for line in lines]
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status == (-signal.SIGKILL if die_at else 0), f"{die_at}: {status}"
    points = [what for kind, what in noted if kind == "point"]
    assert die_at is None or points[-1] == die_at
    return points, [what for kind, what in noted if kind == "told"]


def copied(base):
    return shutil.copytree(base, base.with_name(f"store-{next(_numbers)}"))


@pytest.mark.parametrize("act", ACTS)
def test_whatever_a_store_does_it_is_done_whole_or_not_at_all(base, act):
    does, check = ACTS[act].does, ACTS[act].check
    points = distinct(ends(copied(base), does)[0])
    assert {"before a write to the log 1", "before COMMIT 1", "after COMMIT 1"} <= set(points)
    assert ("before the sync of the database 1" in points) == (act in TIDIED_UP)
    for point in points:
        directory = copied(base)
        _, told = ends(directory, does, point)
        store = opened(directory)
        try:
            check(store, told)
        except AssertionError as error:
            raise AssertionError(f"after a crash {point}") from error
        finally:
            now(store.close())
            shutil.rmtree(directory)
    print(f"{act}: {len(points)} points")


def test_a_store_that_died_while_it_was_made_is_made_again(where):
    def does(store, tell):
        pass

    points = distinct(ends(where / "new", does, armed_at_once=True)[0])
    assert "before CREATE TABLE events 1" in points, points
    for number, point in enumerate(points):
        directory = where / f"store-{number}"
        ends(directory, does, point, armed_at_once=True)
        store = opened(directory)
        now(store.create_user(user("ada"), "hash of ada"))
        now(store.close())
        shutil.rmtree(directory)
    print(f"making a store: {len(points)} points")


def test_a_store_that_died_while_it_was_opened_after_a_crash_has_lost_nothing(base):
    def does(store, tell):
        pass

    points = distinct(ends(copied(base), does, armed_at_once=True)[0])
    assert "before a write to the database 1" in points  # what the crash left in the log is settled
    for point in points:
        directory = copied(base)
        ends(directory, does, point, armed_at_once=True)
        store = opened(directory)
        keys = {event.key for event in everything(store, LOUNGE, inbox_log("bob"))}
        assert len(keys) == 13, point
        assert now(store.session_by_token(b"hash 1"))
        now(store.close())
        shutil.rmtree(directory)
    print(f"opening after a crash: {len(points)} points")
