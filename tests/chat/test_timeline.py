from datetime import UTC, datetime

import pytest

from hubbub.chat.state import timeline
from hubbub.chat.state.places import RoomPlace
from hubbub.chat.state.timeline import Removed, Said, Timeline

PLACE = RoomPlace("lounge")


def said(seq: int) -> Said:
    return Said(seq=seq, sender="bob", text=f"{seq}", at=datetime(2026, 1, 31, 9, 30, tzinfo=UTC))


def page(first: int, last: int) -> tuple[Said, ...]:
    return tuple(map(said, range(first, last + 1)))


def seqs(window: Timeline) -> list[int]:
    return [timeline.last_of(entry) for entry in window.entries]


@pytest.fixture
def small(monkeypatch):
    """A window of ten."""
    monkeypatch.setattr(timeline, "MOST_ENTRIES", 10)


def at(first: int, last: int) -> Timeline:
    return timeline.came_newest(Timeline(place=PLACE), page(first, last), reaches_start=first == 1)


def test_what_is_heard_while_the_first_page_loads_comes_behind_it_once():
    window = Timeline(place=PLACE)
    for seq in (3, 4, 5):
        window = timeline.heard(window, said(seq))

    window = timeline.came_newest(window, page(1, 4), reaches_start=True)

    assert seqs(window) == [1, 2, 3, 4, 5]
    assert window.reaches_end


def test_what_is_heard_again_is_shown_once():
    assert seqs(timeline.heard(at(1, 3), said(3))) == [1, 2, 3]


def test_a_reader_at_the_newest_follows_and_the_oldest_go(small):
    window = timeline.heard(at(1, 10), said(11))

    assert seqs(window) == list(range(2, 12))
    assert window.reaches_end
    assert not window.reaches_start


def test_what_a_reader_looks_at_is_not_dropped_for_what_is_new(small):
    window = timeline.loading(at(1, 10), "no")
    window = timeline.heard(timeline.replace(window, following=False), said(11))

    assert seqs(window) == list(range(1, 11))
    assert not window.reaches_end
    assert seqs(timeline.heard(window, said(12))) == list(range(1, 11))


def test_older_pages_come_above_and_the_newest_go(small):
    window = timeline.loading(at(21, 28), "older")

    window = timeline.came_older(window, page(15, 20), reaches_start=False)

    assert seqs(window) == list(range(15, 25))
    assert not window.reaches_end


def test_what_is_heard_while_a_newer_page_loads_is_not_lost(small):
    window = timeline.replace(at(1, 5), reaches_end=False)
    window = timeline.loading(window, "newer")
    window = timeline.heard(window, said(8))

    window = timeline.came_newer(window, page(6, 7), reaches_end=True)

    assert seqs(window) == list(range(1, 9))
    assert window.reaches_end


def test_more_than_can_be_held_meanwhile_is_left_to_the_next_page(small):
    window = timeline.loading(timeline.replace(at(1, 5), reaches_end=False), "newer")
    for seq in range(8, 30):
        window = timeline.heard(window, said(seq))

    window = timeline.came_newer(window, page(6, 7), reaches_end=True)

    assert seqs(window) == list(range(1, 8))
    assert not window.reaches_end


def test_a_page_that_does_not_come_leaves_no_hole():
    window = timeline.loading(timeline.replace(at(1, 5), reaches_end=False), "newer")
    window = timeline.heard(window, said(9))

    window = timeline.failed(window, "no connection")

    assert seqs(window) == [1, 2, 3, 4, 5]
    assert not window.reaches_end
    assert window.trouble == "no connection"


def test_removed_messages_are_an_entry_of_their_own():
    window = timeline.came_newest(
        Timeline(place=PLACE), (Removed(first=1, last=7), said(8)), reaches_start=True
    )

    assert window.first == 1
    assert timeline.in_order(window.entries)
