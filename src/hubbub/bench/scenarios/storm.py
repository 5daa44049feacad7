"""The server is killed amid posts and started again, and everybody comes back at once.

Before that the readers lose their connections and posting goes on for a while, so that everybody has
something to catch up with. Posts that were not answered when the server died are sent again under their keys.

Of a cluster one node is killed, and its clients go on at the others: see `losing`.
"""

import asyncio
import time

from hubbub.bench.orders import Done, Load, Loaded, Part, Repeat
from hubbub.bench.outcome import Outcome
from hubbub.bench.pacing import NANOSECONDS
from hubbub.bench.scenarios.losing import lose_a_node
from hubbub.bench.seats import one_room_each, posters_beside
from hubbub.bench.server import ServerFailed
from hubbub.bench.stage import Stage

ALIVE_SHARE = 0.75
"""How far into the posting without readers the server is killed."""


async def storm(stage: Stage) -> Outcome:
    """Raises ServerFailed for a server that is not this run's own to kill."""
    if stage.cluster is not None:
        return await lose_a_node(stage, stage.cluster)
    asked, own = stage.asked, stage.own
    if own is None:
        raise ServerFailed("storm kills the server, so it starts one itself: leave out --url")
    readers = one_room_each(stage.people, asked.clients, asked.rooms, stage.host)
    posters = posters_beside(stage.people, readers, stage.host)
    async with await stage.fleet(readers, posters) as fleet:
        connect_seconds = await stage.connect(fleet)
        load = await stage.load(fleet, asked.rates[0])
        await fleet.ask(Part(), Done)

        stage.screen.step("posting to nobody, then killing the server")
        now_ns = time.monotonic_ns()
        order = Load(
            start_ns=now_ns,
            per_second=asked.rates[0],
            seconds=asked.seconds,
            measure_from_ns=now_ns + int(asked.seconds * NANOSECONDS),  # nothing of it is measured
        )
        posting = asyncio.create_task(fleet.ask(order, Loaded))
        await asyncio.sleep(asked.seconds * ALIVE_SHARE)
        await own.kill()
        await posting

        stage.screen.step("starting it again")
        killed_at = time.monotonic()
        await own.start()
        accepting_at = time.monotonic()
        await stage.connect(fleet, at_once=len(readers) + len(posters), persistent=True)
        connected_at = time.monotonic()
        repeated = await fleet.ask(Repeat(), Done)
        await stage.settle(fleet)
        caught_up_at = time.monotonic()
        verdict = stage.judge(await fleet.tell())
    cut, verdict.lost_connections = verdict.lost_connections, 0  # it was for this that the server was killed
    facts = {
        "connect_seconds": connect_seconds,
        "accepting_again_after_seconds": accepting_at - killed_at,
        "all_connected_seconds_later": connected_at - accepting_at,
        "all_caught_up_seconds_later": caught_up_at - accepting_at,
        "connections_cut_by_the_kill": cut,
        "posts_sent_again": sum(each.count for each in repeated),
    }
    return Outcome(loads=[load], verdict=verdict, facts=facts)
