"""A server that is killed, stopped or frozen at any moment under load keeps all it has promised."""

import asyncio
import os
import random

import pytest

from faults.crowd import Crowd
from support.process import Process

KILLS = int(os.environ.get("HUBBUB_FAULT_KILLS", "6"))
"""On each event loop."""
SEEDS = {"uvloop": 1, "asyncio": 2}


@pytest.fixture(params=["uvloop", "asyncio"])
async def server(request, data):
    if request.param == "uvloop":
        pytest.importorskip("uvloop")
    async with Process(data, "--loop", request.param) as process:
        process.seed = SEEDS[request.param]
        yield process


async def test_killed_at_any_moment_it_keeps_every_promise(server):
    chance = random.Random(server.seed)
    async with Crowd(server, server.seed) as crowd:
        for _ in range(KILLS):
            await crowd.acknowledges(chance.randint(20, 300))
            await asyncio.sleep(chance.random() * 0.02)  # a moment is random; nothing depends on which
            await server.kill()
            await server.start()
        await crowd.settles()
        assert crowd.broken() == []
        assert crowd.acknowledged >= KILLS * 20


async def test_stopped_kindly_under_load_it_keeps_every_promise(server):
    async with Crowd(server, server.seed) as crowd:
        for _ in range(2):
            await crowd.acknowledges(200)
            assert await server.terminate() == 0
            await server.start()
        await crowd.settles()
        assert crowd.broken() == []


async def test_frozen_for_seconds_it_goes_on_where_it_was(server):
    async with Crowd(server, server.seed) as crowd:
        await crowd.acknowledges(200)
        server.freeze()
        await asyncio.sleep(2)  # this long, whatever happens meanwhile
        server.thaw()
        await crowd.acknowledges(200)
        await crowd.settles()
        assert crowd.broken() == []
