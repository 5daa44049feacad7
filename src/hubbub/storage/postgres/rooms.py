"""Rooms in PostgreSQL."""

from collections.abc import Sequence

from msgspec.structs import replace

from hubbub.domain.errors import NameTaken, NoSuchRoom
from hubbub.domain.ids import LogId, RoomId, room_log
from hubbub.domain.model import Room
from hubbub.storage.postgres.database import Connection, Database, Row

_ROOM = "SELECT id, rooms.name, created_at_ms, created_by, head FROM rooms JOIN logs ON number = log "
_ADD = """
    INSERT INTO rooms (id, log, name, folded, created_at_ms, created_by) VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (folded) DO NOTHING RETURNING 1
"""

ABOVE_ALL = "\U0010ffff"
"""No name has this character, which sorts after all others."""


async def add_log(connection: Connection, log: LogId) -> int:
    """Open an empty log, in a transaction of the caller's; its number."""
    number: int = await connection.fetchval("INSERT INTO logs (name) VALUES ($1) RETURNING number", log)
    return number


def _room(row: Row) -> Room:
    id, name, created_at_ms, created_by, head = row
    return Room(id=id, name=name, created_at_ms=created_at_ms, created_by=created_by, head=head)


class Rooms:
    _db: Database

    async def create_room(self, room: Room, folded: str) -> Room:
        async with self._db.writing() as connection:
            await add_room(connection, room, folded)
        return replace(room, head=0)

    async def room(self, id: RoomId) -> Room | None:
        row = await self._db.row(_ROOM + "WHERE id = $1", id)
        return None if row is None else _room(row)

    async def rooms(self, *, prefix: str, after: RoomId | None, limit: int) -> tuple[Sequence[Room], bool]:
        last = ""
        if after is not None:
            found = await self._db.row("SELECT folded FROM rooms WHERE id = $1", after)
            if found is None:
                raise NoSuchRoom(f"There is no room “{after}” to go on from.")
            last = found[0]
        rows = await self._db.rows(
            _ROOM + "WHERE folded >= $1 AND folded > $2 AND folded < $3 ORDER BY folded LIMIT $4",
            prefix,
            last,
            prefix + ABOVE_ALL,
            limit + 1,
        )
        return [_room(row) for row in rows[:limit]], len(rows) > limit


async def add_room(connection: Connection, room: Room, folded: str) -> None:
    """In a transaction of the caller's, which cannot go on after NameTaken."""
    number = await add_log(connection, room_log(room.id))
    added = await connection.fetchval(
        _ADD, room.id, number, room.name, folded, room.created_at_ms, room.created_by
    )
    if not added:
        taken = await connection.fetchrow("SELECT id, name FROM rooms WHERE folded = $1", folded)
        assert taken is not None, "rooms are never removed"
        raise NameTaken(f"There is a room named “{taken[1]}”.", conflicts_with=f"/room/{taken[0]}")
