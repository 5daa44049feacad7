"""What one connection owes the subscription above it."""

import asyncio

import pytest

from hubbub.client.lines import WebSocketLine
from hubbub.client.places import Places
from hubbub.protocol.frames import Hello, Subscribed


class FullWire:
    """It has an answer to each request, and takes none after the first sixty-four."""

    hello = Hello(user="ada", epoch="e", ping_seconds=25)

    def __init__(self):
        self.asked = []

    async def send(self, request):
        if len(self.asked) == 64:
            await asyncio.get_running_loop().create_future()
        self.asked.append(request)

    async def receive(self):
        return Subscribed(room=self.asked[0].room, head=0)


async def test_a_line_that_was_given_up_amid_a_request_does_not_go_on_without_it():
    wire = FullWire()
    line = await WebSocketLine.open(wire, Places({f"room-{n}": None for n in range(65)}))
    assert line.survives_cancel
    receiving = asyncio.ensure_future(line.receive())
    await asyncio.sleep(0)
    receiving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await receiving
    assert not line.survives_cancel
