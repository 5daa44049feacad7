"""One NATS for all tests of a process. It keeps nothing, so nothing has to be cleared away between them."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hubbub.cluster import programs
from hubbub.cluster.nats import Nats
from support.postgres import Aside


class Bus:
    """The NATS of this process."""

    def __init__(self, server: Nats, aside: Aside) -> None:
        self._server = server
        self._aside = aside

    @property
    def url(self) -> str:
        return self._server.url

    async def kill(self) -> None:
        await asyncio.to_thread(self._aside.run, self._server.kill())

    async def start(self) -> None:
        """On the same port."""
        await asyncio.to_thread(self._aside.run, self._server.start())

    def freeze(self) -> None:
        """Connections to it stay, and nothing comes through them."""
        self._server.freeze()

    def thaw(self) -> None:
        self._server.thaw()


@contextmanager
def serving_nats(directory: Path) -> Iterator[Bus]:
    """Raises `hubbub.cluster.errors.Missing` where there is no nats-server."""
    programs.program("nats-server", package="nats-server")
    aside = Aside()
    server = Nats(directory)
    try:
        aside.run(server.start())
        try:
            yield Bus(server, aside)
        finally:
            aside.run(server.kill())
    finally:
        aside.close()
