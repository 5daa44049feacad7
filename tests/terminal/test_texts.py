"""No message drives the terminal it is shown on."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as some

from hubbub.terminal import colour_of, harmless, harmless_line
from terminal.hostile import HOSTILE

INVISIBLE = ("Cc", "Cs", "Cn", "Co")


def commands(text):
    """What of `text` a terminal would obey, or what would reorder or hide its surroundings."""
    return [
        character
        for character in text
        if character != "\n"
        and (
            unicodedata.category(character) in INVISIBLE
            or "\u2028" <= character <= "\u202e"
            or "\u2066" <= character <= "\u206f"
            or character in "\u00ad\u200b\u200e\u200f\ufeff"
        )
    ]


@pytest.mark.parametrize("text", HOSTILE)
def test_what_would_drive_a_terminal_is_made_harmless(text):
    assert commands(harmless(text)) == []
    assert commands(harmless_line(text)) == []


@given(some.text())
def test_whatever_was_written_is_harmless(text):
    assert commands(harmless(text)) == []


@given(some.text())
def test_a_line_stays_a_line(text):
    assert len(harmless_line(text).splitlines()) <= 1


@given(some.text())
def test_making_it_harmless_twice_changes_nothing_more(text):
    assert harmless(harmless(text)) == harmless(text)


@pytest.mark.parametrize(
    "text",
    [
        "plain",
        "two\nlines",
        "naïve café",
        "日本語",
        "नमस्ते",
        "שלום עולם",
        "👩‍👩‍👧 🏳️‍🌈 🏴󠁧󠁢󠁳󠁣󠁴󠁿",
        "می‌خواهم",
        "e\u0301",
    ],
)
def test_what_people_write_stays_as_it_is(text):
    assert harmless(text) == text


def test_tabs_are_spaces_and_every_end_of_line_is_one():
    assert harmless("a\tb\r\nc\u2028d") == "a    b\nc\nd"


def test_control_characters_are_shown():
    assert harmless("\x1b[2J\x00\x7f\x9b") == "␛[2J␀␡<U+009B>"


def test_a_name_has_one_colour():
    assert colour_of("ada") == colour_of("ada") == "cyan"
    assert len({colour_of(f"person-{number}") for number in range(50)}) > 4
