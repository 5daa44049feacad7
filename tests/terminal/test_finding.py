"""Which names somebody may have meant."""

import pytest

from hubbub.terminal.finding import NotThere, near

ROOMS = ["Lounge", "Kitchen", "Team Blue", "Team Red", "Straße 1", "x"]


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("longue", ["Lounge"]),
        ("kitchn", ["Kitchen"]),
        ("team", ["Team Red", "Team Blue"]),
        ("strasse", ["Straße 1"]),
        ("blue", ["Team Blue"]),
        ("zzzz", []),
        ("", []),
    ],
)
def test_names_like_it_are_found(given, meant):
    assert sorted(near(given, ROOMS)) == sorted(meant)


def test_three_are_enough():
    assert len(near("room", [f"room {number}" for number in range(100)])) == 3


def test_names_are_told_harmlessly():
    assert "\x1b" not in str(NotThere("room", "\x1b[2J", ["\x1b]0;x\x07"]))
