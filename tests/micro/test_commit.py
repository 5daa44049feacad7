"""A batch of posts made durable, on the disk that the test's directory is on."""

import os
from itertools import count

import pytest

from hubbub.storage.sqlite import SqliteStore
from micro.events import TEXT
from storage.conftest import furnish
from storage.drafting import ATTIC, LOUNGE, draft

ROUNDS = 200


@pytest.fixture
async def store(tmp_path):
    store = SqliteStore.open(tmp_path / "store", now_ms=lambda: 1, randomness=os.urandom, on_broken=print)
    await furnish(store)
    yield store
    await store.close()


@pytest.mark.parametrize("size", [1, 10, 100, 1000])
async def test_commit(benchmark, store, size):
    numbers = count(1)
    told = []

    def drafts():
        batch = [draft((LOUNGE, ATTIC)[n % 2], TEXT, key=f"key {next(numbers)}") for n in range(size)]
        return (batch, told.append), {}

    benchmark.pedantic(store.append, setup=drafts, rounds=max(10, ROUNDS // size))
    assert all(len(outcomes) == size for outcomes in told)
