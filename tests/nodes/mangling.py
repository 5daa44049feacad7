"""A way from a NATS server to one node on which messages are lost, doubled, late and out of order.

It knows of the client protocol of NATS just where one message ends: `MSG SUBJECT SID [REPLY] BYTES`, a line,
and then so many bytes and a line's end.
"""

import asyncio
import random
from urllib.parse import urlsplit, urlunsplit

from .passage import Ends, Passage, carry

LOST = 0.1
DOUBLED = 0.1
HELD = 0.3
LONGEST_HOLD_SECONDS = 0.05


class Mangling(Passage):
    """`url` is the node's end."""

    def __init__(self, server_url: str, seed: int, *, spoils: bool = True) -> None:
        """Without `spoils` it carries all as it is, from any server."""
        super().__init__()
        self._to = urlsplit(server_url)
        self._chance = random.Random(seed)
        self._spoils = spoils
        self.lost = self.doubled = self.held = 0

    def close(self) -> None:
        self.shut = True
        self.cut()

    def opens(self) -> None:
        self.shut = False

    def url_at(self, port: int) -> str:
        user = self._to.netloc.rpartition("@")[0]
        return urlunsplit(self._to._replace(netloc=f"{user}@127.0.0.1:{port}"))

    async def led_to(self) -> Ends:
        return await asyncio.open_connection(self._to.hostname, self._to.port)

    async def bring_back(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        if not self._spoils:
            await carry(source, target)
            return
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
