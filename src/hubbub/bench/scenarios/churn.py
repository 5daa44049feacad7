"""Readers go away and come back all the time, a tenth of them each second, while others post."""

from hubbub.bench.outcome import Outcome
from hubbub.bench.seats import one_room_each, posters_beside
from hubbub.bench.stage import Stage

SHARE_PER_SECOND = 0.1


async def churn(stage: Stage) -> Outcome:
    asked = stage.asked
    readers = one_room_each(stage.people, asked.clients, asked.rooms, stage.host)
    posters = posters_beside(stage.people, readers, stage.host)
    returns_per_second = max(1.0, asked.clients * SHARE_PER_SECOND)
    async with await stage.fleet(readers, posters) as fleet:
        connect_seconds = await stage.connect(fleet)
        loads = [await stage.load(fleet, rate, returns_per_second=returns_per_second) for rate in asked.rates]
        verdict = stage.judge(await fleet.tell())
    facts = {"connect_seconds": connect_seconds, "returns_per_second": returns_per_second}
    return Outcome(loads=loads, verdict=verdict, facts=facts)
