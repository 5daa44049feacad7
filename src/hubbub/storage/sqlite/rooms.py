"""Rooms in SQLite."""

from collections.abc import Sequence

from msgspec.structs import replace

from hubbub.domain.errors import NameTaken, NoSuchRoom
from hubbub.domain.ids import LogId, RoomId, room_log
from hubbub.domain.model import Room
from hubbub.storage.sqlite.database import Database, Row
from hubbub.storage.sqlite.held import Held
from hubbub.storage.sqlite.places import head_of, last_position

_ROOM = f"""
    SELECT id, rooms.name, created_at_ms, created_by, floor, {last_position("log")}
    FROM rooms JOIN logs ON number = log
"""  # noqa: S608


def span(prefix: str, after: str | None) -> tuple[str, str]:
    """From which name, included, to which, excluded, those lie that start with `prefix` and follow `after`.

    One bound on each side: of two lower ones SQLite would seek to either, and step over the rest.
    """
    first = prefix if after is None else max(prefix, after + "\0")
    return first, prefix + "\U0010ffff"  # no name has this character, which sorts after all others


def add_log(database: Database, log: LogId) -> int:
    """Open an empty log, in a transaction of the caller's; its number."""
    database.rows("INSERT INTO logs (name) VALUES (?)", (log,))
    return database.connection.last_insert_rowid()


def _room(row: Row, held: Held) -> Room:
    id, name, created_at_ms, created_by, floor, last = row
    head = held.visible(room_log(id), head_of(last, floor))
    return Room(id=id, name=name, created_at_ms=created_at_ms, created_by=created_by, head=head)


class Rooms:
    _db: Database
    _held: Held

    async def create_room(self, room: Room, folded: str) -> Room:
        async with self._db.saving():
            self._add_room(room, folded)
        return replace(room, head=0)

    def _add_room(self, room: Room, folded: str) -> None:
        if taken := self._db.row("SELECT id, name FROM rooms WHERE folded = ?", (folded,)):
            raise NameTaken(f"There is a room named “{taken[1]}”.", conflicts_with=f"/room/{taken[0]}")
        self._db.rows(
            "INSERT INTO rooms (id, log, name, folded, created_at_ms, created_by) VALUES (?, ?, ?, ?, ?, ?)",
            (
                room.id,
                add_log(self._db, room_log(room.id)),
                room.name,
                folded,
                room.created_at_ms,
                room.created_by,
            ),
        )

    async def room(self, id: RoomId) -> Room | None:
        row = self._db.row(_ROOM + "WHERE id = ?", (id,))
        return None if row is None else _room(row, self._held)

    async def rooms(self, *, prefix: str, after: RoomId | None, limit: int) -> tuple[Sequence[Room], bool]:
        last = None
        if after is not None:
            found = self._db.row("SELECT folded FROM rooms WHERE id = ?", (after,))
            if found is None:
                raise NoSuchRoom(f"There is no room “{after}” to go on from.")
            last = found[0]
        rows = self._db.rows(
            _ROOM + "WHERE folded >= ? AND folded < ? ORDER BY folded LIMIT ?",
            (*span(prefix, last), limit + 1),
        )
        return [_room(row, self._held) for row in rows[:limit]], len(rows) > limit
