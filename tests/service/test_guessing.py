"""Guessing at a password many times at once gains nothing over guessing one after the other."""

import asyncio

from hubbub.domain.errors import TooFast, WrongCredentials
from hubbub.service.limits import DEFAULTS

from .conftest import CHEAP, Passwords

GUESSES = 40


async def test_many_guesses_at_once_are_checked_no_more_often_than_one_by_one(accounts_with):
    """With room enough in the pool of hashes it is the throttle that holds them back."""
    passwords = Passwords(workers=1, queue=2 * GUESSES, cost=CHEAP)
    accounts = accounts_with(passwords=passwords)
    guesses = [
        accounts.sign_in("ada", f"guess {number}", address="192.0.2.1", agent="") for number in range(GUESSES)
    ]
    outcomes = await asyncio.gather(*guesses, return_exceptions=True)
    passwords.close()
    tries = DEFAULTS["sign_ins_by_place"].quota
    assert sum(isinstance(outcome, WrongCredentials) for outcome in outcomes) == tries
    assert sum(isinstance(outcome, TooFast) for outcome in outcomes) == GUESSES - tries
    assert accounts.sign_in_failures == tries
