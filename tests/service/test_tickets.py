"""What may stand in a URL in place of a token."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubbub.domain.errors import NotSignedIn
from hubbub.domain.ids import SessionId, UserId, inbox_log, room_log
from hubbub.service.tickets import Tickets

from .conftest import Clock

LOGS = [room_log("lounge"), inbox_log("ada")]


def made_by(clock, secret=b"s" * 32):
    return Tickets(secret, clock.now_ms)


@pytest.fixture
def tickets(clock):
    return made_by(clock)


def issued(tickets):
    return tickets.issue(SessionId("s1"), UserId("ada"), LOGS)[0]


def test_a_ticket_says_whose_it_is_and_what_it_admits_to(tickets):
    ticket = tickets.redeem(issued(tickets))
    assert (ticket.session, ticket.user, ticket.logs) == ("s1", "ada", frozenset(LOGS))


def test_a_ticket_stands_in_a_url_as_it_is(tickets):
    assert re.fullmatch(r"[A-Za-z0-9._-]+", issued(tickets))


def test_a_ticket_is_good_for_half_a_minute(tickets, clock):
    text, expires_at_ms = tickets.issue(SessionId("s1"), UserId("ada"), LOGS)
    assert expires_at_ms == clock.now_ms() + 30_000
    clock.pass_(29.999)
    assert tickets.redeem(text)
    clock.pass_(0.001)
    with pytest.raises(NotSignedIn):
        tickets.redeem(text)


def test_a_ticket_may_be_used_again_while_it_lasts(tickets):
    text = issued(tickets)
    assert tickets.redeem(text) == tickets.redeem(text)


def test_a_ticket_of_another_store_admits_nobody(clock):
    foreign = issued(made_by(clock, b"t" * 32))
    with pytest.raises(NotSignedIn):
        made_by(clock).redeem(foreign)


@given(place=st.integers(0, 200), letter=st.sampled_from("AZaz09._-é\0"))
def test_changing_any_letter_of_a_ticket_spoils_it(place, letter):
    tickets = made_by(Clock())
    text = issued(tickets)
    place %= len(text)
    changed = text[:place] + letter + text[place + 1 :]
    if changed != text:
        with pytest.raises(NotSignedIn):
            tickets.redeem(changed)


@given(st.text())
def test_what_is_no_ticket_admits_nobody(text):
    with pytest.raises(NotSignedIn):
        made_by(Clock()).redeem(text)


def test_all_refusals_have_the_same_words(tickets, clock):
    words = set()
    text = issued(tickets)
    clock.pass_(31)
    for bad in (text, text + "A", "", "."):
        with pytest.raises(NotSignedIn) as refused:
            tickets.redeem(bad)
        words.add(str(refused.value))
    assert len(words) == 1
