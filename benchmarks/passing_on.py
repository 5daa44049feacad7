"""What it costs a node to tell other nodes and to hear of them: the relay alone, with no bus; and the
bus alone, over a NATS server.

    python benchmarks/passing_on.py > DIR/cluster-passing-on.json
"""

import asyncio
import json
import sys
import tempfile
import time
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from hubbub.bus.nats import NatsBus
from hubbub.cluster import Nats
from hubbub.domain.events import Event
from hubbub.domain.ids import MessageId, RoomId, UserId, room_log
from hubbub.hub.hub import Hub
from hubbub.hub.relay import Relay
from hubbub.protocol.framing import Entry, entry

EVENTS_A_MESSAGE = (1, 10, 100)
TIMES = 20_000
AT_ONCE = 4
MESSAGE_BYTES = 250
ROOM = room_log(RoomId("room"))


class _Bus:
    """One that carries nothing."""

    up = True

    def __init__(self) -> None:
        self.last = b""

    def send(self, channel: str, message: bytes) -> None:
        self.last = message

    async def listen(self, channel: str) -> None:
        pass

    def unlisten(self, channel: str) -> None:
        pass


def measure(events: int) -> dict[str, Any]:
    bus = _Bus()
    source: Any = None  # nothing is read
    relay = Relay(Hub(source), bus, source, monotonic=time.monotonic, soon=lambda act: None)  # type: ignore[arg-type]
    entries = [_entry(seq) for seq in range(1, events + 1)]
    times = TIMES // events
    begun = time.process_time()
    for _ in range(times):
        for each in entries:
            relay.grew(ROOM, each)
        relay.flush()
    told = time.process_time()
    for _ in range(times):
        relay.heard(bus.last)
    heard = time.process_time()
    return {
        "events_a_message": events,
        "bytes_a_message": len(bus.last),
        "us_to_tell_a_message": (told - begun) / times * 1e6,
        "us_to_hear_a_message": (heard - told) / times * 1e6,
    }


def _entry(seq: int) -> Entry:
    return entry(
        Event(
            log=ROOM,
            seq=seq,
            id=MessageId(f"m{seq:09}"),
            kind="message",
            to=None,
            sender=UserId("user-00001"),
            text="x" * 80,
            key=f"k{seq}",
            sent_at_ms=1_700_000_000_000 + seq,
        )
    )


async def over_nats(count: int) -> float:
    """CPU microseconds to hear a message of one event: what hearing adds to sending."""
    with tempfile.TemporaryDirectory(prefix="hubbub-passing-") as directory:
        async with Nats(Path(directory)) as nats:
            alone = await _send(nats.url, count, listening=False)
            return (await _send(nats.url, count, listening=True) - alone) / count * 1e6


async def _send(url: str, count: int, *, listening: bool) -> float:
    """CPU seconds of this process for so many messages, a few at a time as nodes send them."""
    heard = 0

    def hear(channel: str, message: bytes) -> None:
        nonlocal heard
        heard += 1

    async def open_bus(name: str) -> NatsBus:
        return await NatsBus.open([url], prefix="p", name=name, heard=hear, changed=lambda up: None)

    one, other = await open_bus("one"), await open_bus("other")
    if listening:
        await other.listen("log.1")
    begun = time.process_time()
    for number in range(count):
        one.send("log.1", b"x" * MESSAGE_BYTES)
        if number % AT_ONCE == 0:
            await asyncio.sleep(0.001)
    while listening and heard < count:  # noqa: ASYNC110 - it changes as messages come
        await asyncio.sleep(0.001)
    took = time.process_time() - begun
    await one.close()
    await other.close()
    return took


def main() -> int:
    relay = [measure(events) for events in EVENTS_A_MESSAGE]
    with redirect_stdout(sys.stderr):  # the bus tells its log
        hearing = asyncio.run(over_nats(TIMES))
    print(json.dumps({"relay_alone": relay, "cpu_us_to_hear_from_the_bus": hearing}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
