"""What telling other nodes costs a node, and hearing of them: the relay alone, without a bus or listeners.

python benchmarks/passing_on.py
"""

import json
import sys
import time
from typing import Any

from hubbub.domain.events import Event
from hubbub.domain.ids import MessageId, RoomId, UserId, room_log
from hubbub.hub.hub import Hub
from hubbub.hub.relay import Relay
from hubbub.protocol.framing import Entry, entry

EVENTS_A_MESSAGE = (1, 10, 100)
TIMES = 20_000
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


def main() -> int:
    print(json.dumps([measure(events) for events in EVENTS_A_MESSAGE], indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
