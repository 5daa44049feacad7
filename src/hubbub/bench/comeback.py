"""Clients that lose their connection amid a load and open another at once, at the next node of the server, as
clients do that know more than one."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Self

from hubbub.bench.connections import Client
from hubbub.bench.histogram import Histogram

if TYPE_CHECKING:
    from hubbub.bench.worker import Worker

AT_ONCE = 128
"""Connections of one process that are opened at the same time."""

PATIENCE_SECONDS = 30.0
"""How long each tries, and how long is waited for the last of them when the load is over."""

LOOK_SECONDS = 0.005
"""Between two looks at whether a connection was lost."""


class Comeback:
    """Use as an async context manager. When it is left all who were at the node that is killed are back, or
    were given up.

    Always true: `count` clients had lost their connection and listen again, since `last_ns` all of them.
    """

    def __init__(self, worker: Worker, returns: Histogram, killed: int | None) -> None:
        """`returns` is told how long each was away; `killed` is which node."""
        self._worker = worker
        self._returns = returns
        self._turn = asyncio.Semaphore(AT_ONCE)
        self._seen_lost = worker.hearing.lost_connections
        self._looking: asyncio.Task[None] | None = None
        self._coming: dict[Client, asyncio.Task[None]] = {}
        self._leaving = sum(client.node == killed for client in (*worker.readers, *worker.posters))
        self.count = 0
        self.last_ns = 0

    async def __aenter__(self) -> Self:
        self._looking = asyncio.create_task(self._look())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._looking is not None
        with suppress(TimeoutError):  # who is not back is missing something at the end
            async with asyncio.timeout(PATIENCE_SECONDS):
                while self.count < self._leaving or self._coming:  # noqa: ASYNC110
                    await asyncio.sleep(LOOK_SECONDS)
        self._looking.cancel()

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if self._worker.hearing.lost_connections != self._seen_lost:
                self._bring_back()

    def _bring_back(self) -> None:
        self._seen_lost = self._worker.hearing.lost_connections
        lost_ns = time.monotonic_ns()
        for client in (*self._worker.readers, *self._worker.posters):
            if client.connection is None and client not in self._coming:
                task = asyncio.get_running_loop().create_task(self._return(client, lost_ns))
                self._coming[client] = task
                task.add_done_callback(partial(self._arrived, client))

    async def _return(self, client: Client, lost_ns: int) -> None:
        client.node += 1
        client.node %= self._worker.nodes
        with suppress(TimeoutError):
            async with self._turn, asyncio.timeout(PATIENCE_SECONDS):
                await self._worker.open_at_last(client)
            self.count += 1
            self.last_ns = time.monotonic_ns()
            self._returns.add((self.last_ns - lost_ns) // 1000)

    def _arrived(self, client: Client, done: asyncio.Task[None]) -> None:
        del self._coming[client]
        if not self._coming:
            self._worker.repeat()
