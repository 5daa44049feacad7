"""A reader notices whatever is wrong with what it is told."""

from hypothesis import given
from hypothesis import strategies as st

from hubbub.bench.places import Faults, Places


def told(*runs, began=0):
    """A reader of one room after these runs of events; what was wrong with them."""
    places, faults = Places({"room": began}), Faults()
    for first, last in runs:
        places.take("room", first, last, faults)
    return places, faults


def test_everything_once_and_in_order_is_right():
    places, faults = told((1, 3), (4, 4), (5, 9))
    assert (places.missing("room", 9), faults) == (0, Faults())


def test_a_hole_is_missing():
    places, _ = told((1, 3), (6, 9))
    assert places.missing("room", 9) == 2


def test_an_end_that_was_not_reached_is_missing():
    places, _ = told((1, 3))
    assert places.missing("room", 9) == 6


def test_a_repeat_is_told():
    _, faults = told((1, 3), (2, 4))
    assert faults == Faults(twice=2)


def test_what_comes_late_is_out_of_order_and_not_missing():
    places, faults = told((1, 1), (3, 3), (2, 2))
    assert (places.missing("room", 3), faults) == (0, Faults(out_of_order=1))


def test_what_comes_late_and_again_is_both():
    _, faults = told((1, 1), (3, 3), (2, 2), (2, 2))
    assert faults == Faults(out_of_order=1, twice=1)


def test_another_log_is_foreign():
    places, faults = Places({"room": 0}), Faults()
    places.take("elsewhere", 1, 5, faults)
    assert faults == Faults(foreign=5)


def test_whoever_begins_later_misses_nothing_of_before():
    places, faults = told((8, 9), began=7)
    assert (places.missing("room", 9), faults) == (0, Faults())


@given(st.permutations(range(1, 9)), st.lists(st.integers(1, 8), max_size=5))
def test_whatever_the_order_every_event_is_counted_as_what_it_was(order, again):
    places, faults = told(*((seq, seq) for seq in [*order, *again]))
    assert places.missing("room", 8) == 0
    assert faults.twice == len(again)
    assert faults.out_of_order == sum(seq < max(order[: i + 1]) for i, seq in enumerate(order))
