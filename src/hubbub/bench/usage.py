"""What a server uses of the machine and holds, seen from outside: over all its nodes.

What nobody could know, because it was not said which processes they are, is left out or None.
"""

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest

import msgspec

from hubbub.bench import machine
from hubbub.bench.pacing import NANOSECONDS
from hubbub.bench.server import Server, ServerFailed
from hubbub.check import Resources, resources, together
from hubbub.client import ConnectionLost


async def held(server: Server) -> Resources:
    """Raises ServerFailed."""
    pids: Iterable[int | None] = server.pids.values() or (None,)
    metrics: Iterable[str | None] = server.metrics or (None,)
    try:
        nodes = await asyncio.gather(
            *(resources(pid=pid, metrics=at) for pid, at in zip_longest(pids, metrics))
        )
    except ConnectionLost as error:
        raise ServerFailed(str(error)) from error
    return together(nodes)


def cpu_seconds(server: Server) -> dict[str, float]:
    """By the names of its processes."""
    read = {name: machine.cpu_seconds(pid) for name, pid in server.pids.items()}
    read |= {name: machine.family_cpu_seconds(pid) for name, pid in server.beside.items()}
    return {name: seconds for name, seconds in read.items() if seconds is not None}


def resident_bytes(server: Server) -> int | None:
    return _whole([machine.resident_bytes(pid) for pid in server.pids.values()])


def memory(server: Server) -> machine.Memory | None:
    nodes = [machine.memory(pid) for pid in server.pids.values()]
    known = [memory for memory in nodes if memory is not None]
    if not known or len(known) < len(nodes):
        return None
    return machine.Memory(
        rss=sum(each.rss for each in known),
        pss=sum(each.pss for each in known),
        uss=sum(each.uss for each in known),
    )


class Standing(msgspec.Struct, frozen=True):
    """What the server had used, and counted, by some moment in seconds."""

    cpu_at: float
    cpu_seconds: Mapping[str, float]
    counted_at: float
    counted: Mapping[str, int]

    def until(self, later: "Standing") -> tuple[dict[str, float], dict[str, float]]:
        """What came to these a second, of all that was there both times; of what is counted nothing where a
        node has gone meanwhile, with its counts."""
        cpu = _a_second(self.cpu_seconds, later.cpu_seconds, later.cpu_at - self.cpu_at)
        if len(cpu) < len(self.cpu_seconds):
            return cpu, {}
        return cpu, _a_second(self.counted, later.counted, later.counted_at - self.counted_at)


async def standing(server: Server, moment_ns: int) -> Standing:
    """At a moment of CLOCK_MONOTONIC."""
    await asyncio.sleep(max(0.0, (moment_ns - time.monotonic_ns()) / NANOSECONDS))
    cpu_at, cpu = time.monotonic(), cpu_seconds(server)
    counted = await server.counted()
    return Standing(cpu_at, cpu, time.monotonic(), counted)


def _a_second(before: Mapping[str, float], after: Mapping[str, float], seconds: float) -> dict[str, float]:
    return {name: (after[name] - was) / seconds for name, was in before.items() if name in after}


def _whole(parts: Sequence[int | None]) -> int | None:
    """Their sum; None where there are none, or one is not known."""
    known = [part for part in parts if part is not None]
    return sum(known) if known and len(known) == len(parts) else None
