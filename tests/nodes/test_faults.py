"""Whatever happens to a part of a cluster, every promise is kept: the ledgers say so.

Everybody reaches the cluster by one door, which leads each connection to one of three servers.
"""

import asyncio
import os
import random
import urllib.request

import pytest

from faults.crowd import Crowd
from support.deadline import deadline

from .door import Door

ROUNDS = int(os.environ.get("HUBBUB_FAULT_KILLS", "4"))


@pytest.fixture
async def door(cluster):
    async with Door(cluster.nodes) as door:
        yield door


async def ready(node) -> dict | None:
    """What a node says of itself; None while it should not be sent requests."""
    import json

    def ask() -> dict | None:
        try:
            with urllib.request.urlopen(f"{node.url}/health/ready", timeout=5) as answer:
                return json.load(answer)
        except OSError:
            return None

    return await asyncio.to_thread(ask)


async def until_ready(node, **facts: str) -> None:
    async with deadline(60):
        while not (said := await ready(node)) or any(said[name] != value for name, value in facts.items()):
            await asyncio.sleep(0.05)


async def test_nodes_killed_at_any_moment(cluster, door):
    chance = random.Random(1)
    async with Crowd(door, 1) as crowd:
        for _ in range(ROUNDS):
            await crowd.acknowledges(chance.randint(20, 200))
            node = chance.choice(cluster.nodes)
            await node.kill()
            await crowd.acknowledges(chance.randint(20, 100))  # the others go on
            await node.start()
        await crowd.settles()
        assert crowd.broken() == []


@pytest.mark.long
async def test_nodes_stopped_kindly_one_after_the_other(cluster, door):
    """A rolling upgrade: nobody notices, but that they come back."""
    async with Crowd(door, 2) as crowd:
        for number, node in enumerate(cluster.nodes):
            await crowd.acknowledges(100)
            door.closed = {number}
            assert await node.terminate() == 0
            await node.start()
            door.closed = set()
        await crowd.settles()
        assert crowd.broken() == []


@pytest.mark.long
async def test_a_node_frozen_for_seconds(cluster, door):
    async with Crowd(door, 3) as crowd:
        await crowd.acknowledges(100)
        cluster.nodes[0].freeze()
        await asyncio.sleep(7)  # longer than the database lets anybody hold a lock
        cluster.nodes[0].thaw()
        await crowd.acknowledges(100)
        await crowd.settles()
        assert crowd.broken() == []


async def test_the_bus_gone_and_back(cluster, door):
    async with Crowd(door, 4) as crowd:
        for _ in range(2):
            await crowd.acknowledges(100)
            await cluster.nats.kill()
            for node in cluster.nodes:
                await until_ready(node, bus="away")
            await crowd.acknowledges(200)
            await cluster.nats.start()
            for node in cluster.nodes:
                await until_ready(node, bus="up")
        await crowd.acknowledges(100)
        await crowd.settles()
        assert crowd.broken() == []


@pytest.mark.long
async def test_the_bus_paused(cluster, door):
    async with Crowd(door, 5) as crowd:
        await crowd.acknowledges(100)
        cluster.nats.freeze()
        for node in cluster.nodes:
            await until_ready(node, bus="away")
        await crowd.acknowledges(200)
        cluster.nats.thaw()
        for node in cluster.nodes:
            await until_ready(node, bus="up")
        await crowd.acknowledges(100)
        await crowd.settles()
        assert crowd.broken() == []


@pytest.mark.long
async def test_the_database_restarted(cluster, door):
    async with Crowd(door, 6) as crowd:
        for _ in range(2):
            await crowd.acknowledges(200)
            await cluster.postgres.restart()
        await crowd.acknowledges(100)
        await crowd.settles()
        assert crowd.broken() == []


async def test_the_database_killed(cluster, door):
    """It recovers from its own log, and holds what it has acknowledged."""
    async with Crowd(door, 7) as crowd:
        for _ in range(2):
            await crowd.acknowledges(200)
            await cluster.postgres.kill()
            await cluster.postgres.start()
        await crowd.acknowledges(100)
        await crowd.settles()
        assert crowd.broken() == []


@pytest.mark.long
async def test_the_database_paused(cluster, door):
    async with Crowd(door, 8) as crowd:
        await crowd.acknowledges(200)
        cluster.postgres.freeze()
        await asyncio.sleep(3)  # this long, whatever happens meanwhile
        cluster.postgres.thaw()
        await crowd.acknowledges(200)
        await crowd.settles()
        assert crowd.broken() == []


async def test_without_its_database_a_node_is_not_ready_and_leaves_streams_open(cluster):
    from hubbub.client import Client
    from support.seeded import token_of

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


async def test_everything_at_once(cluster, door):
    chance = random.Random(9)
    async with Crowd(door, 9) as crowd:
        for _ in range(ROUNDS):
            await crowd.acknowledges(chance.randint(20, 150))
            node = chance.choice(cluster.nodes)
            await asyncio.gather(node.kill(), cluster.nats.restart(), cluster.postgres.restart())
            await node.start()
        await crowd.settles()
        assert crowd.broken() == []
