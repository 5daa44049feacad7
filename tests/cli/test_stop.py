"""How a server ends: asked to, forced to, or because its store broke."""

import asyncio
import signal
from pathlib import Path

import httpx2
import pytest
import websockets

from hubbub.client import Client
from support.deadline import deadline
from support.seeded import token_of

from .commands import hubbub, serving

LOOPS = ("auto", "asyncio")
SIGNED_IN = {"Authorization": f"Bearer {token_of('ada')}"}


def raw(url: str) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(base_url=url, headers=SIGNED_IN, trust_env=False, timeout=None)


async def the_room(url: str) -> str:
    async with Client(url, token=token_of("ada")) as ada:
        return (await ada.create_room("Lounge")).id


async def ws(url: str) -> websockets.ClientConnection:
    address = url.replace("http", "ws") + "/ws"
    return await websockets.connect(address, additional_headers=SIGNED_IN, proxy=None)


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_everyone_who_listens_is_told_and_the_exit_code_is_0(data, loop, number):
    async with serving(data, "--loop", loop) as server, raw(server.url) as http, deadline():
        room = f"/room/{await the_room(server.url)}"
        socket = await ws(server.url)
        await socket.recv()

        async def last_line(accept: str, opened: asyncio.Event) -> str:
            async with http.stream("GET", room + "/subscribe", headers={"Accept": accept}) as stream:
                opened.set()
                lines = [line async for line in stream.aiter_lines() if line]
            return lines[-1]

        opened = [asyncio.Event(), asyncio.Event()]
        sse = asyncio.create_task(last_line("text/event-stream", opened[0]))
        ndjson = asyncio.create_task(last_line("application/x-ndjson", opened[1]))
        for each in opened:
            await each.wait()
        poll = asyncio.create_task(http.get(room + "/messages?after=0&wait=60"))
        await http.get(room)  # by now the poll waits

        server.signal(number)

        bye = await socket.recv()
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await socket.recv()
        told = [str(bye), await sse, await ndjson]
        answer = await poll
        ended = await server.ended()

    assert all(
        '"type":"bye"' in each and '"shutting-down"' in each and "retry_after" in each for each in told
    )
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code in (1001, 1012)
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert ended.code == 0
    assert "Traceback" not in ended.err


@pytest.mark.parametrize("loop", LOOPS)
async def test_a_second_interrupt_waits_for_nobody(data, loop):
    # All that takes its time is given so much that only the interrupt can be what ends it.
    flags = ("--loop", loop, "--stop-seconds", "600", "--body-seconds", "600")
    async with serving(data, *flags) as server, deadline():
        socket = await ws(server.url)
        await socket.recv()
        _, unfinished = await asyncio.open_connection("127.0.0.1", int(server.url.rpartition(":")[2]))
        unfinished.write(b"POST /sessions HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        await unfinished.drain()
        async with raw(server.url) as http:
            await http.get("/health/live")  # by now the request has begun
        server.signal(signal.SIGINT)
        assert '"bye"' in str(await socket.recv())

        server.signal(signal.SIGINT)
        ended = await server.ended()
        unfinished.close()

    assert ended.code == 130


async def not_ready(http: httpx2.AsyncClient) -> httpx2.Response:
    while (answer := await http.get("/health/ready")).status_code == 200:
        await asyncio.sleep(0)
    return answer


async def test_with_time_to_drain_it_is_not_ready_and_serves_on_until_it_is_told_again(data):
    async with serving(data, "--drain-seconds", "600") as server, raw(server.url) as http, deadline():
        room = f"/room/{await the_room(server.url)}/messages"
        server.signal(signal.SIGTERM)
        refused = await not_ready(http)
        posted = await http.post(room, json={"text": "somebody did not know yet"})
        socket = await ws(server.url)
        hello = await socket.recv()

        server.signal(signal.SIGTERM)
        ended = await server.ended()

    assert refused.json()["type"] == "/problems/shutting-down"
    assert posted.status_code == 201
    assert '"hello"' in str(hello)
    assert "serving on" in ended.err  # and not on the way out already, which takes a moment too
    assert ended.code == 0


async def test_when_it_has_drained_it_stops_by_itself(data):
    async with serving(data, "--drain-seconds", "0.1") as server, deadline():
        server.signal(signal.SIGINT)
        assert (await server.ended()).code == 0


async def test_while_it_drains_a_second_interrupt_waits_for_nobody(data):
    async with serving(data, "--drain-seconds", "600") as server, raw(server.url) as http, deadline():
        server.signal(signal.SIGINT)
        await not_ready(http)
        server.signal(signal.SIGINT)
        assert (await server.ended()).code == 130


async def test_what_was_acknowledged_is_there_after_a_stop_and_after_a_kill(data):
    async with serving(data) as server, Client(server.url, token=token_of("ada")) as ada, deadline():
        room = await ada.create_room("Lounge")
        await ada.post("before the stop", room=room)
        assert (await server.stops()).code == 0

    async with serving(data) as server, Client(server.url, token=token_of("ada")) as ada, deadline():
        await ada.post("before the kill", room=room)
        server.signal(signal.SIGKILL)
        assert (await server.ended()).code == -signal.SIGKILL

    async with serving(data) as server, Client(server.url, token=token_of("ada")) as ada, deadline():
        texts = [event.text async for event in ada.history(room, after=0)]

    assert texts == ["before the stop", "before the kill"]


BREAKABLE = """
import functools, pathlib, sys
sys.path.insert(0, {tests!r})
import apsw
from support.disk import Disk
from hubbub import app
from hubbub.cli import main

def break_it(kind, file):
    if kind == "sync" and pathlib.Path({flag!r}).exists():
        raise apsw.IOError("told to fail")

disk = Disk()
disk.before = break_it
app.Seams = functools.partial(app.Seams, vfs=disk.name, sync=disk.sync)
sys.exit(main())
"""


@pytest.mark.parametrize("loop", LOOPS)
async def test_when_the_store_breaks_nothing_is_acknowledged_and_the_process_ends_with_70(data, loop):
    flag = data.parent / "broken"
    tests = str(Path(__file__).parent.parent)
    program = ("-c", BREAKABLE.format(tests=tests, flag=str(flag)))
    async with serving(data, "--loop", loop, program=program) as server, raw(server.url) as http, deadline():
        room = f"/room/{await the_room(server.url)}/messages"
        socket = await ws(server.url)
        await socket.recv()
        assert (await http.post(room, json={"text": "kept"})).status_code == 201

        flag.touch()
        refused = await http.post(room, json={"text": "who knows"})
        bye = str(await socket.recv())
        ended = await server.ended()

    assert refused.status_code == 503
    assert refused.json()["type"] == "/problems/storage-failed"
    assert '"bye"' in bye
    assert ended.code == 70
    assert "the store broke" in ended.err

    async with serving(data) as again, raw(again.url) as http, deadline():
        texts = [each["text"] for each in (await http.get(room)).json()]
    assert texts[0] == "kept"  # of what was not acknowledged nothing is said: a failed sync may have worked


async def test_a_stopped_server_leaves_its_directory_to_the_next(data):
    async with serving(data) as server:
        await server.stops()

    assert (await hubbub("user", "sessions", "ada", "--data", data, cwd=data.parent)).code == 0
    async with serving(data) as server:
        assert (await server.stops()).code == 0
