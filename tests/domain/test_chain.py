"""What an event is tied to, and that nothing of it can change unnoticed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from hubbub.domain import chain
from hubbub.domain.events import Event
from hubbub.domain.ids import LogId, MessageId, UserId, inbox_log, room_log

SALT = bytes(range(16))
EVENT = Event(
    log=room_log("lounge"),
    seq=7,
    id=MessageId("m7"),
    kind="message",
    sender=UserId("ada"),
    to=None,
    text="grüß Gott 🙂",
    key="k7",
    sent_at_ms=1_700_000_000_000,
)
OTHERS = {
    "log": room_log("attic"),
    "seq": 8,
    "id": MessageId("m8"),
    "kind": "sent",
    "sender": UserId("bob"),
    "to": UserId("bob"),
    "text": "grüß Gott 😀",
    "key": None,
    "sent_at_ms": 1_700_000_000_001,
}

# Of the event above, under the salt above; its author's copy is number 3.
DIGEST = "ff3f0a42adda44f4c51e539043358ac68ea25b4b"
FIRST = "ad4d3d5907e3e823c7f660fd6aa974c0271cab44"
LINK = "e31d4da9e07d27c1397b989022bd3bdc43d27a45"
RECEIPT = "e9b024a86fede8f82930030c071df771b64d44a8"


def test_what_is_hashed_is_the_same_for_ever():
    assert chain.digest(SALT, EVENT).hex() == DIGEST
    assert chain.first_link(EVENT.log).hex() == FIRST
    assert chain.link(chain.first_link(EVENT.log), chain.digest(SALT, EVENT)).hex() == LINK
    assert chain.receipt(SALT, EVENT, 3).hex() == SALT.hex() + RECEIPT


def test_every_member_of_an_event_is_tried():
    assert set(OTHERS) == set(Event.__struct_fields__)


@pytest.mark.parametrize("name", OTHERS)
def test_nothing_of_an_event_can_be_another_unnoticed(name):
    stored = chain.digest(SALT, EVENT)
    assert chain.holds(EVENT, SALT, stored)
    assert not chain.holds(replace(EVENT, **{name: OTHERS[name]}), SALT, stored)


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("odd", [None, b"\xff", 1.5, 2**63, "\ud83d", ()])
def test_what_is_of_no_type_an_event_has_does_not_hold_and_is_no_bug(name, odd):
    odd_event = replace(EVENT, **{name: odd})
    assert odd_event == EVENT or not chain.holds(odd_event, SALT, chain.digest(SALT, EVENT))


@pytest.mark.parametrize("salt", [None, b"", SALT[:15], SALT + b"\0", "x" * 16, 5])
def test_a_salt_that_is_none_does_not_hold(salt):
    assert not chain.holds(EVENT, salt, chain.digest(SALT, EVENT))


@given(st.text(), st.text(), st.text(), st.text())
def test_no_two_events_read_alike(one, two, three, four):
    first, second = replace(EVENT, text=one, key=two), replace(EVENT, text=three, key=four)
    same = chain.digest(SALT, first) == chain.digest(SALT, second)
    assert same == ((one, two) == (three, four))


def test_a_log_begins_with_its_own_name():
    names = [room_log("ada"), inbox_log("ada"), LogId("room/adb")]
    assert len({chain.first_link(name) for name in names}) == 3


def test_a_link_ties_one_digest_to_one_before():
    before, digest = chain.first_link(EVENT.log), chain.digest(SALT, EVENT)
    link = chain.link(before, digest)
    assert chain.ties(before, digest, link)
    assert not chain.ties(digest, before, link)
    assert not chain.ties(before, digest, before)
    for odd in (None, b"", "x", 5, before + b"\0"):
        assert not chain.ties(odd, digest, link)
        assert not chain.ties(before, odd, link)
        assert not chain.ties(before, digest, odd)


def test_what_is_kept_of_a_removed_event_proves_that_event_and_its_copy_alone():
    kept = chain.receipt(SALT, EVENT, 3)
    assert chain.proves(kept, EVENT, 3)
    assert not chain.proves(kept, EVENT, 4)
    assert not chain.proves(kept, EVENT, None)
    assert not chain.proves(kept, replace(EVENT, text="another"), 3)
    assert not chain.proves(b"", EVENT, 3)
    for at in range(len(kept)):
        flipped = kept[:at] + bytes([kept[at] ^ 1]) + kept[at + 1 :]
        assert not chain.proves(flipped, EVENT, 3)
