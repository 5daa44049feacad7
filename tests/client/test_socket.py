"""The socket at a lower level: what becomes of requests when the connection ends."""

import asyncio
import gc

import pytest

from hubbub.client import ConnectionLost, Socket


class Breaking:
    """A wire that breaks while something is being sent."""

    def __init__(self) -> None:
        self._broken = asyncio.Event()

    async def send(self, request) -> None:
        self._broken.set()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        raise ConnectionLost("broke")

    async def receive(self):
        await self._broken.wait()
        raise ConnectionLost("broke")

    async def close(self) -> None:
        pass


async def test_an_end_that_a_request_was_told_of_by_sending_is_not_told_again():
    """As an error nobody has asked for, when its future is collected."""
    complaints = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: complaints.append(context))
    async with Socket(Breaking()) as socket:
        with pytest.raises(ConnectionLost):
            await socket.post("hello", room="r")
    gc.collect()
    assert complaints == []
