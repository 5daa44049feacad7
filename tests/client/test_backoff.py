"""How long a client waits before it tries again."""

from hubbub.client.backoff import Backoff


def test_the_ceiling_doubles_up_to_the_most():
    backoff = Backoff(lambda: 1.0, first_seconds=1.0, most_seconds=5.0)
    assert [backoff.next() for _ in range(5)] == [1.0, 2.0, 4.0, 5.0, 5.0]


def test_chance_spreads_the_wait_over_everything_below_the_ceiling():
    chances = iter((0.0, 0.5, 0.25))
    backoff = Backoff(lambda: next(chances), first_seconds=1.0, most_seconds=8.0)
    assert [backoff.next() for _ in range(3)] == [0.0, 1.0, 1.0]


def test_success_brings_the_ceiling_down_again():
    backoff = Backoff(lambda: 1.0, first_seconds=1.0, most_seconds=8.0)
    backoff.next()
    backoff.next()
    backoff.reset()
    assert backoff.next() == 1.0


def test_what_the_server_asks_for_is_the_least_and_jitter_comes_on_top():
    backoff = Backoff(lambda: 0.5, first_seconds=1.0, most_seconds=8.0)
    assert backoff.told(30.0) == 30.5
    assert backoff.told(None) == 1.0
    assert backoff.told(-3.0) == 2.0
