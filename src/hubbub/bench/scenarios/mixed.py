"""People as they are: a few large rooms and many small ones, some rooms each, messages to one another, and
reading back what was said.

Room number *n* is wanted by one in *n* (Zipf's law), as it is found wherever people choose among rooms.
"""

import random

from hubbub.bench.orders import Settle, Settled
from hubbub.bench.outcome import Outcome
from hubbub.bench.seats import Seat, seat
from hubbub.bench.stage import Stage

ROOMS_EACH = 3
DIRECT_SHARE = 0.2
PAGES_SHARE = 0.2
"""Pages read back for each post."""


async def mixed(stage: Stage) -> Outcome:
    asked = stage.asked
    people = seats(stage)
    async with await stage.fleet(people) as fleet:
        connect_seconds = await stage.connect(fleet)
        loads = [
            await stage.load(fleet, rate, direct_share=DIRECT_SHARE, pages_per_second=rate * PAGES_SHARE)
            for rate in asked.rates
        ]
        # An acknowledgement tells nothing of the other's inbox, so that is asked for.
        heads = await stage.heads(people)
        await fleet.ask(Settle(heads=heads, within_seconds=asked.settle_seconds), Settled)
        verdict = stage.judge(await fleet.tell())
    sizes = sorted((sum(room in each.rooms for each in people) for room in _rooms(people)), reverse=True)
    facts = {"connect_seconds": connect_seconds, "largest_room": sizes[0], "smallest_room": sizes[-1]}
    return Outcome(loads=loads, verdict=verdict, facts=facts)


def seats(stage: Stage) -> list[Seat]:
    asked = stage.asked
    chance = random.Random(asked.clients)  # noqa: S311 - the same people in every run
    rooms = [room.id for room in stage.people.rooms[: asked.rooms]]
    wanted = [1 / number for number in range(1, len(rooms) + 1)]
    return [
        seat(
            number,
            stage.people,
            stage.host,
            rooms=sorted(set(chance.choices(rooms, wanted, k=ROOMS_EACH))),
            inbox=True,
        )
        for number in range(asked.clients)
    ]


def _rooms(people: list[Seat]) -> set[str]:
    return {room for each in people for room in each.rooms}
