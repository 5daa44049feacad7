"""How far people have read, in SQLite, and whom they have talked to."""

from collections.abc import Sequence

from hubbub.domain.errors import Damaged
from hubbub.domain.events import Event
from hubbub.domain.ids import LogId, RoomId, UserId, inbox_log, room_log
from hubbub.domain.model import Conversation, Followed
from hubbub.storage.base import MOST_UNREAD
from hubbub.storage.sqlite.database import Row
from hubbub.storage.sqlite.logs import Logs
from hubbub.storage.sqlite.places import Place, head_of, last_position, position, seq_at
from hubbub.storage.sqlite.rooms import span

_ROOMS = f"""
    SELECT rooms.id, rooms.name, marks.seq, floor, {last_position("rooms.log")}
    FROM marks
    JOIN rooms ON rooms.id = substr(place, {len(room_log("")) + 1})
    JOIN logs ON number = rooms.log
    WHERE marks.log = ? AND place >= ? AND place < ? ORDER BY place LIMIT ?
"""  # noqa: S608
_PEOPLE = "SELECT place, seq FROM marks WHERE log = ? AND place >= ? AND place < ? ORDER BY place LIMIT ?"

_LAST = """
    SELECT max(position) FROM events INDEXED BY events_between
    WHERE recipient IS NOT NULL AND peer = ? AND position BETWEEN ? AND ?
"""
# However much two people write, no more is counted than anybody looks at.
_UNREAD = """
    SELECT count(*) FILTER (WHERE sent = 0) FROM (
        SELECT sent FROM events INDEXED BY events_between
        WHERE recipient IS NOT NULL AND peer = ? AND position > ? AND position <= ? ORDER BY position LIMIT ?)
"""

_MARK = "SELECT seq FROM marks WHERE log = ? AND place = ?"
_RAISE = """
    INSERT INTO marks (log, place, seq) VALUES (?, ?, ?)
    ON CONFLICT (log, place) DO UPDATE SET seq = max(seq, excluded.seq) RETURNING seq
"""

MEET = "INSERT OR IGNORE INTO marks (log, place, seq) VALUES (?, ?, 0)"
"""Of an inbox's number and a peer's inbox: the two have talked to each other."""


class Marks(Logs):
    async def mark(self, user: UserId, place: LogId, seq: int) -> int:
        """See Store.mark."""
        inbox = self._inbox(user)
        row = self._db.row(_MARK, (inbox.number, place))
        if row is not None and row[0] >= seq:
            return int(row[0])  # nothing to write: devices that agree cost no commit
        async with self._db.saving():
            ((now,),) = self._db.rows(_RAISE, (inbox.number, place, seq))
        return int(now)

    async def unmark(self, user: UserId, place: LogId) -> bool:
        inbox = self._inbox(user)
        if self._db.row(_MARK, (inbox.number, place)) is None:
            return False
        async with self._db.saving():
            self._db.rows("DELETE FROM marks WHERE log = ? AND place = ?", (inbox.number, place))
        return True

    async def followed(
        self, user: UserId, *, after: RoomId | None, limit: int
    ) -> tuple[Sequence[Followed], bool]:
        rows = self._marked(_ROOMS, user, room_log(""), after, limit)
        found = [
            Followed(
                room=id,
                name=name,
                seq=seq,
                head=self._held.visible(room_log(id), head_of(last, floor)),
            )
            for id, name, seq, floor, last in rows[:limit]
        ]
        return found, len(rows) > limit

    async def conversations(
        self, user: UserId, *, after: UserId | None, limit: int
    ) -> tuple[Sequence[Conversation], bool]:
        start = inbox_log("")
        rows = self._marked(_PEOPLE, user, start, after, limit)
        inbox = self._inbox(user)
        found = [
            self._conversation(user, inbox, UserId(place[len(start) :]), seq) for place, seq in rows[:limit]
        ]
        return found, len(rows) > limit

    def _marked(self, sql: str, user: UserId, start: str, after: str | None, limit: int) -> list[Row]:
        """The rows of the places whose name begins with `start`, and one more if there is."""
        first, end = span(start, None if after is None else start + after)
        return self._db.rows(sql, (self._inbox(user).number, first, end, limit + 1))

    def _conversation(self, user: UserId, inbox: Place, peer: UserId, seq: int) -> Conversation:
        head = position(inbox.number, self._visible(inbox_log(user), inbox))
        floor = position(inbox.number, inbox.floor)
        ((last,),) = self._db.rows(_LAST, (peer, floor + 1, head))
        unread = 0
        if last is not None and peer != user:
            read = position(inbox.number, max(seq, inbox.floor))
            ((unread,),) = self._db.rows(_UNREAD, (peer, read, head, MOST_UNREAD))
        return Conversation(
            peer=peer, seq=seq, unread=unread, last=None if last is None else self._last(user, inbox, last)
        )

    def _last(self, user: UserId, inbox: Place, at: int) -> Event | None:
        """None for one that is damaged: that is told, and the other conversations are listed all the same."""
        try:
            return self._event_at(inbox_log(user), inbox, seq_at(at))
        except Damaged as damage:
            self._db.damaged(damage)
            return None

    def _inbox(self, user: UserId) -> Place:
        self._db.check()
        inbox = self._place(inbox_log(user))
        assert inbox is not None, "who is signed in has an inbox"
        return inbox
