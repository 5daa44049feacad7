"""Many readers are told the same: it is understood once, and everyone's place is checked all the same."""

import pytest

from bench.events import DUE_NS, Clock, hear, hearing, message, reader, written
from hubbub.bench import words
from hubbub.bench.hearing import MOST_HELD_BYTES, Hearing
from hubbub.bench.places import Faults


def test_a_run_is_parsed_once_however_many_are_told_it():
    heard = hearing()
    readers = [reader() for _ in range(50)]
    for each in readers:
        hear(heard, each, written(message(1), message(2)))
    assert heard.parsed == 2
    assert {each.last["room"] for each in readers} == {2}
    assert heard.faults == Faults()


def test_every_reader_counts_in_the_latencies():
    clock = Clock()
    heard = hearing(clock)
    for late_ms in (1, 5, 5):
        clock.now_ns = DUE_NS + late_ms * 1_000_000
        hear(heard, reader(), written(message(1), message(2)))
    heard.collect()
    heard.collect()
    assert heard.latency.total == 6
    assert heard.latency.at(30) == pytest.approx(1_000, abs=80)
    assert heard.latency.at(100) == pytest.approx(5_000, abs=100)


def test_a_latency_is_never_told_too_short():
    clock = Clock(DUE_NS + 123_456_789)
    heard = hearing(clock)
    hear(heard, reader(), written(message(1)))
    heard.collect()
    assert heard.latency.at(50) >= 123_457


def test_what_was_due_before_the_measurement_is_checked_only():
    heard = hearing()
    heard.measure_from_ns = DUE_NS + 1
    places = reader()
    hear(heard, places, written(message(1), message(2, due_ns=DUE_NS + 1)))
    heard.collect()
    assert (heard.latency.total, heard.arrived, places.last["room"]) == (1, 2, 2)


def test_the_rooms_of_one_reader_do_not_mix():
    heard = hearing()
    places = reader("a", "b")
    hear(heard, places, written(message(1, room="a"), message(1, room="b"), message(2, room="a")))
    assert (places.last, heard.faults) == ({"a": 2, "b": 1}, Faults())


def test_a_reader_whom_events_are_kept_from_is_noticed_among_those_who_are_told():
    heard = hearing()
    lucky, unlucky = reader(), reader()
    for seq in (1, 2, 3):
        hear(heard, lucky, written(message(seq)))
        if seq != 2:
            hear(heard, unlucky, written(message(seq)))
    assert (lucky.missing("room", 3), unlucky.missing("room", 3)) == (0, 1)


def test_the_same_run_once_more_is_noticed():
    heard = hearing()
    places = reader()
    hear(heard, places, written(message(1), message(2)))
    hear(heard, places, written(message(1), message(2)))
    assert heard.faults == Faults(twice=2)


def test_runs_in_the_wrong_order_are_noticed():
    heard = hearing()
    places = reader()
    for seq in (2, 1):
        hear(heard, places, written(message(seq)))
    assert heard.faults == Faults(out_of_order=1)


def test_a_room_nobody_asked_for_is_noticed():
    heard = hearing()
    hear(heard, reader("mine"), written(message(1, room="yours")))
    assert heard.faults == Faults(foreign=1)


@pytest.mark.parametrize(
    "strange",
    [
        message(1, run="run2"),
        message(1, text="hello"),
        message(1, text=words.text(words.key("run1", 0, 7), DUE_NS, 80)),
        message(1, text=words.text(words.key("run1", 0, 0), DUE_NS, 80)[:-1] + "?"),
    ],
    ids=["another run", "another's text", "another post's text", "a text that was changed"],
)
def test_what_this_run_did_not_write_is_foreign(strange):
    heard = hearing()
    hear(heard, reader(), written(strange))
    assert heard.faults == Faults(foreign=1)


def test_two_readers_who_are_told_different_things_are_noticed():
    heard = hearing()
    hear(heard, reader(), written(message(1)))
    hear(heard, reader(), written(message(1, number=5)))
    assert heard.faults == Faults(contradicting=1)


def test_what_is_remembered_is_bounded():
    heard = Hearing("run1", Clock())
    for number in range(70):
        heard.learn(b"x" * (1 << 20) + b"%d" % number, [])
    assert sum(len(data) for data, _ in heard._runs.values()) <= MOST_HELD_BYTES


def test_what_is_due_does_not_wait_until_everything_is_read():
    clock = Clock()
    heard = hearing(clock)
    ticks = []
    heard.tick, heard.tick_at_ns = ticks.append, clock.now_ns + 5
    hear(heard, reader(), written(message(1)))
    assert ticks == []
    clock.now_ns += 5
    hear(heard, reader(), written(message(1)))
    assert ticks == [clock.now_ns]
