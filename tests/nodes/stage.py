"""A town: several servers on one store, in the test's own event loop, and whoever comes to any of them."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

from hubbub.app import Running
from hubbub.client import Client
from hubbub.knobs import ServerUrl
from hubbub.protocol.frames import RoomBody
from support.people import Person
from support.seeded import token_of
from support.serving import Clock, serving


class Town:
    """Everyone in it listens by the same transport, each at one of the servers.

    It has the words of a `Lounge` too, so that the plays of one server can be given in it; then whoever comes
    is at the next one in turn.
    """

    def __init__(self, database: str, bus: str | None, transport: str, stack: AsyncExitStack) -> None:
        self.transport = transport
        self.nodes: list[Running] = []
        self.room: RoomBody
        self.database = ServerUrl(database)
        self._bus = (ServerUrl(bus),) if bus else ()
        self._stack = stack
        self._turn = count()

    @property
    def server(self) -> Running:
        """The first, where a play needs no other."""
        return self.nodes[0]

    @property
    def url(self) -> str:
        return self.server.url

    async def opens(
        self,
        *,
        clock: Clock | None = None,
        settings: dict[str, Any] | None = None,
        database: str | None = None,
        bus: str | None = None,
        **config: Any,
    ) -> Running:
        """One more server. `database`, `bus`: the way by which it alone reaches them."""
        node = await self._stack.enter_async_context(
            serving(
                Path("nowhere"),
                clock=clock,
                settings=settings,
                database=ServerUrl(database) if database else self.database,
                bus=(ServerUrl(bus),) if bus else self._bus,
                **config,
            )
        )
        self.nodes.append(node)
        return node

    async def person(self, name: str, at: int | None = None, *, url: str | None = None) -> Person:
        """Somebody signed in, at that server, not yet listening."""
        if at is None:
            at = next(self._turn) % len(self.nodes)
        client = Client(url or self.nodes[at].url, token=token_of(name))
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

    async def moves(self, person: Person, to: int) -> None:
        """To another server, without listening there yet."""
        await person.client.close()
        person.client = Client(self.nodes[to].url, token=token_of(person.name))

    async def a_second_passes(self) -> None:
        """What each server does once a second, now."""
        for node in self.nodes:
            await node.context.accounts.tick()


@asynccontextmanager
async def town(
    database: str, bus: str | None, transport: str, *, nodes: int = 2, **config: Any
) -> AsyncIterator[Town]:
    async with AsyncExitStack() as stack:
        place = Town(database, bus, transport, stack)
        for _ in range(nodes):
            await place.opens(**config)
        async with Client(place.nodes[0].url, token=token_of("ada")) as client:
            place.room = await client.create_room("Lounge")
        yield place
