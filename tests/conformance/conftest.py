"""A running server, and somebody beside the one who misbehaves: who has to be served all the time."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from conformance.wire import Wire, wire
from hubbub.app import Running
from support.deadline import deadline
from support.seeded import token_of
from support.serving import Clock, serving

try:
    import uvloop
except ImportError:
    LOOPS = {"asyncio": asyncio.new_event_loop}
else:
    LOOPS = {"uvloop": uvloop.new_event_loop, "asyncio": asyncio.new_event_loop}


def pytest_asyncio_loop_factories(config, item):
    return LOOPS


class House:
    """A server with a bystander, whose connection stays open from before anything else happens.

    Always true: once the test is over, nothing of what it did is left: no connection, stream or task.
    """

    def __init__(self, server: Running, clock: Clock, bystander: Wire, room: str) -> None:
        self.server = server
        self.context = server.context
        self.clock = clock
        self.bystander = bystander
        self.room = room
        self.messages = f"/room/{room}/messages"
        self._before = {*asyncio.all_tasks()}

    def wire(self, **more: Any) -> Any:
        return wire(self.server.address, **more)

    async def answers_others(self) -> None:
        answer = await self.bystander.asks("GET", self.messages + "?limit=1", token_of("eve"))
        assert answer.status == 200

    async def texts(self) -> list[str]:
        """What has been posted to the room: the truth about what the server took for a request."""
        return [
            event.text
            for event in (
                await self.context.history.room(self.room, after="0", before=None, limit=500, wait_seconds=0)
            ).events
        ]

    @property
    def store(self) -> Any:
        return self.context.history._store

    def keeps_idle_connections_for(self, seconds: float) -> None:
        """From the next connection on: not the bystander's."""
        self.server.servers[0].config.timeout_keep_alive = seconds

    # -- what it holds --------------------------------------------------------

    @property
    def sockets(self) -> int:
        """Connections that are counted, besides the bystander's."""
        return self.context.connections._sockets.total() - 1

    @property
    def connections(self) -> int:
        """Those the HTTP library knows of, besides the bystander's."""
        return len(self.server.servers[0].server_state.connections) - 1

    def http_connections(self) -> list[Any]:
        return list(self.server.servers[0].server_state.connections)

    @property
    def streams(self) -> int:
        return sum(self.context.connections.by_transport.values())

    @property
    def sessions(self) -> int:
        """Sessions that hold a stream."""
        return len(self.context.connections._streams)

    @property
    def tasks(self) -> list[Any]:
        """Coroutines of the server that run, besides those that always do."""
        mine = asyncio.current_task()
        return [
            task.get_coro()
            for task in asyncio.all_tasks()
            if task not in self._before and task is not mine and not task.done()
        ]

    def held(self) -> dict[str, Any]:
        return {
            "sockets": self.sockets,
            "connections": self.connections,
            "streams": self.streams,
            "sessions": self.sessions,
            "logs": self.context.hub.logs_in_memory,
            "behind": self.context.hub.behind,
            "posts": self.context.posting.queued,
            "tasks": self.tasks,
        }

    async def until(self, reached: Callable[[], bool]) -> None:
        """Wait for the server to come so far; meanwhile the bystander is served."""
        try:
            async with deadline():
                while not reached():
                    assert (await self.bystander.asks("GET", "/health/live")).status == 200
        except TimeoutError:
            pytest.fail(f"not reached; the server holds {self.held()}")

    async def is_at_rest(self) -> None:
        await self.until(lambda: not any(self.held().values()))


@asynccontextmanager
async def opened(data: Path, settings: dict[str, Any], **config: Any) -> AsyncIterator[House]:
    clock = Clock()
    async with (
        serving(data, clock=clock, settings=settings, **config) as server,
        wire(server.address) as bystander,
    ):
        answer = await bystander.asks("POST", "/rooms", token_of("ada"), b'{"name": "Lounge"}')
        assert answer.status == 201
        room = answer.headers["location"].rpartition("/")[2]
        house = House(server, clock, bystander, room)
        yield house
        await house.answers_others()
        await house.is_at_rest()


@pytest.fixture
async def house(data) -> AsyncIterator[House]:
    async with opened(data, {}) as house:
        yield house


@pytest.fixture
def open_house(data) -> Callable[..., Any]:
    """`async with open_house(setting=value) as house`: a server with other settings of the wire."""

    def opening(*, config: dict[str, Any] | None = None, **settings: Any) -> Any:
        return opened(data, settings, **(config or {}))

    return opening
