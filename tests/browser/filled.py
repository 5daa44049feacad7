"""Much in a store, put there before a server opens it: by the network it would take minutes."""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from hubbub.domain.events import Draft
from hubbub.domain.ids import LogId, MessageId, RoomId, UserId, inbox_log, room_log
from hubbub.domain.model import Room
from hubbub.domain.policy import folded
from hubbub.protocol.frames import RoomBody
from hubbub.storage.base import Seed
from hubbub.storage.sqlite import SqliteStore

_BATCH = 5_000
"""Messages in a commit."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """Something that somebody said: in a room, or to a person."""

    place: RoomBody | str
    sender: str
    text: str
    at_ms: int


async def fill(data: Path, *, rooms: Sequence[str] = (), by: str = "ada") -> list[RoomBody]:
    """New rooms, by their names."""
    at_ms = _now_ms()
    made = [
        Room(
            id=RoomId(f"room-{number:05}"),
            name=name,
            created_at_ms=at_ms,
            created_by=UserId(by),
            head=0,
        )
        for number, name in enumerate(rooms)
    ]
    store = _open(data)
    await store.seed(Seed(users=[], sessions=[], rooms=[(room, folded(room.name)) for room in made]))
    await store.close()
    at = datetime.fromtimestamp(at_ms / 1000, UTC).isoformat()
    return [
        RoomBody(id=room.id, name=room.name, created_at=at, created_by=by, head=room.head) for room in made
    ]


async def say(data: Path, lines: Sequence[Line]) -> None:
    """All of this was said, in this order."""
    drafts = [
        Draft(
            place=_log(line.place),
            sender=UserId(line.sender),
            id=MessageId(f"m{number:07}"),
            text=line.text,
            key=f"filled-{number}",
            sent_at_ms=line.at_ms,
        )
        for number, line in enumerate(lines)
    ]
    store = _open(data)
    for first in range(0, len(drafts), _BATCH):
        store.append(drafts[first : first + _BATCH], lambda outcomes: None)
    await store.close()


def _log(place: RoomBody | str) -> LogId:
    return inbox_log(place) if isinstance(place, str) else room_log(place.id)


def _open(data: Path) -> SqliteStore:
    def broken(error: Exception) -> None:
        raise error

    return SqliteStore.open(data, now_ms=_now_ms, randomness=os.urandom, on_broken=broken)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
