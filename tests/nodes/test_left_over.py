"""After everybody has gone a server holds no more than before they came, whatever was done to the cluster."""

import asyncio

from msgspec.structs import replace

from faults.crowd import Crowd
from hubbub.check import at_rest, left_over, resources

from .door import Door
from .test_faults import until_ready

CONNECTIONS = 8
"""To the database, which a server makes as it needs them, and keeps."""


async def held(node):
    return await resources(pid=node.pid, metrics=node.metrics)


async def talk(cluster, seed, *, amid=None):
    async with Door(cluster.nodes) as door, Crowd(door, seed) as crowd:
        await crowd.acknowledges(300)
        if amid is not None:
            await amid()
            await crowd.acknowledges(300)
        await crowd.settles()


async def test_nothing_is_left_over_after_the_bus_and_the_database_were_away(cluster):
    async def disturb():
        await asyncio.gather(cluster.nats.restart(), cluster.postgres.restart())
        await until_ready(*cluster.nodes, bus="up")

    await talk(cluster, 31)  # what is made once is there after this
    before = [await held(node) for node in cluster.nodes]
    await talk(cluster, 32, amid=disturb)
    for node, were in zip(cluster.nodes, before, strict=True):
        may = replace(were, descriptors=were.descriptors + CONNECTIONS)
        after = await at_rest(lambda node=node: held(node), may)
        assert left_over(may, after) == {}
