"""What a process of clients finds of servers, once it has posted to them and heard all there was to hear."""

import asyncio
import multiprocessing
import time

from hubbub.bench.orders import Answer, Connect, Load, Progress, Settle, Share, Tell
from hubbub.bench.seats import Seat
from hubbub.bench.verdict import Verdict, judge
from hubbub.bench.worker import Worker
from support.deadline import DEADLINE_SECONDS, deadline

RUN = "run1"

PATIENCE_SECONDS = DEADLINE_SECONDS / 2
"""How long readers wait for what has to come: far more than it takes, and less than the order may."""


def seat(number: int, room: str = "a") -> Seat:
    return Seat(number=number, user=f"user-{number}", token="t", source=None, rooms=(room,))


async def found(
    ports: list[int],
    readers: list[Seat],
    poster: Seat,
    *,
    posts: int,
    transport: str = "ws",
    settle_seconds: float = PATIENCE_SECONDS,
) -> Verdict:
    """The process is this one: its orders go through a pipe all the same. `settle_seconds`: how long readers
    wait for what comes no more."""
    ours, theirs = multiprocessing.Pipe()

    async def order(what):
        ours.send(what)
        async with deadline():
            while True:
                while not ours.poll():
                    await asyncio.sleep(0)
                answer = ours.recv()
                if not isinstance(answer, Progress):
                    return answer

    share = Share(
        process=0, index=0, of=1, run=RUN, addresses=[("127.0.0.1", port) for port in ports],
        transport=transport, size_bytes=80, cores=frozenset(), readers=readers, posters=[poster], people=[],
        began=dict.fromkeys((room for each in readers for room in each.rooms), 0),
    )  # fmt: skip
    working = asyncio.create_task(Worker(theirs, share).work())
    try:
        connected = await order(Connect(at_once=1, within_seconds=PATIENCE_SECONDS))
        now_ns = time.monotonic_ns()
        await order(Load(start_ns=now_ns, per_second=1000, seconds=posts / 1000, measure_from_ns=now_ns))
        heads = (await order(Answer(within_seconds=PATIENCE_SECONDS))).heads
        await order(Settle(heads=heads, within_seconds=settle_seconds))
    finally:
        findings = await order(Tell())
        await working
    assert connected.failures == []
    return judge(RUN, [findings])
