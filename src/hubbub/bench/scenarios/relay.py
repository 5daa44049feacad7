"""Everybody who posts is on one node of a cluster, and everybody who reads on the others: every delivery has
come over the bus."""

from hubbub.bench.outcome import Outcome
from hubbub.bench.seats import one_room_each, posters_beside
from hubbub.bench.stage import Stage


async def relay(stage: Stage) -> Outcome:
    asked = stage.asked
    readers = one_room_each(stage.people, asked.clients, asked.rooms, stage.host)
    posters = posters_beside(stage.people, readers, stage.host)
    async with await stage.fleet(readers, posters, apart=True) as fleet:
        connect_seconds = await stage.connect(fleet)
        loads = [await stage.load(fleet, rate) for rate in asked.rates]
        verdict = stage.judge(await fleet.tell())
    return Outcome(loads=loads, verdict=verdict, facts={"connect_seconds": connect_seconds})
