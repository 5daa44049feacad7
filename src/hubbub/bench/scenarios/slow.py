"""The same load twice: all readers read, and then some of them read next to nothing.

The others must not notice, the server's memory must not grow, and once the slow ones read again they get
everything.
"""

from hubbub.bench.orders import Done, Slow
from hubbub.bench.outcome import Outcome
from hubbub.bench.seats import one_room_each, posters_beside
from hubbub.bench.stage import Stage

SHARE = 0.05
BYTES_PER_SECOND = 1024


async def slow(stage: Stage) -> Outcome:
    asked = stage.asked
    readers = one_room_each(stage.people, asked.clients, asked.rooms, stage.host)
    posters = posters_beside(stage.people, readers, stage.host)
    async with await stage.fleet(readers, posters) as fleet:
        connect_seconds = await stage.connect(fleet)
        without = await stage.load(fleet, asked.rates[0], name="all read")
        slowed = await fleet.ask(Slow(share=SHARE, bytes_per_second=BYTES_PER_SECOND), Done)
        some_slow = await stage.load(fleet, asked.rates[0], name="5 % are slow", slow_too=False)
        await fleet.ask(Slow(share=0.0, bytes_per_second=0), Done)
        await stage.settle(fleet)
        verdict = stage.judge(await fleet.tell())
    facts: dict[str, float | int | None] = {
        "connect_seconds": connect_seconds,
        "slow_readers": sum(each.count for each in slowed),
        "p99_of_the_others_against_without": (
            some_slow.delivery_ms.p99 / without.delivery_ms.p99
            if some_slow.delivery_ms.p99 and without.delivery_ms.p99
            else None
        ),
    }
    if some_slow.server_rss_bytes is not None and without.server_rss_bytes is not None:
        facts["rss_growth_bytes"] = some_slow.server_rss_bytes - without.server_rss_bytes
    return Outcome(loads=[without, some_slow], verdict=verdict, facts=facts)
