"""A world for the services: a store, a clock of our own, seeded randomness and cheap passwords."""

import random
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from hubbub.domain.model import SessionEnd
from hubbub.service.accounts import Accounts
from hubbub.service.limits import Limits
from hubbub.service.passwords import Cost, Passwords
from hubbub.service.rooms import Rooms
from hubbub.storage.base import Store
from hubbub.storage.sqlite import SqliteStore
from support.clock import Clock

CHEAP = Cost(memory_kib=8, passes=1)
SESSION_SECONDS = 1000


class Stream:
    """What hangs on a session: tells `told` why it ended."""

    def __init__(self, told: Callable[[SessionEnd], object]) -> None:
        self._told = told

    def end(self, reason: SessionEnd) -> None:
        self._told(reason)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def randomness() -> Callable[[int], bytes]:
    return random.Random(7).randbytes


@pytest.fixture
def passwords() -> Iterator[Passwords]:
    pool = Passwords(workers=1, queue=4, cost=CHEAP)
    yield pool
    pool.close()


@pytest.fixture
def limits(clock: Clock) -> Limits:
    return Limits(clock.monotonic)


@pytest.fixture
async def store(tmp_path: Path, clock: Clock, randomness: Callable[[int], bytes]) -> AsyncIterator[Store]:
    opened = SqliteStore.open(
        tmp_path / "data",
        now_ms=clock.now_ms,
        randomness=randomness,
        on_broken=lambda why: pytest.fail(f"the store broke: {why}"),
    )
    yield opened
    await opened.close()


@pytest.fixture
def accounts_with(
    store: Store, passwords: Passwords, limits: Limits, clock: Clock, randomness: Callable[[int], bytes]
) -> Callable[..., Accounts]:
    """`accounts_with(**different)`: accounts of which something is not as in `accounts`."""

    def make(
        *, passwords: Passwords = passwords, limits: Limits = limits, sign_up_open: bool = True
    ) -> Accounts:
        return Accounts(
            store,
            passwords,
            limits,
            now_ms=clock.now_ms,
            randomness=randomness,
            session_seconds=SESSION_SECONDS,
            sign_up_open=sign_up_open,
        )

    return make


@pytest.fixture
def accounts(accounts_with: Callable[..., Accounts]) -> Accounts:
    return accounts_with()


@pytest.fixture
def rooms(store: Store, limits: Limits, clock: Clock, randomness: Callable[[int], bytes]) -> Rooms:
    return Rooms(store, limits, now_ms=clock.now_ms, randomness=randomness)
