"""How far people have read, in SQLite, and whom they have talked to."""

import asyncio
from collections.abc import Iterator, Sequence

import apsw
import msgspec

from hubbub.domain.errors import Damaged, HubbubError, NoSuchUser
from hubbub.domain.events import Event
from hubbub.domain.ids import LogId, RoomId, UserId, inbox_log, room_log
from hubbub.domain.model import Conversation, Followed
from hubbub.protocol.frames import encode
from hubbub.storage.base import MAX_PAGE, MAX_PAGE_BYTES, MOST_UNREAD
from hubbub.storage.sqlite.database import Database
from hubbub.storage.sqlite.logs import Logs
from hubbub.storage.sqlite.places import Place, head_of, last_position, position, seq_at
from hubbub.storage.sqlite.rooms import span

MOST_COUNTED = 20_000
"""A page of conversations ends with the one at which it has counted so much: some two milliseconds."""

_ROOMS = f"""
    SELECT rooms.id, rooms.name, marks.seq, floor, {last_position("rooms.log")}
    FROM marks
    JOIN rooms ON rooms.id = substr(place, {len(room_log("")) + 1})
    JOIN logs ON number = rooms.log
    WHERE marks.log = ? AND place >= ? AND place < ? ORDER BY place LIMIT ?
"""  # noqa: S608

_NEXT_PEER = """
    SELECT peer FROM events INDEXED BY events_between
    WHERE recipient IS NOT NULL AND position >> 36 = ? AND peer > ? ORDER BY peer LIMIT 1
"""
_LAST = """
    SELECT max(position) FROM events INDEXED BY events_between
    WHERE recipient IS NOT NULL AND position >> 36 = ? AND peer = ? AND position <= ?
"""
# The newest are looked at, so that what was written last is counted whatever lies before it.
_UNREAD = """
    SELECT count(*), count(*) FILTER (WHERE sent = 0) FROM (
        SELECT sent FROM events INDEXED BY events_between
        WHERE recipient IS NOT NULL AND position >> 36 = ? AND peer = ? AND position > ? AND position <= ?
        ORDER BY position DESC LIMIT ?)
"""

_MARK = "SELECT seq FROM marks WHERE log = ? AND place = ?"
_RAISE = """
    INSERT INTO marks (log, place, seq) VALUES (?, ?, ?)
    ON CONFLICT (log, place) DO UPDATE SET seq = excluded.seq WHERE excluded.seq > seq
"""
_REMOVE = "DELETE FROM marks WHERE log = ? AND place = ?"


class _Note(msgspec.Struct, frozen=True, gc=False):
    """One mark that is to be moved, or removed when `seq` is None."""

    log: int
    place: LogId
    seq: int | None
    written: "asyncio.Future[bool]"
    """Whether it changed anything."""


