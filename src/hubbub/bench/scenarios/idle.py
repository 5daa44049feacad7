"""Connections that are signed in, subscribed and silent: the memory and the CPU of each."""

import asyncio

from hubbub.bench.outcome import Outcome
from hubbub.bench.seats import one_room_each
from hubbub.bench.server import ServerFailed
from hubbub.bench.stage import Stage

SETTLE_SECONDS = 2.0
"""After connecting, until the server has finished what that left to do."""


async def idle(stage: Stage) -> Outcome:
    """Raises ServerFailed when nobody said which process the server is."""
    asked = stage.asked
    readers = one_room_each(stage.people, asked.clients, asked.rooms, stage.host)
    async with await stage.fleet(readers) as fleet:
        before = stage.memory()
        if before is None:
            raise ServerFailed("idle measures a process: say which with --server-pid")
        connect_seconds = await stage.connect(fleet)
        await asyncio.sleep(SETTLE_SECONDS)
        after = stage.memory()
        stage.screen.step("idle")
        begun = stage.server_cpu_seconds()
        await asyncio.sleep(asked.seconds)
        ended = stage.server_cpu_seconds()
        later = stage.memory()
        verdict = stage.judge(await fleet.tell())
    if after is None or later is None or begun is None or ended is None:
        raise ServerFailed("the server's process is gone")
    facts = {
        "connect_seconds": connect_seconds,
        "rss_before_bytes": before.rss,
        "rss_after_bytes": after.rss,
        "rss_bytes_a_connection": (after.rss - before.rss) / asked.clients,
        "pss_bytes_a_connection": (after.pss - before.pss) / asked.clients,
        "uss_bytes_a_connection": (after.uss - before.uss) / asked.clients,
        "rss_bytes_a_connection_after_the_idle_time": (later.rss - before.rss) / asked.clients,
        "server_cpu_cores": (ended - begun) / asked.seconds,
        "server_cpu_microseconds_a_connection_and_second": (
            (ended - begun) / asked.seconds / asked.clients * 1e6
        ),
    }
    return Outcome(loads=[], verdict=verdict, facts=facts)
