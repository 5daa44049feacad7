"""One address for several servers: what a balancer is, and no more."""

import asyncio
from collections.abc import Sequence
from typing import Protocol
from urllib.parse import urlsplit

from .passage import Ends, Passage


class Server(Protocol):
    url: str


class Door(Passage):
    """A new connection goes to the next server that takes one."""

    def __init__(self, servers: Sequence[Server]) -> None:
        super().__init__()
        self._servers = servers
        self._next = 0
        self.closed: set[int] = set()
        """Servers that nobody new is led to."""

    def url_at(self, port: int) -> str:
        return f"http://127.0.0.1:{port}"

    async def led_to(self) -> Ends:
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
