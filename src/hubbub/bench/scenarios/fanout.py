"""Rooms of equal size, everybody in one of them, posts from all of them."""

from hubbub.bench.outcome import Outcome
from hubbub.bench.seats import Seat, one_room_each, posters_beside
from hubbub.bench.stage import Stage


async def fanout(stage: Stage) -> Outcome:
    readers, posters = seats(stage)
    async with await stage.fleet(readers, posters) as fleet:
        connect_seconds = await stage.connect(fleet)
        loads = [await stage.load(fleet, rate) for rate in stage.asked.rates]
        verdict = stage.judge(await fleet.tell())
    return Outcome(loads=loads, verdict=verdict, facts={"connect_seconds": connect_seconds})


def seats(stage: Stage) -> tuple[list[Seat], list[Seat]]:
    """Who reads and who posts. One who listens over HTTP cannot post on the same connection: then some
    others do."""
    asked = stage.asked
    readers = one_room_each(stage.people, asked.clients, asked.rooms, stage.host)
    posters = [] if asked.transport == "ws" else posters_beside(stage.people, readers, stage.host)
    return readers, posters
