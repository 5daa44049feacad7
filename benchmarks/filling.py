"""Stores with much in them, filled through the storage's own interface: the network would take hours."""

import asyncio
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

from hubbub.bench.seats import People
from hubbub.cli.asked import now_ms
from hubbub.cli.seed import seeded
from hubbub.domain.events import Draft
from hubbub.domain.ids import MessageId, RoomId, UserId, room_log
from hubbub.storage.sqlite import SqliteStore

BATCH = 2000
"""Messages in a commit."""

TEXT = "x" * 80


def people(directory: Path, *, users: int, rooms: int) -> People:
    """A new store, and who is in it."""
    return msgspec.convert(seeded(directory, users, rooms), People)


def fill(directory: Path, inside: People, *, begin: int, end: int) -> None:
    """The messages numbered `begin` up to `end`, spread over the first room and all others: half and half.

    So there is one long room, and rooms as they are.
    """
    asyncio.run(_fill(directory, inside, range(begin, end)))


async def _fill(directory: Path, inside: People, numbers: range) -> None:
    store = SqliteStore.open(
        directory, now_ms=now_ms, randomness=os.urandom, on_broken=lambda error: sys.exit(str(error))
    )
    try:
        for begin in range(0, len(numbers), BATCH):
            store.append(list(_drafts(inside, numbers[begin : begin + BATCH])), lambda outcomes: None)
    finally:
        await store.close()


def _drafts(inside: People, numbers: range) -> Iterator[Draft]:
    rooms, users = inside.rooms, inside.users
    for number in numbers:
        room = rooms[0] if number % 2 else rooms[number // 2 % len(rooms)]
        yield Draft(
            place=room_log(RoomId(room.id)),
            sender=UserId(users[number % len(users)].name),
            id=MessageId(f"m{number:09}"),
            text=TEXT,
            key=f"k{number}",
            sent_at_ms=1_700_000_000_000 + number,
        )
