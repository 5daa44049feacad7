"""Rooms of equal size, everybody in one of them, posts from all of them."""

from hubbub.bench.outcome import Outcome
from hubbub.bench.seats import one_room_each
from hubbub.bench.stage import Stage
from hubbub.bench.verdict import judge


async def fanout(stage: Stage) -> Outcome:
    asked = stage.asked
    readers = one_room_each(stage.people, asked.clients, asked.rooms, stage.host)
    async with await stage.fleet(readers) as fleet:
        connect_seconds = await stage.connect(fleet)
        loads = [await stage.load(fleet, rate) for rate in asked.rates]
        verdict = judge(stage.run, await fleet.tell())
    return Outcome(loads=loads, verdict=verdict, facts={"connect_seconds": connect_seconds})


async def room(stage: Stage) -> Outcome:
    """One room with everybody in it."""
    return await fanout(stage)
