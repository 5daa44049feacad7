"""A running server's own WebSocket connections, on transports that are no sockets."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from websockets.datastructures import Headers
from websockets.http11 import Request

from hubbub.api.websocket import websocket_class
from hubbub.app import Running
from hubbub.bench.frames import frame
from hubbub.domain.ids import RoomId, UserId
from hubbub.domain.model import Room
from support.deadline import deadline
from support.seeded import NAMES, seed, token_of
from support.serving import serving


class Transport:
    """Takes everything at once, as the socket of a client that reads."""

    __slots__ = ("closing", "writes")

    def __init__(self):
        self.writes: list[bytes] = []
        self.closing = False

    def write(self, data):
        self.writes.append(data)

    def writelines(self, parts):
        self.writes.append(b"".join(parts))

    def is_closing(self):
        return self.closing

    def close(self):
        self.closing = True

    abort = close

    def pause_reading(self):
        pass

    resume_reading = pause_reading

    def get_write_buffer_size(self):
        return 0

    def set_write_buffer_limits(self, high=None, low=None):
        pass

    def get_extra_info(self, name, default=None):
        return ("127.0.0.1", 50_000) if name == "peername" else default


class Crowd:
    """Connections that are signed in and hear one room from its head on."""

    def __init__(self, server: Running, room: str) -> None:
        self.server = server
        self.room = room
        self.connections: list = []
        self.transports: list[Transport] = []
        self._connect = websocket_class(server.context)
        self._open: set = set()

    async def joins(self, count: int) -> None:
        transports = [Transport() for _ in range(count)]
        await self.comes_in(transports)
        self.forget()

    async def comes_in(self, transports: list[Transport]) -> None:
        first = len(self.connections)
        for number, transport in enumerate(transports, first):
            connection = self._connect(self._open)
            connection.take_over(transport, "127.0.0.1", self._asks(NAMES[number % len(NAMES)]))
            self.connections.append(connection)
        self.transports += transports
        await self.until(lambda: all(b'"subscribed"' in b"".join(each.writes) for each in transports))

    def _asks(self, name: str) -> Request:
        fields = {
            "Host": "localhost",
            "Authorization": f"Bearer {token_of(name)}",
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "aHVidWIgYmVuY2ggMDAwMA==",
        }
        return Request(f"/room/{self.room}/subscribe", Headers(fields))

    def forget(self) -> None:
        """What was written so far."""
        for transport in self.transports:
            transport.writes.clear()

    async def says(self, count: int, *, who: int = 0, keyed: bool = False) -> None:
        """So many posts in one piece, until they are acknowledged and everybody was told."""
        keys = [f',"key":"{id(self)}-{number}"' if keyed else "" for number in range(count)]
        self.connections[who].data_received(
            b"".join(
                frame(f'{{"type":"post","ref":{number},"room":"{self.room}","text":"hello"{key}}}'.encode())
                for number, key in enumerate(keys)
            )
        )
        await self.until(lambda: all(self.heard(each) >= count for each in self.transports))

    def heard(self, transport: Transport) -> int:
        return b"".join(transport.writes).count(b'"type":"message"')

    async def until(self, holds) -> None:
        async with deadline():
            while not holds():
                await asyncio.sleep(0)

    def leaves(self) -> None:
        for connection in self.connections:
            connection.connection_lost(None)


@asynccontextmanager
async def crowd(data: Path, count: int, **config) -> AsyncIterator[Crowd]:
    """`count` connections in one room of a server without limits."""
    await seed(data)
    async with serving(data, settings={"streams_per_session": 100_000}, **config) as server:
        room = Room(id=RoomId("lounge"), name="Lounge", created_at_ms=0, created_by=UserId(NAMES[0]), head=0)
        await server.store.create_room(room, "lounge")
        people = Crowd(server, room.id)
        await people.joins(count)
        try:
            yield people
        finally:
            people.leaves()
