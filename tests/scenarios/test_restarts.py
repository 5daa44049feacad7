"""What was acknowledged is there after the server was killed, and every reader goes on where it was."""

import asyncio
import contextlib
import itertools

import pytest

from hubbub.client import Client, ConnectionLost, SignedOut, Socket
from hubbub.protocol.frames import Bye
from support.deadline import deadline
from support.ledger import Ledger
from support.process import Process
from support.seeded import token_of

# The server runs on both loops, as a process of its own; who talks to it need not.
pytestmark = pytest.mark.asyncio(loop_factories=["asyncio"])

KILLS = 4
POSTS_BETWEEN = 150
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


async def test_killed_amid_the_traffic_it_loses_nothing_that_was_acknowledged(server):
    ledger = Ledger()
    halt = asyncio.Event()
    progress = asyncio.Condition()

    async def post(name, room):
        number = 0
        async with _client(server, name) as client:
            while not halt.is_set():
                key = f"{name}-{number}"
                receipt = await client.post(f"{name} says {number}", room=room, key=key)
                ledger.acknowledge(key, receipt.seq)
                number += 1
                async with progress:
                    progress.notify_all()

    async def post_by_socket(name, room):
        """Several on their way at once; those not acknowledged when the server dies are posted again."""
        unsure, numbers = [], itertools.count()
        async with _client(server, name) as client:
            while unsure or not halt.is_set():
                await server.up.wait()
                with contextlib.suppress(ConnectionLost):
                    async with await client.socket() as socket:
                        while unsure or not halt.is_set():
                            if not halt.is_set():
                                unsure += [f"{name}-{next(numbers)}" for _ in range(20 - len(unsure))]
                            await post_all(socket, room, unsure)

    async def post_all(socket, room, unsure):
        posts = (socket.post(key, room=room.id, key=key) for key in unsure)
        outcomes = await asyncio.gather(*posts, return_exceptions=True)
        for key, outcome in zip(list(unsure), outcomes, strict=True):
            if not isinstance(outcome, Exception):
                ledger.acknowledge(key, outcome.seq)
                unsure.remove(key)
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                raise outcome

    async def read(name, room, transport):
        async with _client(server, name) as client:
            stream = client.subscribe(room, after=0, transport=transport)
            async for event in stream:
                ledger.reads(transport, event)
                if event.text == "the end":
                    assert stream.repeats == 0
                    return

    async with _client(server, "ada") as ada:
        room = await ada.create_room("Lounge")
        readers = [asyncio.create_task(read("bob", room, transport)) for transport in TRANSPORTS]
        posters = [
            asyncio.create_task(post("cyd", room)),
            asyncio.create_task(post("dan", room)),
            asyncio.create_task(post_by_socket("eve", room)),
        ]
        for _ in range(KILLS):
            goal = len(ledger.acknowledged) + POSTS_BETWEEN
            async with deadline(60), progress:
                await progress.wait_for(lambda goal=goal: len(ledger.acknowledged) >= goal)
            await server.kill()
            await server.start()
        halt.set()
        async with deadline(60):
            await asyncio.gather(*posters)
            await ada.post("the end", room=room)
            await asyncio.gather(*readers)
        ledger.check([event async for event in ada.history(room, after=0)])
    assert len(ledger.acknowledged) >= KILLS * POSTS_BETWEEN
    assert {len(events) for events in ledger.read.values()} == {ledger.read["ws"][-1].seq}


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
        async with deadline(6):
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
