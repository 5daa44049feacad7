"""How often one may do what."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubbub.domain.errors import TooFast
from hubbub.service.limits import (
    DEFAULTS,
    Limiter,
    Limits,
    Policy,
    neighbourhood,
    parse_policies,
)
from support.clock import Clock

TEN_A_MINUTE = Policy(name="tries", quota=10, window_seconds=60)


@pytest.fixture
def limiter(clock):
    return Limiter(TEN_A_MINUTE, clock.monotonic)


def take_all(limiter, key):
    return [limiter.take(key).remaining for _ in range(limiter.policy.quota)]


def test_the_quota_may_be_used_at_once_and_not_one_more(limiter):
    assert take_all(limiter, "ada") == [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]
    with pytest.raises(TooFast):
        limiter.take("ada")


def test_a_refusal_names_the_policy_and_when_to_come_back(limiter, clock):
    take_all(limiter, "ada")
    with pytest.raises(TooFast) as refused:
        limiter.take("ada")
    error = refused.value
    assert (error.policy, error.quota, error.window_seconds) == ("tries", 10, 60)
    assert error.retry_after_seconds == 6

    clock.pass_(5.9)
    with pytest.raises(TooFast):
        limiter.take("ada")
    clock.pass_(0.1)
    assert limiter.take("ada").remaining == 0


def test_being_refused_costs_nothing(limiter, clock):
    take_all(limiter, "ada")
    for _ in range(100):
        with pytest.raises(TooFast):
            limiter.take("ada")
    clock.pass_(6)
    assert limiter.take("ada").remaining == 0


def test_the_whole_quota_is_back_when_the_allowance_said(limiter, clock):
    limiter.take("ada")
    allowance = limiter.take("ada")
    assert allowance.policy is TEN_A_MINUTE
    assert allowance.reset_seconds == 12
    clock.pass_(12)
    assert limiter.peek("ada").remaining == 10
    assert len(take_all(limiter, "ada")) == 10


def test_one_keys_haste_is_not_anothers(limiter):
    take_all(limiter, "ada")
    assert limiter.take("bob").remaining == 9


def test_peeking_takes_nothing(limiter):
    limiter.take("ada")
    assert [limiter.peek("ada").remaining for _ in range(3)] == [9, 9, 9]
    assert limiter.peek("bob").remaining == 10
    assert len(limiter) == 1


def test_what_was_given_back_can_be_taken_again(limiter):
    take_all(limiter, "ada")
    limiter.give_back("ada")
    assert limiter.take("ada").remaining == 0
    limiter.give_back("ada", 3)
    assert limiter.peek("ada").remaining == 3


def test_giving_back_never_makes_more_than_the_quota(limiter, clock):
    limiter.take("ada")
    clock.pass_(60)
    limiter.give_back("ada", 10)
    limiter.give_back("nobody")
    assert limiter.peek("ada").remaining == limiter.peek("nobody").remaining == 10


def test_some_acts_cost_more_than_others(limiter):
    assert limiter.take("ada", 7).remaining == 3
    with pytest.raises(TooFast) as refused:
        limiter.take("ada", 4)
    assert refused.value.retry_after_seconds == 6


@pytest.mark.parametrize("cost", [0, -1, 11])
def test_a_cost_that_can_never_be_paid_is_a_mistake_of_ours(limiter, cost):
    with pytest.raises(ValueError, match="between 1 and the quota"):
        limiter.take("ada", cost)


@given(
    quota=st.integers(1, 50),
    window=st.integers(1, 100),
    pauses=st.lists(st.floats(0, 30), max_size=200),
)
def test_no_stretch_of_time_gives_more_than_quota_and_rate(quota, window, pauses):
    clock = Clock()
    limiter = Limiter(Policy(name="p", quota=quota, window_seconds=window), clock.monotonic)
    taken = []
    for pause in pauses:
        clock.pass_(pause)
        with suppress(TooFast):
            limiter.take("ada")
            taken.append(clock.seconds)
    for first, start in enumerate(taken):
        for last in range(first, len(taken)):
            stretch = taken[last] - start
            assert last - first + 1 <= quota * (1 + stretch / window) + 1e-3


@given(quota=st.integers(1, 10**9 - 1), window=st.integers(1, 10_000))
def test_the_quota_is_exact_also_when_it_does_not_divide_the_window(quota, window):
    limiter = Limiter(Policy(name="p", quota=quota, window_seconds=window), Clock().monotonic)
    assert limiter.peek("ada").remaining == quota
    assert limiter.take("ada", quota).remaining == 0
    with pytest.raises(TooFast):
        limiter.take("ada")


# -- memory -----------------------------------------------------------------


def test_keys_that_have_their_whole_quota_again_are_forgotten(limiter, clock):
    for number in range(100):
        limiter.take(f"key {number}")
    clock.pass_(60)
    for _ in range(60):
        limiter.take("ada")
        clock.pass_(6)
    assert len(limiter) == 1


def test_never_more_keys_are_remembered_than_there_may_be(clock):
    limiter = Limiter(TEN_A_MINUTE, clock.monotonic, max_keys=3)
    for number in range(100):
        limiter.take(f"key {number}")
        assert len(limiter) <= 3


def test_with_too_many_keys_the_one_used_least_recently_is_forgotten(clock):
    limiter = Limiter(TEN_A_MINUTE, clock.monotonic, max_keys=2)
    for key in ("ada", "bob", "ada", "eve"):
        limiter.take(key)
    assert limiter.peek("ada").remaining == 8
    assert limiter.peek("bob").remaining == 10


# -- addresses --------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "stands_for"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unix socket", "unix socket"),
        ("", ""),
    ],
)
def test_an_address_stands_for_whom_it_was_given_to(address, stands_for):
    assert neighbourhood(address) == stands_for


@pytest.mark.parametrize("name", ["requests", "sign_ins_by_address", "sign_ups"])
def test_a_customer_with_a_million_addresses_has_one_quota(clock, name):
    limiter = getattr(Limits(clock.monotonic), name)
    for host in range(limiter.policy.quota):
        limiter.take(f"2001:db8::{host:x}")
    with pytest.raises(TooFast):
        limiter.take("2001:db8::ffff")
    limiter.give_back("2001:db8::eeee")
    assert limiter.peek("2001:db8::dddd").remaining == 1


# -- configuration ----------------------------------------------------------


def test_every_policy_has_a_limiter_of_its_name(clock):
    limits = Limits(clock.monotonic)
    assert {name: getattr(limits, name).policy for name in DEFAULTS} == dict(DEFAULTS)


def test_what_the_configuration_names_replaces_the_default(clock):
    limits = Limits(clock.monotonic, parse_policies({"posts": "5/2", "rooms": "off"}))
    assert limits.posts.policy == Policy(name="posts", quota=5, window_seconds=2)
    assert limits.rooms.policy is None
    assert limits.requests.policy == DEFAULTS["requests"]


def test_switched_off_nothing_is_refused_and_nothing_remembered():
    limits = Limits.off()
    for name in DEFAULTS:
        limiter = getattr(limits, name)
        for _ in range(5000):
            assert limiter.take("ada").policy is None
        limiter.give_back("ada")
        assert limiter.peek("ada").remaining > 1_000_000
        assert len(limiter) == 0


@pytest.mark.parametrize(
    "text", ["", "5", "5/", "/5", "0/5", "5/0", "-1/5", "5/1.5", "five/1", "5/2/1", "1e3/1"]
)
def test_a_limit_that_is_not_well_written_is_refused(text):
    with pytest.raises(ValueError, match=r"^posts: .* is neither QUOTA/SECONDS"):
        parse_policies({"posts": text})


def test_all_mistakes_are_told_at_once():
    with pytest.raises(ValueError) as refused:
        parse_policies({"posts": "many", "pots": "5/1", "rooms": "5/1"})
    told = str(refused.value).splitlines()
    assert len(told) == 2
    assert "posts" in told[0]
    assert "'pots'" in told[1]
    assert "sign_ups" in told[1]


def test_a_policy_allows_something():
    with pytest.raises(ValueError, match="1 or more"):
        Policy(name="posts", quota=0, window_seconds=1)
