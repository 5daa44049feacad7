"""Readers on a bad line: they take so many bytes a second out of their socket, and no more.

The kernel would buffer megabytes for them, so their receive buffer is made small; then the server's side
fills up, as it does when a phone loses its network.
"""

import asyncio
import os
import socket
from collections.abc import Sequence
from contextlib import suppress
from typing import cast

from hubbub.bench.connections import Client, Listening
from hubbub.bench.orders import Slow

BUFFER_BYTES = 4096
TURNS_PER_SECOND = 4


class Slowness:
    """Always true: those in `_slow` are not read from by the loop."""

    def __init__(self) -> None:
        self._slow: list[Client] = []
        self._dripping: asyncio.Task[None] | None = None

    def impose(self, order: Slow, readers: Sequence[Client]) -> int:
        """Make some of the readers slow, or let all of them go on; how many."""
        if not order.bytes_per_second:
            return self._relent()
        each = max(1, round(1 / order.share))
        self._slow = list(readers[::each])
        for client in self._slow:
            client.slow = True
            listening = cast(Listening, client.connection)
            listening.hear_quietly()
            listening.transport.pause_reading()
            _shrink(_descriptor(listening))
        self._dripping = asyncio.get_running_loop().create_task(self._drip(order.bytes_per_second))
        return len(self._slow)

    def _relent(self) -> int:
        if self._dripping is not None:
            self._dripping.cancel()
        slow, self._slow = self._slow, []
        for client in slow:
            if isinstance(client.connection, Listening):
                client.connection.transport.resume_reading()
        return len(slow)

    async def _drip(self, bytes_per_second: int) -> None:
        while True:
            await asyncio.sleep(1 / TURNS_PER_SECOND)
            for client in self._slow:
                if isinstance(client.connection, Listening):
                    _read(client.connection, bytes_per_second // TURNS_PER_SECOND)


def _descriptor(listening: Listening) -> int:
    return int(listening.transport.get_extra_info("socket").fileno())


def _shrink(descriptor: int) -> None:
    with socket.socket(fileno=os.dup(descriptor)) as same:
        same.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)


def _read(listening: Listening, size_bytes: int) -> None:
    with suppress(BlockingIOError, ConnectionError):
        data = os.read(_descriptor(listening), size_bytes)
        if data:
            listening.data_received(data)
