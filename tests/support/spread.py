"""A place for plays with several nodes behind it: whoever comes is at the next one in turn."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

from hubbub.app import Running
from hubbub.client import Client
from hubbub.knobs import ServerUrl
from support.lounge import Lounge
from support.people import Person
from support.seeded import token_of
from support.serving import Clock, serving


class Spread(Lounge):
    """A lounge of several servers, which share a database and hear of each other over a bus.

    `server` is the first of them, where a play needs no other.
    """

    def __init__(
        self, data: Path, transport: str, stack: AsyncExitStack, *, database: str, buses: Sequence[str | None]
    ) -> None:
        """`buses`: for each node the address by which it reaches the bus, None for one that has none."""
        super().__init__(data, transport, stack)
        self.database = database
        self.clocks = [self.clock, *(Clock() for _ in buses[1:])]
        self.servers: list[Running] = []
        self._buses = buses
        self._nodes: list[AsyncExitStack] = []
        self._turn = count()

    async def opens(self, *, port: int = 0, settings: dict[str, Any] | None = None, **config: Any) -> None:
        self._stack.push_async_callback(self.closes)
        opening = []
        for number, (clock, bus) in enumerate(zip(self.clocks, self._buses, strict=True)):
            self._nodes.append(AsyncExitStack())
            node = serving(
                self.data,
                clock=clock,
                port=0 if number else port,
                settings=settings,
                database=ServerUrl(self.database),
                bus=() if bus is None else (ServerUrl(bus),),
                **config,
            )
            opening.append(self._nodes[number].enter_async_context(node))
        self.servers = list(await asyncio.gather(*opening))
        self.server = self.servers[0]

    async def closes(self) -> None:
        nodes, self._nodes = self._nodes, []
        await asyncio.gather(*(node.aclose() for node in nodes))

    async def a_second_passes(self) -> None:
        for server in self.servers:
            await server.context.accounts.tick()

    async def person(
        self, name: str, *, at: int | None = None, url: str | None = None, token: str | None = None
    ) -> Person:
        """`at`: the number of the node, from 0; without it the next one in turn."""
        number = next(self._turn) if at is None else at
        chosen = url or self.servers[number % len(self.servers)].url
        return await super().person(name, url=chosen, token=token)

    async def moves(self, person: Person, *, to: int) -> None:
        """Whoever listened and has left is at another node now; what is remembered goes along."""
        assert person.ear is None, f"{person.name} still listens"
        await person.client.close()
        person.client = Client(self.servers[to].url, token=token_of(person.name))


@asynccontextmanager
async def spread(
    data: Path, transport: str, *, database: str, buses: Sequence[str | None], **config: Any
) -> AsyncIterator[Spread]:
    async with AsyncExitStack() as stack:
        place = Spread(data, transport, stack, database=database, buses=buses)
        await place.opens(**config)
        async with Client(place.url, token=token_of("ada")) as client:
            place.room = await client.create_room("Lounge")
        yield place
