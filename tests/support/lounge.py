"""A place for plays: a server, a room in it, and whoever comes."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from hubbub.app import Running
from hubbub.client import Client
from hubbub.protocol.frames import RoomBody
from support.people import Person
from support.road import Road
from support.seeded import token_of
from support.serving import Clock, serving


class Lounge:
    """Everyone in it listens by the same transport: "ws", "sse", "ndjson" or "poll"."""

    def __init__(self, data: Path, transport: str, stack: AsyncExitStack) -> None:
        self.data = data
        self.transport = transport
        self.clock = Clock()
        self._stack = stack
        self._serving: AsyncExitStack | None = None
        self.server: Running
        self.room: RoomBody

    @property
    def url(self) -> str:
        return self.server.url

    async def opens(self, *, port: int = 0, settings: dict[str, Any] | None = None, **config: Any) -> None:
        """Start the server."""
        self._serving = AsyncExitStack()
        self._stack.push_async_callback(self.closes)
        self.server = await self._serving.enter_async_context(
            serving(self.data, clock=self.clock, port=port, settings=settings, **config)
        )

    async def closes(self) -> None:
        """Stop the server, kindly."""
        if self._serving is not None:
            serving_now, self._serving = self._serving, None
            await serving_now.aclose()

    async def opens_again(self, **changes: Any) -> None:
        """Stop the server and start another at the same address, on what is on disk."""
        port = self.server.address.port
        await self.closes()
        await self.opens(port=port, **changes)

    async def a_second_passes(self) -> None:
        """What the server does once a second, now: nothing that was opened before is news to it any more."""
        await self.server.context.accounts.tick()

    async def person(self, name: str, *, url: str | None = None, token: str | None = None) -> Person:
        """Somebody seeded, signed in, not yet listening."""
        client = Client(url or self.url, token=token or token_of(name))
        person = Person(name, client, self.room, self.transport)
        self._stack.push_async_callback(person.close)
        return person

    async def people(self, *names: str) -> list[Person]:
        return [await self.person(name) for name in names]

    async def with_people(self, *names: str) -> list[Person]:
        """They all listen to the room from now on."""
        people = await self.people(*names)
        for person in people:
            await person.listens()
        return people

    async def road(self) -> Road:
        """A way to the server that can be blocked and cut."""
        return await self._stack.enter_async_context(Road(self.url))


@asynccontextmanager
async def lounge(data: Path, transport: str, **config: Any) -> AsyncIterator[Lounge]:
    async with AsyncExitStack() as stack:
        place = Lounge(data, transport, stack)
        await place.opens(**config)
        async with Client(place.url, token=token_of("ada")) as client:
            place.room = await client.create_room("Lounge")
        yield place
