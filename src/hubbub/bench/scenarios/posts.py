"""Posts that nobody listens to: what storing them durably costs, over WebSocket or REST.

At the end every room is read again from its beginning: what was acknowledged has to be there, once.
"""

from hubbub.bench.outcome import Outcome
from hubbub.bench.seats import one_room_each
from hubbub.bench.stage import Stage


async def posts(stage: Stage) -> Outcome:
    asked = stage.asked
    posters = one_room_each(stage.people, asked.clients, asked.rooms, stage.host)
    async with await stage.fleet([], posters) as fleet:
        connect_seconds = await stage.connect(fleet)
        loads = [await stage.load(fleet, rate) for rate in asked.rates]
        heads = await stage.settle(fleet)
        found = await fleet.tell()
    verdict = stage.judge([*found, *await stage.audit(heads)])
    return Outcome(loads=loads, verdict=verdict, facts={"connect_seconds": connect_seconds})
