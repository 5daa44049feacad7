"""Where a reader stands: each event once, in order, no hole."""

import pytest

from hubbub.client import Hole
from hubbub.client.places import Places
from hubbub.protocol.frames import GapFrame, Message, Sent


def message(seq, *, room="R"):
    return Message(id=f"m{seq}", room=room, seq=seq, sender="ada", text="hi", sent_at="")


def sent(seq):
    return Sent(id=f"m{seq}", to="bob", seq=seq, sender="ada", text="hi", sent_at="")


def test_an_event_is_new_once():
    places = Places({"R": 0})
    assert [places.take(message(seq)) for seq in (1, 2, 2, 1, 3)] == [True, True, False, False, True]
    assert places.repeats == 2


def test_a_missing_event_is_told_and_nothing_is_taken():
    places = Places({"R": 4})
    with pytest.raises(Hole) as hole:
        places.take(message(6))
    assert (hole.value.room, hole.value.expected, hole.value.found) == ("R", 5, 6)
    assert places.cursor("R") == "4"


def test_a_gap_is_a_place_like_any_other_when_it_begins_where_reading_stands():
    places = Places({"R": 2})
    assert places.take(GapFrame(room="R", first=1, last=9, reason="retention"))
    assert places.take(message(10))
    with pytest.raises(Hole):
        places.take(GapFrame(room="R", first=12, last=13, reason="retention"))


def test_rooms_and_the_inbox_are_counted_apart():
    places = Places({"R": 0, "S": 7, None: 1})
    assert places.take(message(1))
    assert places.take(message(8, room="S"))
    assert places.take(sent(2))
    assert places.take(message(3, room=None))
    assert places.cursors() == {"R": "1", "S": "8", None: "3"}


def test_from_the_head_the_first_event_says_where_that_was_unless_the_server_has():
    places = Places({"R": None, "S": None})
    assert places.unknown == ["R", "S"]
    assert places.cursor("R") is None
    places.start("R", 5, "e1")
    with pytest.raises(Hole):
        places.take(message(7))
    assert places.take(message(40, room="S"))
    assert places.cursors() == {"R": "e1:5", "S": "40"}


def test_a_position_keeps_the_epoch_it_was_learned_in():
    places = Places({"R": "e1:3", "S": 2})
    places.in_epoch("e2")
    assert places.anchored
    assert places.cursors() == {"R": "e1:3", "S": "e2:2"}


@pytest.mark.parametrize(
    ("wanted", "cursor", "expected"),
    [
        ({"R": None}, "e:4", {"R": "e:4"}),
        ({"R": 2}, "e:4", {"R": "e:2"}),
        ({"R": None, None: None}, "e:R=4,=9", {"R": "e:4", None: "e:9"}),
        ({"R": None, None: 3}, "e:R=4,=9", {"R": "e:4", None: "e:3"}),
    ],
)
def test_a_cursor_of_the_server_starts_what_has_no_start_yet(wanted, cursor, expected):
    places = Places(wanted)
    places.start_at(cursor)
    assert places.cursors() == expected


def test_following_nothing_is_a_mistake():
    with pytest.raises(ValueError, match="name a room"):
        Places({})


def test_what_cannot_be_a_cursor_is_a_mistake_at_once():
    with pytest.raises(ValueError):
        Places({"R": "yesterday"})
