"""A bus that loses, doubles and reorders what nodes tell each other, or leaves one of them out."""

import asyncio
import os
from contextlib import AsyncExitStack

import pytest

from hubbub.cluster.node import Node

from .door import Door
from .mangling import Mangling
from .promises import every_promise_is_kept
from .test_faults import until_ready


@pytest.fixture
async def nodes(tmp_path, database, nats):
    """Three servers, each with a bad way of its own to the bus."""
    environment = {name: text for name, text in os.environ.items() if not name.startswith("HUBBUB_")}
    async with AsyncExitStack() as stack:
        nodes = []
        for number in range(3):
            way = await stack.enter_async_context(Mangling(nats.url, number))
            node = Node(
                tmp_path,
                "--limits",
                "off",
                "--log-level",
                "error",
                name=f"node-{number}",
                database=database,
                bus=way.url,
                environment=environment,
            )
            node.way = way
            nodes.append(await stack.enter_async_context(node))
        yield nodes


async def test_a_bus_that_loses_doubles_and_reorders(nodes):
    async with Door(nodes) as door, every_promise_is_kept(door, 11) as crowd:
        await crowd.acknowledges(1500)
    for node in nodes:
        assert min(node.way.lost, node.way.doubled, node.way.held) > 0


@pytest.mark.long
async def test_one_node_cut_off_from_the_bus(nodes):
    async with Door(nodes) as door, every_promise_is_kept(door, 12) as crowd:
        await crowd.acknowledges(100)
        nodes[0].way.shut = True
        nodes[0].way.cut()
        await until_ready(nodes[0], bus="away")
        await until_ready(nodes[1], bus="up")
        await crowd.acknowledges(300)
        nodes[0].way.shut = False
        await until_ready(nodes[0], bus="up")
        await crowd.acknowledges(100)


@pytest.mark.long
async def test_ways_that_break_over_and_over(nodes):
    async with Door(nodes) as door, every_promise_is_kept(door, 13) as crowd:
        for number in range(9):
            await crowd.acknowledges(50)
            nodes[number % 3].way.cut()
            await asyncio.sleep(0)
