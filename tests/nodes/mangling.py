"""A way from a NATS server to one node on which messages are lost, doubled, late and out of order.

It knows of the client protocol of NATS just where one message ends: `MSG SUBJECT SID [REPLY] BYTES`, a line,
and then so many bytes and a line's end.
"""

import asyncio
import random
from typing import Self
from urllib.parse import urlsplit, urlunsplit

LOST = 0.1
DOUBLED = 0.1
HELD = 0.3
LONGEST_HOLD_SECONDS = 0.05


class Mangling:
    """Use as an async context manager; `url` is the node's end. `shut` makes it lead nowhere."""

    def __init__(self, server_url: str, seed: int, *, spoils: bool = True) -> None:
        """Without `spoils` it carries all as it is, from any server."""
        self._to = urlsplit(server_url)
        self._chance = random.Random(seed)
        self._spoils = spoils
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self.shut = False
        self.url = ""
        self.lost = self.doubled = self.held = 0

    def close(self) -> None:
        self.shut = True
        self.cut()

    def opens(self) -> None:
        self.shut = False

    def cut(self) -> None:
        for writer in list(self._writers):
            writer.transport.abort()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._pass, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        user = self._to.netloc.rpartition("@")[0]
        self.url = urlunsplit(self._to._replace(netloc=f"{user}@127.0.0.1:{port}"))
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        self.shut = True
        while self._tasks:
            self.cut()
            await asyncio.wait(self._tasks, timeout=0.1)

    async def _pass(self, node_in: asyncio.StreamReader, node_out: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        writers = {node_out}
        try:
            if self.shut:
                return
            server_in, server_out = await asyncio.open_connection(self._to.hostname, self._to.port)
            writers.add(server_out)
            self._writers |= writers
            ways = (
                asyncio.ensure_future(_carry(node_in, server_out)),
                asyncio.ensure_future((self._mangle if self._spoils else _carry)(server_in, node_out)),
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
            self._tasks.discard(task)

    async def _mangle(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        while line := await source.readline():
            if not line.startswith(b"MSG "):
                target.write(line)
                continue
            message = line + await source.readexactly(int(line.split()[-1]) + 2)
            chance = self._chance
            if chance.random() < LOST:
                self.lost += 1
                continue
            copies = 2 if chance.random() < DOUBLED else 1
            self.doubled += copies - 1
            for _ in range(copies):
                if chance.random() < HELD:
                    self.held += 1
                    loop.call_later(chance.random() * LONGEST_HOLD_SECONDS, _write, target, message)
                else:
                    target.write(message)


def _write(target: asyncio.StreamWriter, message: bytes) -> None:
    if not target.transport.is_closing():
        target.write(message)


async def _carry(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    while data := await source.read(64 * 1024):
        target.write(data)
        await target.drain()
