"""What a server stores and what it holds, asked from outside: its logs over the API, its resources from its
metrics and from /proc."""

import asyncio
import os
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path

import httpx2

from hubbub.check.promises import Resources, last, left_over
from hubbub.check.witness import Witness
from hubbub.client import Bye, Client, ConnectionLost, Event
from hubbub.domain.ids import LogId, inbox_log, room_log

LOOK_SECONDS = 0.05
"""Between two looks at what a server holds while it comes to rest."""

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


async def stored(witnesses: Sequence[Witness], rooms: Iterable[str]) -> dict[LogId, list[Event]]:
    """Every log from its beginning, gaps included: the rooms in pages, each witness's own inbox by a stream.

    Raises Problem or ConnectionLost.
    """
    logs: dict[LogId, list[Event]] = {}
    for room in rooms:
        logs[room_log(room)] = [event async for event in witnesses[0].client.history(room, after=0)]
    for witness in witnesses:
        log = inbox_log(witness.name)
        if log not in logs:
            logs[log] = await inbox(witness.client)
    return logs


async def inbox(client: Client, *, after: int = 0) -> list[Event]:
    """All of one's own inbox up to the head it has now, the copies of what one sent included."""
    events: list[Event] = []
    async with await client.socket() as socket:
        head = (await socket.subscribe(None, after=after)).head
        while (last(events[-1]) if events else after) < head:
            event = await anext(socket)
            if isinstance(event, Bye):
                raise ConnectionLost(f"The server said good-bye ({event.reason}) amid the inbox.")
            events.append(event)
    return events


# -- resources --------------------------------------------------------------


async def resources(*, pid: int | None = None, metrics: str | None = None) -> Resources:
    """What a server holds now; `metrics` is the address of its metrics. What was not named is not known."""
    found = await counted(metrics) if metrics else {}
    return Resources(
        memory_bytes=None if pid is None else resident_bytes(pid),
        descriptors=None if pid is None else descriptors(pid),
        tasks=found.get("hubbub_tasks"),
        connections=found.get("hubbub_connections"),
        listeners=found.get("hubbub_logs_in_memory"),
    )


def together(nodes: Sequence[Resources]) -> Resources:
    """What all nodes of a cluster hold. What is not known of one is not known of all."""
    known = {
        name: [value for node in nodes if (value := getattr(node, name)) is not None]
        for name in Resources.__struct_fields__
    }
    return Resources(**{name: sum(each) for name, each in known.items() if len(each) == len(nodes)})


async def counted(metrics: str) -> dict[str, int]:
    """All that a server counts in whole numbers. Raises ConnectionLost."""
    return _counted(await _asked(metrics))


async def at_rest(
    look: Callable[[], Awaitable[Resources]], before: Resources, *, within_seconds: float = 10.0
) -> Resources:
    """Look until nothing is left over that was not there `before`, or for so long: a server notices within
    some turns of its loop that somebody has gone."""
    deadline = asyncio.get_running_loop().time() + within_seconds
    while left_over(before, found := await look()) and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(LOOK_SECONDS)
    return found


def resident_bytes(pid: int) -> int | None:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_BYTES
    except OSError:
        return None


def descriptors(pid: int) -> int | None:
    try:
        return len(os.listdir(f"/proc/{pid}/fd"))
    except OSError:
        return None


async def _asked(metrics: str) -> str:
    async with httpx2.AsyncClient(trust_env=False, headers={"Connection": "close"}) as http:
        try:
            return (await http.get(metrics)).text
        except httpx2.TransportError as error:
            raise ConnectionLost(f"{metrics} does not answer: {error or type(error).__name__}") from error


_SAMPLE = re.compile(r"^(hubbub_\w+)(?:\{[^}]*\})? (\d+)(?:\.0)?$", re.MULTILINE)


def _counted(text: str) -> dict[str, int]:
    """What is counted in Prometheus' text, each metric summed over its labels."""
    counted: Counter[str] = Counter()
    for name, value in _SAMPLE.findall(text):
        counted[name] += int(value)
    return counted
