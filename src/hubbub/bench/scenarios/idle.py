"""Connections that are signed in, subscribed and silent: the memory and the CPU of each; and how soon all of
them are reached when somebody says something in every room at last."""

import asyncio

from hubbub.bench import usage
from hubbub.bench.figures import latency
from hubbub.bench.histogram import merged
from hubbub.bench.orders import Done, Reach, Take, Taken
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
        before = usage.memory(stage.server)
        if before is None:
            raise ServerFailed("idle measures a process: say which with --server-pid")
        connect_seconds = await stage.connect(fleet)
        await asyncio.sleep(SETTLE_SECONDS)
        after = usage.memory(stage.server)
        stage.screen.step("idle")
        begun = sum(usage.cpu_seconds(stage.server).values())
        await asyncio.sleep(asked.seconds)
        ended = sum(usage.cpu_seconds(stage.server).values())
        later = usage.memory(stage.server)
        stage.screen.step("saying something in every room")
        await fleet.ask(Reach(), Done)
        await stage.settle(fleet)
        reached = latency(merged([each.deliveries for each in await fleet.ask(Take(), Taken)]))
        verdict = stage.judge(await fleet.tell())
    if after is None or later is None:
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
        "connections": asked.clients,
        "connections_reached": sum(at.last > at.began for each in stage.judged for at in each.standings),
        "reached_p50_ms": reached.p50,
        "reached_p99_ms": reached.p99,
        "all_reached_after_ms": reached.longest,
    }
    return Outcome(loads=[], verdict=verdict, facts=facts)
