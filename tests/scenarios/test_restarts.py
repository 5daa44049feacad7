"""What was acknowledged is there after the server was killed, and every reader goes on where it was.

Under load, and at every moment: tests/faults.
"""

import asyncio
import contextlib

import pytest

from hubbub.client import Client, ConnectionLost, SignedOut, Socket
from hubbub.protocol.frames import Bye
from support.deadline import deadline
from support.process import Process
from support.seeded import token_of

# The server runs on both loops, as a process of its own; who talks to it need not.
pytestmark = pytest.mark.asyncio(loop_factories=["asyncio"])

TRANSPORTS = ("ws", "sse", "ndjson")


def _soon(seconds):
    """A client's waits, made short: the server is back when the test says so."""
    return asyncio.sleep(min(seconds, 0.05))


@pytest.fixture(params=["uvloop", "asyncio"])
async def server(request, data):
    if request.param == "uvloop":
        pytest.importorskip("uvloop")
    async with Process(data, "--loop", request.param) as process:
        yield process


def _client(server, name):
    return Client(server.url, token=token_of(name), sleep=_soon, patience_seconds=60.0)


async def test_a_post_whose_answer_was_lost_with_the_server_is_stored_once(server):
    async with _client(server, "ada") as ada, _client(server, "bob") as bob:
        room = await ada.create_room("Lounge")
        socket = await ada.socket()
        posting = [asyncio.ensure_future(socket.post(str(n), room=room.id, key=str(n))) for n in range(50)]
        await posting[0]
        await server.kill()
        outcomes = await asyncio.gather(*posting, return_exceptions=True)
        await socket.close()
        await server.start()
        again = [await ada.post(str(n), room=room, key=str(n)) for n in range(50)]
        stored = [event async for event in bob.history(room, after=0)]
    assert sorted(event.key for event in stored) == sorted(map(str, range(50)))
    for first, second in zip(outcomes, again, strict=True):
        assert isinstance(first, Exception) or first.seq == second.seq


async def test_asked_to_stop_it_says_good_bye_and_when_to_come_back(server):
    async with _client(server, "ada") as ada:
        room = await ada.create_room("Lounge")
        async with contextlib.AsyncExitStack() as stack:
            sockets = [await stack.enter_async_context(await ada.socket()) for _ in range(10)]
            for socket in sockets:
                await socket.subscribe(room.id)
            assert await server.terminate() == 0
            byes = []
            async with deadline():
                for socket in sockets:
                    byes.append(await anext(socket))
                    with pytest.raises(ConnectionLost) as closed:
                        await anext(socket)
                    assert closed.value.close_code in (1001, 1012)
        assert {type(bye) for bye in byes} == {Bye}
        assert {bye.reason for bye in byes} == {"shutting-down"}
        waits = [bye.retry_after for bye in byes]
        assert all(0 < wait < 10 for wait in waits)
        assert len(set(waits)) > 1


async def test_after_a_stop_readers_come_back_by_themselves_and_miss_nothing(server):
    async with _client(server, "ada") as ada, contextlib.AsyncExitStack() as stack:
        room = await ada.create_room("Lounge")
        ears = [await stack.enter_async_context(ada.subscribe(room, transport=kind)) for kind in TRANSPORTS]
        await ada.post("before", room=room)
        assert await server.terminate() == 0
        await server.start()
        await ada.post("after", room=room)
        async with deadline():
            for ear in ears:
                assert [(await anext(ear)).text for _ in range(2)] == ["before", "after"]
                assert ear.connections == 2
                assert ear.repeats == 0


async def test_a_stop_does_not_wait_for_long_polls_or_readers_who_do_not_read(server):
    async with _client(server, "ada") as ada:
        room = await ada.create_room("Lounge")
        polling = asyncio.ensure_future(ada.page(room, after=0, wait_seconds=60))
        socket = await ada.socket()
        await socket.subscribe(room.id)
        async with deadline():  # a third of what the poll may take
            assert await server.terminate() == 0
        await server.start()
        await ada.post("back again", room=room)
        async with deadline():
            assert [event.text for event in await polling] == ["back again"]
        await socket.close()


async def test_who_was_signed_in_still_is_and_who_signed_out_is_not(server):
    async with _client(server, "ada") as ada, _client(server, "bob") as bob:
        room = await ada.create_room("Lounge")
        await bob.sign_out()
        await server.kill()
        await server.start()
        await ada.post("still me", room=room)
    with pytest.raises(SignedOut):
        await Socket.open(f"ws{server.url.removeprefix('http')}/ws", token_of("bob"))
