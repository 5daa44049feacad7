"""A new event handed to everyone at the head of a room."""

import asyncio
from itertools import count

import pytest

from hubbub.hub import Hub
from hubbub.protocol.framing import WebSocketFraming
from micro.events import ROOM, event

FRAMING = WebSocketFraming()


class Nothing:
    """A store in which nothing was ever said."""

    async def head(self, log):
        return 0


class Reader:
    __slots__ = ("last", "paused", "subscriptions")
    framing = FRAMING

    def __init__(self):
        self.paused = False
        self.subscriptions = ()
        self.last = b""

    def write(self, data):
        self.last = data


async def crowded(readers):
    hub = Hub(Nothing())
    for reader in readers:
        hub.start(await hub.open(reader, ROOM, None))
    return hub


@pytest.mark.parametrize("size", [100, 10_000])
def test_flush(benchmark, size):
    readers = [Reader() for _ in range(size)]
    hub = asyncio.run(crowded(readers))
    seqs = count(1)

    def say():
        hub.publish(event(next(seqs)))
        hub.flush()

    benchmark(say)
    assert all(reader.last is readers[0].last for reader in readers)
