"""A TCP relay on the loopback: what a door and a bad way to the bus have in common."""

import asyncio
from abc import ABC, abstractmethod
from typing import Self

_CHUNK_BYTES = 64 * 1024

Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Passage(ABC):
    """Use as an async context manager.

    Always true: a connection stays with the server it was led to, and both break together.
    """

    def __init__(self) -> None:
        self._server: asyncio.Server | None = None
        self._passing: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self.shut = False
        """Whoever comes is sent away."""
        self.url = ""

    def cut(self) -> None:
        """Every connection there is breaks, without a word."""
        for writer in list(self._writers):
            writer.transport.abort()

    # -- what each has of its own -------------------------------------------

    @abstractmethod
    def url_at(self, port: int) -> str:
        """How it is reached there."""

    @abstractmethod
    async def led_to(self) -> Ends:
        """A connection to the server. Raises OSError when nobody takes it."""

    async def bring_back(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        """Carry what the server says."""
        await carry(source, target)

    # -- what they share ----------------------------------------------------

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._pass, "127.0.0.1", 0)
        self.url = self.url_at(self._server.sockets[0].getsockname()[1])
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        self.shut = True
        while self._passing:
            self.cut()
            await asyncio.wait(self._passing, timeout=0.1)

    async def _pass(self, client_in: asyncio.StreamReader, client_out: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._passing.add(task)
        writers = {client_out}
        self._writers |= writers
        try:
            if self.shut:
                return
            server_in, server_out = await self.led_to()
            writers.add(server_out)
            self._writers |= writers
            ways = (
                asyncio.ensure_future(carry(client_in, server_out)),
                asyncio.ensure_future(self.bring_back(server_in, client_out)),
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


async def carry(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    while data := await source.read(_CHUNK_BYTES):
        target.write(data)
        await target.drain()
