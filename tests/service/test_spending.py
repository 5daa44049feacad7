"""Limits that hold for several nodes together."""

import asyncio

import pytest

from hubbub.domain.errors import TooFast
from hubbub.service.limits import Limits, Policy
from hubbub.service.spending import Spending
from support.deadline import deadline


class Wire:
    """A bus that hands what one node says to all others when the test says so."""

    def __init__(self) -> None:
        self.up = True
        self.sent: list[bytes] = []

    def send(self, channel: str, message: bytes) -> None:
        assert channel == "limits"
        self.sent.append(message)

    async def listen(self, channel: str) -> None:
        pass

    def unlisten(self, channel: str) -> None:
        pass

    async def close(self) -> None:
        pass


class Node:
    def __init__(self, quota: int = 10) -> None:
        self.wire = Wire()
        self.spending = Spending(self.wire)
        posts = Policy(name="posts", quota=quota, window_seconds=10)
        guesses = Policy(name="sign_ins_by_place", quota=quota, window_seconds=10)
        self.limits = Limits(
            lambda: 0.0, {"posts": posts, "sign_ins_by_place": guesses}, taken=self.spending.taken
        )
        self.spending.charge_to(self.limits)

    def tells(self, *others: "Node") -> None:
        self.spending.tell()
        for message in self.wire.sent:
            for other in others:
                other.spending.heard(message)
        self.wire.sent.clear()


def test_what_was_allowed_there_counts_here():
    here, there = Node(), Node()
    for _ in range(6):
        there.limits.posts.take("ada")
    there.tells(here)

    for _ in range(4):
        here.limits.posts.take("ada")
    with pytest.raises(TooFast):
        here.limits.posts.take("ada")
    here.limits.posts.take("bob")


def test_what_was_given_back_there_is_given_back_here():
    here, there = Node(), Node()
    for _ in range(10):
        there.limits.sign_ins_by_place.take("ada at home")
    there.limits.sign_ins_by_place.give_back("ada at home", 3)
    there.tells(here)

    for _ in range(3):
        here.limits.sign_ins_by_place.take("ada at home")
    with pytest.raises(TooFast):
        here.limits.sign_ins_by_place.take("ada at home")


def test_what_is_heard_is_not_told_on():
    here, there = Node(), Node()
    for _ in range(6):
        there.limits.posts.take("ada")
    there.tells(here)

    here.spending.tell()

    assert here.wire.sent == []


def test_two_nodes_that_allowed_too_much_together_allow_no_more_and_owe_no_more_than_a_quota():
    here, there = Node(), Node()
    for node in (here, there):
        for _ in range(10):
            node.limits.posts.take("ada")
    there.tells(here)

    with pytest.raises(TooFast) as refused:
        here.limits.posts.take("ada")
    assert refused.value.retry_after_seconds == 1.0  # as if the quota had been used here alone


def test_who_is_far_from_the_bound_is_nobody_elses_business():
    node = Node(quota=100)
    for _ in range(12):
        node.limits.posts.take("ada")
    node.spending.tell()
    assert node.wire.sent == []

    for _ in range(3):
        node.limits.posts.take("ada")
    node.spending.tell()
    assert len(node.wire.sent) == 1


def test_a_thousand_takes_are_one_message():
    node = Node(quota=2000)
    for _ in range(1000):
        node.limits.posts.take("ada")
    node.spending.tell()
    assert len(node.wire.sent) == 1
    assert len(node.wire.sent[0]) < 64


def test_more_than_one_message_can_hold_is_told_in_several():
    here, there = Node(), Node()
    for number in range(5000):
        there.limits.posts.take(f"user-{number}", 10)
    there.tells(here)

    for number in (0, 2500, 4999):
        with pytest.raises(TooFast):
            here.limits.posts.take(f"user-{number}")


def test_nothing_is_kept_for_a_bus_that_is_away():
    node = Node()
    node.wire.up = False
    node.limits.posts.take("ada", 9)
    node.wire.up = True
    node.spending.tell()
    assert node.wire.sent == []


def test_what_cannot_be_understood_changes_nothing():
    node = Node()
    node.spending.heard(b"\xc1")
    node.spending.heard(b"\x91\x93\xa9not-known\xa3ada\x05")
    for _ in range(10):
        node.limits.posts.take("ada")


async def test_it_is_told_over_and_over(monkeypatch):
    monkeypatch.setattr("hubbub.service.spending.TELL_SECONDS", 0)
    node = Node()
    telling = asyncio.create_task(node.spending.keep_telling())
    for count in (1, 2):
        node.limits.posts.take("ada", 2)
        async with deadline():
            while len(node.wire.sent) < count:
                await asyncio.sleep(0)
    telling.cancel()
