"""A node of a cluster is killed under its clients: they go to the others at once and resume where they stood.

Posting goes on all the while. Posts that were not answered are sent again under their keys.
"""

import asyncio
import time

from hubbub.bench.clustered import OwnCluster
from hubbub.bench.outcome import Outcome
from hubbub.bench.pacing import NANOSECONDS
from hubbub.bench.seats import one_room_each, posters_beside
from hubbub.bench.stage import Stage

KILLED_AFTER_SHARE = 0.25
"""How far into the load: the rest of it is for coming back."""


async def lose_a_node(stage: Stage, cluster: OwnCluster) -> Outcome:
    """Raises ServerFailed."""
    asked = stage.asked
    readers = one_room_each(stage.people, asked.clients, asked.rooms, stage.host)
    posters = posters_beside(stage.people, readers, stage.host)
    async with await stage.fleet(readers, posters) as fleet:
        connect_seconds = await stage.connect(fleet)
        whole = await stage.load(fleet, asked.rates[0], name="all nodes")
        killing = asyncio.create_task(_kill_amid(cluster, asked.seconds))
        last = len(cluster.addresses) - 1
        lessened = await stage.load(fleet, asked.rates[0], name="one is killed", loses_node=last)
        name, killed_ns = await killing
        verdict = stage.judge(await fleet.tell())
    await cluster.start_it_again()
    cut, verdict.lost_connections = verdict.lost_connections, 0  # it was for this that the node was killed
    facts = {
        "connect_seconds": connect_seconds,
        "killed": name,
        "connections_cut_by_the_kill": cut,
        "came_back": lessened.return_ms.count,
        "all_resumed_after_seconds": (stage.last_back_ns - killed_ns) / NANOSECONDS
        if stage.last_back_ns
        else None,
    }
    return Outcome(loads=[whole, lessened], verdict=verdict, facts=facts)


async def _kill_amid(cluster: OwnCluster, seconds: float) -> tuple[str, int]:
    """Which node, and when, of CLOCK_MONOTONIC."""
    await asyncio.sleep(seconds * KILLED_AFTER_SHARE)
    killed_ns = time.monotonic_ns()
    return await cluster.kill_a_node(), killed_ns
