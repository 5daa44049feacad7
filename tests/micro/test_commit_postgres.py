"""A batch of posts made durable in PostgreSQL, over 100 rooms."""

import asyncio
import os
import time
from itertools import count

import pytest

from hubbub.storage.base import Seed
from hubbub.storage.postgres import PostgresStore
from micro.events import TEXT
from storage.drafting import draft, room, user

ROUNDS = 200
ROOMS = 100


@pytest.fixture
def aside(databases):
    """The loop that the store runs in, for a benchmark waits for it."""
    return databases.aside


@pytest.fixture
def store(postgres, aside):
    async def open() -> PostgresStore:
        store = await PostgresStore.open(
            postgres, now_ms=lambda: 1, randomness=os.urandom, monotonic=time.monotonic, on_broken=print
        )
        rooms = [(room(f"r{n}"), f"r{n}") for n in range(ROOMS)]
        await store.seed(Seed(users=[(user("ada"), "h")], sessions=[], rooms=rooms))
        return store

    store = aside.run(open())
    yield store
    aside.run(store.close())


@pytest.mark.parametrize("size", [1, 10, 100, 1000])
def test_commit(benchmark, store, aside, size):
    numbers = count(1)

    async def append(batch):
        told = asyncio.get_running_loop().create_future()
        store.append(batch, told.set_result)
        assert len(await told) == size

    def drafts():
        batch = [draft(f"room/r{n % ROOMS}", TEXT, key=f"key {next(numbers)}") for n in range(size)]
        return (batch,), {}

    benchmark.pedantic(lambda batch: aside.run(append(batch)), setup=drafts, rounds=max(10, ROUNDS // size))
