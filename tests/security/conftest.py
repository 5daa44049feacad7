"""A running server on both loops, and a way to look at what it holds."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from conformance.wire import Wire, wire
from hubbub.app import Running
from support.deadline import deadline
from support.seeded import token_of
from support.serving import serving

try:
    import uvloop
except ImportError:
    LOOPS = {"asyncio": asyncio.new_event_loop}
else:
    LOOPS = {"uvloop": uvloop.new_event_loop, "asyncio": asyncio.new_event_loop}


def pytest_asyncio_loop_factories(config, item):
    """Both, but for what is many and has nothing to do with the loop."""
    return dict(list(LOOPS.items())[:1]) if item.path.name in ("test_matrix.py", "test_headers.py") else LOOPS


class Target:
    """A server, and somebody else who is there from the beginning."""

    def __init__(self, server: Running, other: Wire) -> None:
        self.server = server
        self.context = server.context
        self.other = other

    def wire(self, **more: Any) -> Any:
        return wire(self.server.address, **more)

    def connections(self) -> list[Any]:
        return list(self.server.servers[0].server_state.connections)

    async def turn(self) -> None:
        """A round trip: the server has seen to everyone meanwhile."""
        answer = await self.other.asks("GET", "/health/live")
        assert answer.status == 200

    async def until(self, reached: Callable[[], bool]) -> None:
        async with deadline():
            while not reached():
                await self.turn()

    async def room(self, name: str = "Lounge") -> str:
        body = json.dumps({"name": name}).encode()
        answer = await self.other.asks("POST", "/rooms", token_of("eve"), body)
        assert answer.status == 201, answer
        id: str = json.loads(answer.body)["id"]
        return id

    async def post(self, room: str, text: str) -> None:
        body = json.dumps({"text": text}).encode()
        answer = await self.other.asks("POST", f"/room/{room}/messages", token_of("eve"), body)
        assert answer.status == 201, answer


@pytest.fixture
async def target(data) -> AsyncIterator[Target]:
    async with serving(data) as server, wire(server.address) as other:
        yield Target(server, other)
