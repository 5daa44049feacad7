"""Whatever happens to a part of a cluster, every promise is kept: the ledgers say so.

Everybody reaches the cluster by one door, which leads each connection to one of three servers.
"""

import asyncio
import os
import random

import httpx2
import pytest

from hubbub.client import Client
from support.deadline import deadline
from support.seeded import token_of

from .door import Door
from .promises import every_promise_is_kept

ROUNDS = int(os.environ.get("HUBBUB_FAULT_KILLS", "4"))


@pytest.fixture
async def door(cluster):
    async with Door(cluster.nodes) as door:
        yield door


async def ready(node) -> dict | None:
    """What a node says of itself; None while it should not be sent requests."""
    async with httpx2.AsyncClient(trust_env=False, timeout=5) as http:
        try:
            answer = await http.get(f"{node.url}/health/ready")
        except httpx2.TransportError:
            return None
    return answer.json() if answer.status_code == 200 else None


async def until_ready(*nodes, **facts: str) -> None:
    async with deadline(60):
        for node in nodes:
            while not (said := await ready(node)) or any(said[fact] != facts[fact] for fact in facts):
                await asyncio.sleep(0.05)


# -- the nodes ----------------------------------------------------------------


async def test_nodes_killed_at_any_moment(cluster, door):
    chance = random.Random(1)
    async with every_promise_is_kept(door, 1) as crowd:
        for _ in range(ROUNDS):
            await crowd.acknowledges(chance.randint(20, 200))
            node = chance.choice(cluster.nodes)
            await node.kill()
            await crowd.acknowledges(chance.randint(20, 100))  # the others go on
            await node.start()


@pytest.mark.long
async def test_nodes_stopped_kindly_one_after_the_other(cluster, door):
    """A rolling upgrade: nobody notices, but that they come back."""
    async with every_promise_is_kept(door, 2) as crowd:
        for number, node in enumerate(cluster.nodes):
            await crowd.acknowledges(100)
            door.closed = {number}
            assert await node.terminate() == 0
            await node.start()
            door.closed = set()


@pytest.mark.long
async def test_a_node_frozen_for_seconds(cluster, door):
    async with every_promise_is_kept(door, 3) as crowd:
        await crowd.acknowledges(100)
        cluster.nodes[0].freeze()
        await asyncio.sleep(7)  # longer than the database lets anybody hold a lock
        cluster.nodes[0].thaw()
        await crowd.acknowledges(100)


# -- the bus ------------------------------------------------------------------


async def test_the_bus_gone_and_back(cluster, door):
    async with every_promise_is_kept(door, 4) as crowd:
        for _ in range(2):
            await crowd.acknowledges(100)
            await cluster.nats.kill()
            await until_ready(*cluster.nodes, bus="away")
            await crowd.acknowledges(200)
            await cluster.nats.start()
            await until_ready(*cluster.nodes, bus="up")
        await crowd.acknowledges(100)


@pytest.mark.long
async def test_the_bus_paused(cluster, door):
    async with every_promise_is_kept(door, 5) as crowd:
        await crowd.acknowledges(100)
        cluster.nats.freeze()
        await until_ready(*cluster.nodes, bus="away")
        await crowd.acknowledges(200)
        cluster.nats.thaw()
        await until_ready(*cluster.nodes, bus="up")
        await crowd.acknowledges(100)


# -- the database -------------------------------------------------------------


async def is_killed(postgres):
    """It recovers from its own log, and holds what it has acknowledged."""
    await postgres.kill()
    await postgres.start()


async def is_restarted(postgres):
    await postgres.restart()


async def is_paused(postgres):
    postgres.freeze()
    await asyncio.sleep(3)  # this long, whatever happens meanwhile
    postgres.thaw()


@pytest.mark.parametrize(
    "what_happens",
    [is_killed, *(pytest.param(each, marks=pytest.mark.long) for each in (is_restarted, is_paused))],
    ids=lambda each: each.__name__,
)
async def test_the_database(cluster, door, what_happens):
    async with every_promise_is_kept(door, 7) as crowd:
        for _ in range(2):
            await crowd.acknowledges(200)
            await what_happens(cluster.postgres)
        await crowd.acknowledges(100)


async def test_without_its_database_a_node_is_not_ready_and_leaves_streams_open(cluster):
    one, two, _ = cluster.nodes
    async with Client(one.url, token=token_of("ada")) as ada, Client(two.url, token=token_of("bob")) as bob:
        room = await ada.create_room("Lounge")
        stream = bob.subscribe(room)
        async with deadline():
            await stream.open()
        await cluster.postgres.stop()
        async with deadline(30):
            while await ready(two) is not None:
                await asyncio.sleep(0.1)
        assert two.is_running
        await cluster.postgres.start()
        await until_ready(one)
        await ada.post("back again", room=room)
        async with deadline():
            event = await anext(stream)
        assert event.text == "back again"
        assert stream.connections == 1
        await stream.close()


# -- all of it ----------------------------------------------------------------


async def test_everything_at_once(cluster, door):
    chance = random.Random(9)
    async with every_promise_is_kept(door, 9) as crowd:
        for _ in range(ROUNDS):
            await crowd.acknowledges(chance.randint(20, 150))
            node = chance.choice(cluster.nodes)
            await asyncio.gather(node.kill(), cluster.nats.restart(), cluster.postgres.restart())
            await node.start()
