"""Normalising takes the square of the number of marks on one letter: nobody may choose that number freely."""

import unicodedata

import pytest

from hubbub.domain.errors import BadInput
from hubbub.domain.policy import MAX_PASSWORD_CHARACTERS, folded, room_name
from hubbub.service.limits import Limits
from hubbub.service.passwords import Cost, Passwords
from hubbub.service.rooms import Rooms

MANY = "a" + "\u0301\u0327" * 30_000  # a body full; alternating, so that every mark has to be moved


@pytest.fixture
def normalised(monkeypatch):
    """The lengths of what was normalised."""
    lengths: list[int] = []
    really = unicodedata.normalize

    def normalize(form, text):
        lengths.append(len(text))
        return really(form, text)

    monkeypatch.setattr(unicodedata, "normalize", normalize)
    return lengths


def test_a_password_longer_than_any_is_wrong_after_the_work_of_a_wrong_one(normalised):
    passwords = Passwords(workers=1, cost=Cost(memory_kib=8, passes=1))
    try:
        longest = "x" * MAX_PASSWORD_CHARACTERS
        hashed = passwords.hash_now(longest)
        assert passwords.verify_now(hashed, longest)
        assert not passwords.verify_now(hashed, longest + "x")
        assert not passwords.verify_now(hashed, MANY)
        assert not passwords.verify_now(None, MANY)
        assert not passwords.verify_now(passwords.hash_now(""), MANY)
    finally:
        passwords.close()
    assert max(normalised) <= MAX_PASSWORD_CHARACTERS


def test_a_room_is_not_called_by_a_body_full_of_marks(normalised):
    with pytest.raises(BadInput, match="1 to 80 characters"):
        room_name(MANY)
    assert sum(normalised) < 1000


def test_a_name_may_be_written_as_long_as_a_name_can_be_written():
    composed = "\u1f82" * 80  # each of four characters when it is taken apart
    apart = unicodedata.normalize("NFD", composed)
    assert len(apart) == 320
    assert room_name(" " * 1000 + apart + "\u2003" * 1000) == composed
    assert len(folded("\ufdfa" * 80)) == 18 * 80


@pytest.mark.parametrize("form", ["NFD", "NFKC"])
def test_no_character_is_longer_than_the_bounds_say(form):
    most = {"NFD": 4, "NFKC": 18}[form]
    assert max(len(unicodedata.normalize(form, chr(code))) for code in range(0x110000)) == most


async def test_a_prefix_longer_than_any_name_finds_nothing_and_costs_nothing(normalised, tmp_path):

    rooms = Rooms(None, Limits.off(), now_ms=lambda: 0, randomness=bytes)  # type: ignore[arg-type]
    assert await rooms.list(prefix=MANY) == ([], False)
    assert not normalised
