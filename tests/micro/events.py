"""What the steps are fed with."""

from hubbub.domain.events import Event
from hubbub.domain.ids import LogId, MessageId, UserId, room_log

ROOM = room_log("lounge")
TEXT = "x" * 80


def event(seq: int, log: LogId = ROOM) -> Event:
    return Event(
        log=log,
        seq=seq,
        id=MessageId(f"message-{seq:08}"),
        kind="message",
        sender=UserId("user-00001"),
        to=None,
        text=TEXT,
        key=f"a1b2c3d4.0.{seq}",
        sent_at_ms=1_700_000_000_000 + seq,
    )
