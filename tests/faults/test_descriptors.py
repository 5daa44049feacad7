"""The server has no descriptor left: it serves whoever is connected, and everybody again when there are some.

Its database needs none while it runs: what it has open stays open, and a checkpoint opens nothing.
"""

import asyncio
import os
from contextlib import suppress

import pytest

from faults.crowd import client_of
from hubbub.bench.machine import cpu_seconds
from hubbub.check import Wish, Witness, broken, resources, stored
from support.deadline import deadline
from support.process import Process

LIMIT = 48
FLOOD = 150

LAUNCHER = (
    "-c",
    "import resource, sys; "
    f"resource.setrlimit(resource.RLIMIT_NOFILE, ({LIMIT}, {LIMIT})); "
    "from hubbub.storage.sqlite import database; database.CHECKPOINT_PAGES = 8; "
    "from hubbub.cli import main; sys.exit(main())",
)


@pytest.fixture(params=["uvloop", "asyncio"])
async def server(request, quick_data):
    if request.param == "uvloop":
        pytest.importorskip("uvloop")
    async with Process(quick_data, "--loop", request.param, program=LAUNCHER) as process:
        yield process


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="descriptors are counted in /proc")
async def test_without_a_descriptor_left_it_serves_those_who_are_there_and_later_everybody(server):
    async with client_of(server.url, "ada") as client, client_of(server.url, "bob") as other, deadline(60):
        ada, bob = Witness("ada", client), Witness("bob", other)
        room = (await client.create_room("Lounge")).id
        listening = [
            asyncio.create_task(ada.listen("ws", [room])),
            asyncio.create_task(ada.listen("sse", [room], transport="sse")),
        ]
        socket = await client.socket()
        numbers = iter(range(10_000))

        async def post():
            key = f"k{next(numbers)}"
            ada.ledger.posts(key, key + "x" * 2000, room=room)
            told = await socket.post(key + "x" * 2000, room=room, key=key)
            ada.ledger.acknowledged(key, told.seq, told.id)
            await ada.progress.until(
                lambda: (
                    len(ada.ledger.readings) == 2
                    and all((r.stands_at or 0) >= told.seq for r in ada.ledger.readings.values())
                )
            )

        await post()
        before = await resources(pid=server.pid)
        port = int(server.url.rpartition(":")[2])
        flood = []
        for _ in range(FLOOD):
            with suppress(OSError):
                flood.append(await asyncio.open_connection("127.0.0.1", port))

        async def exhausted():
            while (await resources(pid=server.pid)).descriptors < LIMIT - 1:
                await post()

        await exhausted()
        used, begun = cpu_seconds(server.pid), asyncio.get_running_loop().time()
        for _ in range(100):
            await post()  # commits, and checkpoints, with nothing to open
        while asyncio.get_running_loop().time() < begun + 1.5:
            await asyncio.sleep(0.1)  # as long as it takes to see whether it spins
        assert cpu_seconds(server.pid) - used < 0.7 * (asyncio.get_running_loop().time() - begun)

        for _, writer in flood:
            writer.close()
        await bob.post(Wish(key="b", text="I was waiting outside", room=room))
        await post()
        while (await resources(pid=server.pid)).descriptors > before.descriptors + 1:  # bob's is one more
            await post()
        for task in listening:
            task.cancel()
        await asyncio.gather(*listening, return_exceptions=True)
        await socket.close()
        assert broken([ada.ledger, bob.ledger], await stored([ada, bob], [room])) == []
