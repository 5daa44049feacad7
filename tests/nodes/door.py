"""One address for several servers: what a balancer is, and no more."""

import asyncio
from collections.abc import Sequence
from typing import Protocol, Self
from urllib.parse import urlsplit

_CHUNK_BYTES = 64 * 1024


class Server(Protocol):
    url: str


class Door:
    """Use as an async context manager. A new connection goes to the next server that takes one.

    Always true: a connection stays with its server, and breaks when that does.
    """

    def __init__(self, servers: Sequence[Server]) -> None:
        self._servers = servers
        self._next = 0
        self._server: asyncio.Server | None = None
        self._passing: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self.closed: set[int] = set()
        """Servers that nobody new is led to."""
        self.url = ""

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._pass, "127.0.0.1", 0)
        host, port = self._server.sockets[0].getsockname()
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        while self._passing:
            for writer in self._writers:
                writer.transport.abort()
            await asyncio.wait(self._passing, timeout=0.1)

    async def _pass(self, client_in: asyncio.StreamReader, client_out: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._passing.add(task)
        writers = {client_out}
        self._writers |= writers
        try:
            server_in, server_out = await self._led_to()
            writers.add(server_out)
            self._writers |= writers
            ways = (
                asyncio.ensure_future(_carry(client_in, server_out)),
                asyncio.ensure_future(_carry(server_in, client_out)),
            )
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
        except OSError:
            pass
        finally:
            self._writers -= writers
            for writer in writers:
                writer.transport.abort()
            self._passing.discard(task)

    async def _led_to(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Raises OSError when nobody takes it."""
        refusal = OSError("no server takes connections")
        for _ in self._servers:
            number = self._next % len(self._servers)
            self._next += 1
            if number in self.closed:
                continue
            parts = urlsplit(self._servers[number].url)
            try:
                return await asyncio.open_connection(parts.hostname, parts.port)
            except OSError as error:
                refusal = error
        raise refusal


async def _carry(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    while data := await source.read(_CHUNK_BYTES):
        target.write(data)
        await target.drain()
