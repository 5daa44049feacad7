"""What a person sees of an event: in their zone, wrapped to the width there is, in columns that are right."""

from datetime import timedelta, timezone
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as some
from rich.cells import cell_len
from rich.console import Console

from hubbub.protocol.frames import GapFrame, Message, Sent
from hubbub.terminal.shown import Shown

ZONE = timezone(timedelta(hours=2))


def message(text, *, sender="bob", at="2026-03-01T22:30:00.000Z", **more):
    return Message(
        **({"id": "m", "room": "r1", "seq": 1, "sender": sender, "text": text, "sent_at": at} | more)
    )


def shown(*events, width=40, wrapped=True, unread=False, colours=False, **how):
    console = Console(
        file=StringIO(),
        width=width,
        force_terminal=colours,
        color_system="standard" if colours else None,
        highlight=False,
    )
    showing = Shown(console, wrapped=wrapped, zone=ZONE, **how)
    return "".join(showing.show(event, unread=unread) for event in events)


def test_a_day_is_told_once_in_the_readers_zone():
    lines = shown(
        message("late"),
        message("later", at="2026-03-01T22:31:00.000Z"),
        message("next", at="2026-03-02T22:00:00Z"),
    ).splitlines()

    assert lines == [
        "── Monday 2 March 2026 ──", "00:30 bob: late", "00:31 bob: later",
        "── Tuesday 3 March 2026 ──", "00:00 bob: next",
    ]  # fmt: skip


def test_in_a_file_every_line_has_its_date_and_is_not_wrapped():
    assert shown(message("x" * 100 + "\nsecond"), wrapped=False) == (
        f"2026-03-02 00:30:00 bob: {'x' * 100}\n    second\n"
    )


def test_a_text_is_wrapped_behind_its_author():
    lines = shown(message("the quick brown fox jumps over the lazy dog")).splitlines()[1:]

    assert lines == ["00:30 bob: the quick brown fox jumps", "           over the lazy dog"]


def test_where_it_is_narrow_the_text_stands_below():
    lines = shown(message("the quick brown fox", sender="somebody-long"), width=30).splitlines()[1:]

    assert lines == ["00:30 somebody-long: ", "    the quick brown fox"]


def test_wide_characters_count_as_two_columns():
    lines = shown(message("日本語" * 12)).splitlines()[1:]

    assert all(cell_len(line) <= 40 for line in lines)
    assert "".join(line.removeprefix("00:30 bob: ").strip() for line in lines) == "日本語" * 12


@given(
    some.text(alphabet=some.characters(codec="utf-8", exclude_characters="\0"), min_size=1),
    some.integers(1, 120),
)
def test_nothing_is_wider_than_the_terminal(text, width):
    for line in shown(message(text, sender="b"), width=width).splitlines()[1:]:
        assert cell_len(line) <= max(width, len("00:30 b: "), 6)


def test_where_it_was_said_is_told_when_there_are_several_places():
    rooms = {"r1": "Lounge"}

    assert shown(message("hi"), rooms=rooms, width=60).endswith("00:30 Lounge · bob: hi\n")
    assert shown(message("hi", room=None, to="ada"), rooms=rooms, me="ada").endswith("00:30 bob → you: hi\n")
    sent = Sent(id="m", to="bob", seq=2, sender="ada", text="yo", sent_at="2026-03-01T22:30:00.000Z")
    assert shown(sent, rooms=rooms, me="ada").endswith("00:30 you → bob: yo\n")


def test_what_was_removed_is_told():
    one = GapFrame(room="r1", first=3, last=3, reason="retention")
    many = GapFrame(room="r1", first=1, last=1200, reason="erasure")

    assert shown(one, rooms={"r1": "Lounge"}) == "── 1 message was removed in Lounge (retention) ──\n"
    assert shown(many) == "── 1,200 messages were removed (erasure) ──\n"


def test_what_is_unread_is_marked():
    assert "● 00:30 bob: hi" in shown(message("hi"), unread=True)


@pytest.mark.parametrize("name", ["bob", "ada", "x-1"])
def test_a_name_has_the_same_colour_wherever_it_stands(name):
    def colour(text):
        return text.split(name)[0].rpartition("\x1b[")[2]

    assert colour(shown(message("hi", sender=name), colours=True)) == colour(
        shown(message("hi", sender=name, room=None, to="cyd"), colours=True, wrapped=False)
    )
