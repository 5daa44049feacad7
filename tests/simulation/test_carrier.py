"""The bus of simulated nodes keeps the promises of a bus, and fails in every way that it says."""

import asyncio
from random import Random

import pytest

from bus.conftest import Ears
from bus.test_contract import *  # noqa: F403
from simulation.carrier import Carrier, FaultyBus
from simulation.turns import Turns
from support.deadline import deadline


@pytest.fixture
async def carriers() -> dict[str, Carrier]:
    return {}


@pytest.fixture
async def join(carriers: dict[str, Carrier]):
    turns = Turns()

    async def open(*, prefix: str = "chat") -> tuple[FaultyBus, Ears]:
        if prefix not in carriers:
            carriers[prefix] = Carrier(turns, Random(1), lambda what: None)
        ears = Ears()
        carrier = carriers[prefix]
        name = f"node {len(carrier.buses)}"
        bus = FaultyBus(carrier, name, turns, ears.hear, ears.changes.append)
        async with deadline():
            while not bus.up:
                await asyncio.sleep(0)
        return bus, ears

    return open


async def some_turns() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_what_is_lost_is_not_heard_and_what_is_doubled_is_heard_twice(join, carriers):
    (one, _), (other, ears) = await join(), await join()
    await other.listen("log.1")

    carriers["chat"].loses = 1.0
    one.send("log.1", b"lost")
    await some_turns()
    carriers["chat"].make_good()
    carriers["chat"].doubles = 1.0
    one.send("log.1", b"doubled")
    await some_turns()

    assert ears.heard == [("log.1", b"doubled")] * 2


async def test_nodes_that_are_apart_do_not_hear_each_other_and_believe_the_bus_to_be_up(join, carriers):
    (one, _), (other, ears) = await join(), await join()
    await other.listen("log.1")

    carriers["chat"].apart = {frozenset((one.node, other.node))}
    one.send("log.1", b"unheard")
    await some_turns()

    assert ears.heard == []
    assert one.up
    assert other.up


async def test_who_listens_while_the_bus_is_away_hears_when_it_is_back(join, carriers):
    (one, _), (other, ears) = await join(), await join()
    carrier = carriers["chat"]
    carrier.away = True
    carrier.looked_at()
    await some_turns()
    assert not other.up
    await other.listen("log.1")

    carrier.away = False
    carrier.looked_at()
    await some_turns()
    one.send("log.1", b"hello")
    await some_turns()

    assert ears.changes[-2:] == [False, True]
    assert ears.heard == [("log.1", b"hello")]
