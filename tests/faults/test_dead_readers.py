"""Readers who never read, on every transport: they cost a bounded amount of memory, and nobody else anything.

That slow ones get everything in the end is played in tests/scenarios/test_slow_readers.py.
"""

import asyncio
import os

import pytest

from faults.crowd import TRANSPORTS, client_of
from hubbub.check import Progress, Wish, Witness, at_rest, broken, resources, stored
from hubbub.domain.ids import room_log
from support.deadline import deadline
from support.process import Process
from support.road import Road

EACH = 5
"""Dead readers on each transport."""
POSTS = 500
TEXT = "x" * 16_000
"""So that more is posted for each than the kernel takes for all of them."""
MEMORY_BOUND_BYTES = 24 << 20
"""Some of what was posted is in SQLite's cache, some in the ring of the room. If the server queued for the
dead readers it would hold five times as much for them."""


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="memory is read in /proc")
async def test_readers_who_never_read_cost_little_and_get_everything_when_they_do(quick_data):
    progress = Progress()
    # On asyncio's own loop: uvloop lets all sockets share one copy of what waits, and asyncio makes one each.
    async with (
        Process(quick_data, "--loop", "asyncio", metrics=True) as server,
        Road(server.url) as road,
        deadline(100),
    ):

        async def look():
            return await resources(pid=server.pid, metrics=server.metrics)

        async with client_of(server.url, "ada") as client:
            ada = Witness("ada", client, progress=progress)
            room = (await client.create_room("Lounge")).id
            await ada.post_by_socket([Wish(key=f"w{n}", text=TEXT, room=room) for n in range(100)])  # warm
        before = await look()

        async with client_of(server.url, "ada") as client, client_of(road.url, "bob") as dead:
            ada = Witness("ada", client, ledger=ada.ledger, progress=progress)
            bob = Witness("bob", dead, progress=progress)
            log = room_log(room)
            listening = [asyncio.create_task(ada.listen("alive", [room], after=100))]
            names = [f"{kind} {n}" for kind in TRANSPORTS for n in range(EACH)]
            for name in names:
                kind = name.split()[0]
                listening.append(asyncio.create_task(bob.listen(name, [room], after=100, transport=kind)))
            await ada.post(Wish(key="first", text="first", room=room))
            await progress.until(
                lambda: all(
                    (name, log) in bob.ledger.readings and bob.ledger.readings[name, log].stands_at == 101
                    for name in names
                )
            )
            road.block()
            most = 0

            def wishes():
                for number in range(POSTS):
                    yield Wish(key=f"k{number}", text=TEXT, room=room)

            posting = asyncio.create_task(ada.post_by_socket(wishes(), at_once=5))
            while not posting.done():
                most = max(most, (await look()).memory_bytes)
                await asyncio.sleep(0)
            await posting
            alive = ada.ledger.readings["alive", log]
            await progress.until(lambda: alive.stands_at == 101 + POSTS)
            assert most - before.memory_bytes < MEMORY_BOUND_BYTES
            assert len(bob.ledger.readings["ws 0", log].events) < POSTS / 2

            road.free()
            await progress.until(
                lambda: all(reading.stands_at == alive.stands_at for reading in bob.ledger.readings.values())
            )
            logs = await stored([ada], [room])
            for task in listening:
                task.cancel()
            await asyncio.gather(*listening, return_exceptions=True)
        after = await at_rest(look, before)
        faults = broken(
            [ada.ledger, bob.ledger],
            logs,
            before=before,
            after=after,
            memory_bound_bytes=MEMORY_BOUND_BYTES,
        )
        assert faults == []
