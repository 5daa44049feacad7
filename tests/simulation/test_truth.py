"""The store that simulated nodes share keeps the promises of a store, while nothing fails."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from hubbub.domain.errors import StorageAway
from hubbub.storage.base import Store
from simulation.truth import SharedStore, Truth
from simulation.turns import Turns
from storage.conftest import furnish
from storage.drafting import LOUNGE, draft
from storage.test_contract import *  # noqa: F403
from storage.test_contract_marks import *  # noqa: F403
from storage.test_contract_people import *  # noqa: F403


@pytest.fixture
async def turns() -> Turns:
    return Turns()


@pytest.fixture
async def truth(turns: Turns, tmp_path: Path) -> AsyncIterator[Truth]:
    truth = Truth(turns, tmp_path / "truth", None, Random(1), lambda what: None)
    truth.open()
    yield truth
    truth.close()


@pytest.fixture
def open_shared(turns: Turns, truth: Truth) -> Callable[[str], SharedStore]:
    return lambda node: SharedStore(truth, node, turns, Random(2), lambda theirs_ms: None)


@pytest.fixture
async def store(open_shared: Callable[[str], SharedStore]) -> AsyncIterator[Store]:
    store = open_shared("one")
    await furnish(store)
    yield store
    await store.close()


@pytest.fixture
def reopened(open_shared: Callable[[str], SharedStore], store: Store) -> Callable[[], Awaitable[Store]]:
    async def reopen() -> Store:
        await store.close()
        return open_shared("one")

    return reopen


async def test_heads_are_one_over_all_nodes(store: Store, open_shared: Callable[[str], SharedStore]):
    other = open_shared("two")
    told: list[Any] = []

    for count in range(3):
        store.append([draft(LOUNGE, f"here {count}")], told.extend)
        other.append([draft(LOUNGE, f"there {count}")], told.extend)
    await store.close()
    await other.close()

    assert sorted(outcome.receipt.seq for outcome in told) == [1, 2, 3, 4, 5, 6]
    assert len((await store.page(LOUNGE)).events) == 6


async def test_a_batch_whose_answer_is_lost_is_stored_once(store: Store, truth: Truth):
    told: list[Any] = []
    truth.loses_answers = 1.0

    store.append([draft(LOUNGE, "said")], told.extend)
    for _ in range(20):
        await asyncio.sleep(0)
    truth.loses_answers = 0.0
    await store.close()

    assert [outcome.receipt.seq for outcome in told] == [1]
    assert [event.text for event in (await store.page(LOUNGE)).events] == ["said"]


async def test_a_node_that_is_cut_off_says_that_the_database_is_away(store: Store, truth: Truth):
    truth.cut_off["one"] = None

    with pytest.raises(StorageAway):
        await store.head(LOUNGE)
    assert not store.up