class Marks(Logs):
    """The marks that are moved in one turn of the loop share one commit: a thousand people may be reading
    what was posted a moment ago.

    Always true: those who wait are told in the order in which they asked, which is the order of the writes.
    """

    def __init__(self, database: Database, *, alone: bool) -> None:
        super().__init__(database, alone=alone)
        self._notes: list[_Note] = []

    async def mark(self, user: UserId, place: LogId, seq: int) -> tuple[int, bool]:
        """See Store.mark."""
        inbox = self._inbox(user)
        if await self._noted(inbox, place, seq):
            return seq, True
        row = self._db.row(_MARK, (inbox.number, place))
        return max(seq, row[0] if row else 0), False

    async def unmark(self, user: UserId, place: LogId) -> bool:
        """See Store.unmark."""
        return await self._noted(self._inbox(user), place, None)

    async def followed(
        self, user: UserId, *, after: RoomId | None, limit: int
    ) -> tuple[Sequence[Followed], bool]:
        """See Store.followed."""
        start = room_log("")
        first, end = span(start, None if after is None else room_log(after))
        limit = min(limit, MAX_PAGE)
        rows = self._db.rows(_ROOMS, (self._inbox(user).number, first, end, limit + 1))
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
        """See Store.conversations."""
        log = inbox_log(user)
        self._inbox(user)
        await self._cuts_are_on_disk(log)
        inbox = self._inbox(user)
        head = position(inbox.number, self._visible(log, inbox))
        found: list[Conversation] = []
        size = counted = 0
        for peer in self._peers(inbox, after or UserId("")):
            if len(found) == min(limit, MAX_PAGE) or size > MAX_PAGE_BYTES or counted > MOST_COUNTED:
                return found, True
            ((last,),) = self._db.rows(_LAST, (inbox.number, peer, head))
            if last is None:
                continue  # nobody has been told yet of the first that the two wrote
            row = self._db.row(_MARK, (inbox.number, inbox_log(peer)))
            seq = row[0] if row else 0
            looked_at = unread = 0
            if peer != user:
                read = position(inbox.number, seq)
                ((looked_at, unread),) = self._db.rows(_UNREAD, (inbox.number, peer, read, head, MOST_UNREAD))
            event = self._last(log, inbox, peer, seq_at(last))
            found.append(Conversation(peer=peer, seq=seq, unread=unread, last=event))
            counted += looked_at
            size += len(encode(event.text)) if event else 0
        return found, False

    def _peers(self, inbox: Place, after: UserId) -> Iterator[UserId]:
        """Each with one look-up, however much they wrote."""
        while row := self._db.row(_NEXT_PEER, (inbox.number, after)):
            (peer,) = row
            if type(peer) is not str or peer <= after:
                raise self._db.damaged(Damaged())  # an index that would lead in a circle
            yield UserId(peer)
            after = UserId(peer)

    def _last(self, log: LogId, inbox: Place, peer: UserId, seq: int) -> Event | None:
        """None for one that is damaged: that is told, and the conversations are listed all the same."""
        try:
            event = self._event_at(log, inbox, seq)
        except Damaged:
            return None
        if event is None or peer != (event.to if event.kind == "sent" else event.sender):
            self._db.damaged(Damaged(log=log, seq=seq))
            return None
        return event

    def _inbox(self, user: UserId) -> Place:
        self._db.check()
        inbox = self._place(inbox_log(user))
        if inbox is None:
            raise NoSuchUser()
        return inbox

    # -- writing ------------------------------------------------------------

    async def _noted(self, inbox: Place, place: LogId, seq: int | None) -> bool:
        """Write it at the end of this turn of the loop; whether it changed anything."""
        loop = asyncio.get_running_loop()
        written: asyncio.Future[bool] = loop.create_future()
        if not self._notes:
            loop.call_soon(self.write_notes)
        self._notes.append(_Note(inbox.number, place, seq, written))
        return await written

    def write_notes(self) -> None:
        """At once, all that wait to be written."""
        notes, self._notes = self._notes, []
        if not notes:
            return
        changed: list[bool] = []
        try:
            if self._news(notes):
                with self._db.writing() as cursor:
                    changed = [self._write(cursor, note) for note in notes]
            else:
                changed = [False] * len(notes)
        except Exception as error:
            for note in notes:
                if not note.written.done():
                    note.written.set_exception(error)
            return

        def told(failure: HubbubError | None) -> None:
            for note, has_changed in zip(notes, changed, strict=True):
                if note.written.done():
                    continue
                if failure is not None:
                    note.written.set_exception(failure)
                else:
                    note.written.set_result(has_changed)

        self._db.after_sync(told)
        self._db.tidy()

    def _news(self, notes: Sequence[_Note]) -> bool:
        """Whether any of them changes anything: devices that agree cost no commit."""
        for note in notes:
            row = self._db.row(_MARK, (note.log, note.place))
            if row is None if note.seq is not None else row is not None:
                return True
            if row is not None and note.seq is not None and note.seq > row[0]:
                return True
        return False

    def _write(self, cursor: apsw.Cursor, note: _Note) -> bool:
        if note.seq is None:
            cursor.execute(_REMOVE, (note.log, note.place))
        else:
            cursor.execute(_RAISE, (note.log, note.place, note.seq))
        return bool(self._db.connection.changes())
