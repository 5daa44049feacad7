"""Hashing passwords: what is right, what it costs, and how many at once."""

import asyncio
import threading

import pytest

from hubbub.domain.errors import ShuttingDown, TooMany
from hubbub.service.passwords import Cost, Passwords

from .conftest import CHEAP


async def test_a_password_is_the_one_that_was_hashed(passwords):
    hashed = await passwords.hash("correct horse")
    assert await passwords.verify(hashed, "correct horse")
    assert not await passwords.verify(hashed, "correct house")


async def test_two_hashes_of_one_password_differ(passwords):
    assert await passwords.hash("correct horse") != await passwords.hash("correct horse")


async def test_the_command_line_hashes_as_the_server_does(passwords):
    assert await passwords.verify(passwords.hash_now("correct horse"), "correct horse")


async def test_a_password_typed_on_another_keyboard_is_the_same(passwords):
    composed, decomposed = "caf\u00e9 noir", "cafe\u0301 noir"
    assert await passwords.verify(await passwords.hash(composed), decomposed)


async def test_half_a_surrogate_pair_is_a_wrong_password_and_no_crash(passwords):
    assert not await passwords.verify(await passwords.hash("correct horse"), "\ud800 horse")


def test_by_default_a_hash_costs_what_owasp_recommends():
    assert Cost() == Cost(memory_kib=19 * 1024, passes=2, lanes=1)
    pool = Passwords(workers=1)
    assert pool.hash_now("correct horse").startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    pool.close()


@pytest.mark.parametrize("stored", [None, "", "!", "$argon2id$broken"])
def test_without_a_usable_hash_the_same_work_is_done_and_nobody_gets_in(stored):
    pool = Passwords(workers=1, cost=CHEAP)
    for guess in ("", "correct horse"):
        counted = _Counting(pool._hasher)
        pool._hasher = counted
        assert not pool.verify_now(stored, guess)
        assert counted.computed == 1
        pool._hasher = counted.real
    pool.close()


async def test_when_too_many_wait_the_next_is_asked_to_come_back():
    pool = Passwords(workers=1, queue=1, cost=CHEAP)
    gate = threading.Event()
    running, waiting = (asyncio.ensure_future(pool._run(gate.wait)) for _ in range(2))
    await asyncio.sleep(0)

    with pytest.raises(TooMany) as refused:
        await pool.hash("correct horse")
    assert refused.value.retry_after_seconds > 0

    gate.set()
    await asyncio.gather(running, waiting)
    assert await pool.hash("correct horse")
    pool.close()


async def test_a_place_stays_taken_while_its_hash_is_computed_though_nobody_waits_for_it():
    pool = Passwords(workers=1, queue=0, cost=CHEAP)
    began, gate, ended = threading.Event(), threading.Event(), threading.Event()

    def slow() -> None:
        began.set()
        gate.wait()

    impatient = asyncio.ensure_future(pool._run(slow))
    await asyncio.to_thread(began.wait)
    impatient.cancel()
    with pytest.raises(asyncio.CancelledError):
        await impatient
    with pytest.raises(TooMany):
        await pool.hash("correct horse")

    gate.set()
    pool._pool.submit(ended.set)  # runs after what is given back with the place
    await asyncio.to_thread(ended.wait)
    assert await pool.hash("correct horse")
    pool.close()


async def test_a_closed_pool_says_that_the_server_is_going(passwords):
    passwords.close()
    with pytest.raises(ShuttingDown):
        await passwords.hash("correct horse")


class _Counting:
    """Counts the hashes that are really computed."""

    def __init__(self, real) -> None:
        self.real = real
        self.computed = 0

    def verify(self, stored, password):
        from argon2.exceptions import InvalidHashError

        try:
            right = self.real.verify(stored, password)
        except InvalidHashError:
            raise
        except Exception:
            self.computed += 1
            raise
        self.computed += 1
        return right
