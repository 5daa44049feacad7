"""Each promise is seen broken: the checker names what was planted, and nothing else."""

import pytest
from msgspec.structs import replace

from hubbub.check import Ledger, Resources, broken
from hubbub.domain.ids import inbox_log, room_log
from hubbub.protocol.frames import GapFrame, Message, Sent

ROOM = room_log("R")
AT = "2026-01-01T00:00:00.000Z"


def message(seq, **other):
    is_so = Message(
        id=f"id{seq}", room="R", seq=seq, sender="ada", text=f"text {seq}", sent_at=AT, key=f"k{seq}"
    )
    return replace(is_so, **other)


@pytest.fixture
def stored():
    """A room of five messages of ada's, and one from her to bob."""
    return {
        ROOM: [message(seq) for seq in range(1, 6)],
        inbox_log("ada"): [Sent(id="d", to="bob", seq=1, sender="ada", text="psst", sent_at=AT, key="d1")],
        inbox_log("bob"): [Message(id="d", to="bob", seq=1, sender="ada", text="psst", sent_at=AT, key="d1")],
    }


@pytest.fixture
def ada():
    ledger = Ledger("ada")
    for seq in range(1, 6):
        ledger.posts(f"k{seq}", f"text {seq}", room="R")
        ledger.acknowledged(f"k{seq}", seq, f"id{seq}")
    ledger.posts("d1", "psst", to="bob")
    ledger.acknowledged("d1", 1, "d")
    return ledger


@pytest.fixture
def bob(stored):
    ledger = Ledger("bob")
    ledger.opens("phone", room="R", after=0)
    ledger.opens("phone", inbox=True, after=0)
    for frame in [*stored[ROOM], *stored[inbox_log("bob")]]:
        ledger.reads("phone", frame)
    return ledger


def heard(bob):
    """What bob's phone heard in the room, to be tampered with."""
    return bob.readings["phone", ROOM].events


def invariants(*faults):
    return [fault.invariant for fault in faults]


def test_a_server_that_keeps_its_promises_has_no_faults(ada, bob, stored):
    assert broken([ada, bob], stored) == []


def test_i1_an_acknowledged_message_is_missing(ada, stored):
    stored[ROOM].pop()
    assert invariants(*broken([ada], stored)) == ["I1"]


def test_i1_another_message_stands_where_it_was_acknowledged(ada, stored):
    stored[ROOM][2] = message(3, id="other", key=None)
    assert invariants(*broken([ada], stored)) == ["I1"]


def test_i1_a_text_has_changed(ada, stored):
    stored[ROOM][2] = message(3, text="another")
    assert set(invariants(*broken([ada], stored))) == {"I1", "I3"}


def test_i1_a_message_is_stored_twice(ada, stored):
    stored[ROOM].append(message(6, key="k5", text="text 5"))
    assert invariants(*broken([ada], stored)) == ["I1"]


def test_i1_the_same_id_stands_twice_in_a_log(ada, stored):
    stored[ROOM].append(message(6, id="id5", key=None))
    assert invariants(*broken([ada], stored)) == ["I1"]


def test_i1_a_direct_message_reached_its_sender_only(ada, stored):
    stored[inbox_log("bob")].clear()
    assert invariants(*broken([ada], stored)) == ["I1"]


def test_what_was_removed_with_a_word_is_not_lost(ada, bob, stored):
    gap = GapFrame(room="R", first=1, last=3, reason="retention")
    stored[ROOM][:3] = [gap]
    assert broken([ada, bob], stored) == []
    heard(bob)[:3] = [gap]
    assert broken([ada, bob], stored) == []


def test_i2_a_hole_in_the_store(ada, stored):
    del stored[ROOM][2]
    assert set(invariants(*broken([ada], stored))) == {"I1", "I2"}


@pytest.mark.parametrize(
    "tamper",
    [
        lambda events: events.pop(2),
        lambda events: events.insert(2, events[1]),
        lambda events: events.reverse(),
        lambda events: events.pop(0),
    ],
    ids=["hole", "repeat", "disorder", "start"],
)
def test_i2_a_reader_is_told_with_a(tamper, ada, bob, stored):
    tamper(heard(bob))
    assert set(invariants(*broken([ada, bob], stored, settled=False))) == {"I2"}


def test_i3_what_was_seen_is_not_stored(ada, bob, stored):
    heard(bob).append(message(6))
    assert set(invariants(*broken([ada, bob], stored))) == {"I3"}


def test_i3_what_was_seen_is_stored_otherwise(ada, bob, stored):
    heard(bob)[4] = replace(heard(bob)[4], text="another")
    assert invariants(*broken([ada, bob], stored)) == ["I3"]


def test_i3_a_gap_is_told_where_there_is_none(ada, bob, stored):
    heard(bob)[:2] = [GapFrame(room="R", first=1, last=2, reason="retention")]
    assert invariants(*broken([ada, bob], stored)) == ["I3"]


def test_i3_something_is_stored_that_nobody_posted(ada, stored):
    stored[ROOM].append(message(6))
    assert invariants(*broken([ada], stored)) == ["I3"]


def test_i3_something_is_stored_that_was_refused(ada, stored):
    ada.posts("k6", "text 6", room="R")
    ada.refuses("k6")
    stored[ROOM].append(message(6))
    assert invariants(*broken([ada], stored)) == ["I3"]


def test_i4_a_direct_message_reached_somebody_else(ada, bob, stored):
    eve = Ledger("eve")
    eve.opens("phone", inbox=True, after=0)
    eve.reads("phone", stored[inbox_log("bob")][0])
    stored[inbox_log("eve")] = stored[inbox_log("bob")]
    assert invariants(*broken([bob, eve], stored)) == ["I4"]


def test_i4_somebody_is_told_of_a_room_that_was_not_asked_for(ada, bob, stored):
    bob.reads("phone", replace(message(1), room="other"))
    assert invariants(*broken([ada, bob], stored)) == ["I4"]


def test_i5_a_retry_was_given_another_number(ada, stored):
    ada.acknowledged("k2", 3, "id3")
    assert "I5" in invariants(*broken([ada], stored))


def test_i6_what_was_acknowledged_could_not_be_read(ada, stored):
    ada.reads_back(ada.receipts[0], stored[ROOM][0])
    assert broken([ada], stored) == []
    ada.reads_back(ada.receipts[1], None)
    assert invariants(*broken([ada], stored)) == ["I6"]


def test_i7_memory_has_grown_past_its_bound(ada, stored):
    before, after = Resources(memory_bytes=100), Resources(memory_bytes=160)
    assert broken([ada], stored, before=before, after=after, memory_bound_bytes=60) == []
    assert invariants(*broken([ada], stored, before=before, after=after, memory_bound_bytes=59)) == ["I7"]


def test_i8_a_reader_has_not_caught_up(ada, bob, stored):
    heard(bob).pop()
    assert broken([ada, bob], stored, settled=False) == []
    assert invariants(*broken([ada, bob], stored)) == ["I8"]


def test_i8_a_reader_who_was_told_nothing_has_not_caught_up(ada, bob, stored):
    heard(bob).clear()
    assert invariants(*broken([ada, bob], stored)) == ["I8"]


@pytest.mark.parametrize("what", ["descriptors", "tasks", "connections", "listeners"])
def test_i9_something_is_left_over(what, ada, stored):
    before = Resources(descriptors=3, tasks=3, connections=3, listeners=3)
    assert broken([ada], stored, before=before, after=before) == []
    after = replace(before, **{what: 4})
    assert invariants(*broken([ada], stored, before=before, after=after)) == ["I9"]
