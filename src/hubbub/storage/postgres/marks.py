"""How far people have read, in PostgreSQL, and whom they have talked to."""

import asyncio
from collections import Counter
from collections.abc import Sequence

import msgspec

from hubbub.domain.errors import Damaged, NoSuchUser
from hubbub.domain.ids import LogId, RoomId, UserId, inbox_log, room_log
from hubbub.domain.model import Conversation, Followed
from hubbub.storage.base import MAX_PAGE, MAX_PAGE_BYTES, MOST_UNREAD
from hubbub.storage.postgres.database import Connection, Database, Row
from hubbub.storage.postgres.logs import COLUMNS, PEER, Logs, event_of
from hubbub.storage.postgres.rooms import ABOVE_ALL

MOST_COUNTED = 20_000
"""A page of conversations ends with the one at which it has counted so much."""

_ROOMS = f"""
    SELECT rooms.id, rooms.name, seq, head
    FROM marks
    JOIN rooms ON rooms.id = substr(place, {len(room_log("")) + 1})
    JOIN logs ON number = rooms.log
    WHERE marks.log = $1 AND place > $2 AND place < $3 ORDER BY place LIMIT $4
"""  # noqa: S608

# One peer after the other, each with a few look-ups; what is past a bound is not looked at.
_PEERS = f"""
    WITH RECURSIVE each AS (
        SELECT $2::text COLLATE "C" AS peer, NULL::bigint AS read, NULL::bigint AS last,
               0::bigint AS unread, 0::bigint AS counted, 0::bigint AS size, 0 AS nth
        UNION ALL
        SELECT next.peer, coalesce(mark.seq, 0), newest.seq, news.unread, counted + news.looked_at,
               size + newest.bytes, nth + 1
        FROM each
        CROSS JOIN LATERAL (
            SELECT {PEER} AS peer FROM events
            WHERE log = $1 AND recipient IS NOT NULL AND {PEER} > each.peer ORDER BY {PEER} LIMIT 1
        ) AS next
        CROSS JOIN LATERAL (
            SELECT seq, octet_length(text) AS bytes FROM events
            WHERE log = $1 AND recipient IS NOT NULL AND {PEER} = next.peer ORDER BY seq DESC LIMIT 1
        ) AS newest
        LEFT JOIN marks AS mark ON mark.log = $1 AND mark.place = '{inbox_log("")}' || next.peer
        CROSS JOIN LATERAL (
            SELECT count(*) AS looked_at, count(*) FILTER (WHERE NOT sent) AS unread FROM (
                SELECT sent FROM events
                WHERE log = $1 AND recipient IS NOT NULL AND {PEER} = next.peer
                    AND seq > coalesce(mark.seq, 0) AND next.peer <> $3
                ORDER BY seq DESC LIMIT {MOST_UNREAD}
            ) AS newer
        ) AS news
        WHERE nth < $4 AND counted <= {MOST_COUNTED} AND size <= {MAX_PAGE_BYTES}
    )
    SELECT peer, read, unread, last, counted > {MOST_COUNTED} OR size > {MAX_PAGE_BYTES} AS dear, {COLUMNS}
    FROM each LEFT JOIN events ON log = $1 AND seq = last
    WHERE nth > 0 ORDER BY nth
"""  # noqa: S608

_MARKS = """
    SELECT asked.number, seq
    FROM unnest($1::bigint[], $2::text[]) WITH ORDINALITY AS asked (log, place, number)
    JOIN marks ON marks.log = asked.log AND marks.place = asked.place
"""
# Rows are locked in one order by all nodes.
_RAISE = """
    INSERT INTO marks (log, place, seq)
    SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[]) AS news (log, place, seq) ORDER BY log, place
    ON CONFLICT (log, place) DO UPDATE SET seq = excluded.seq WHERE excluded.seq > marks.seq
    RETURNING log, place
"""
_REMOVE = """
    DELETE FROM marks USING unnest($1::bigint[], $2::text[]) AS gone (log, place)
    WHERE marks.log = gone.log AND marks.place = gone.place
    RETURNING marks.log, marks.place
"""


_Spot = tuple[int, LogId]
"""Whose mark, by the number of their inbox, and where."""


class _Note(msgspec.Struct, frozen=True, gc=False):
    """One mark that is to be moved, or removed when `seq` is None."""

    log: int
    place: LogId
    seq: int | None
    written: "asyncio.Future[tuple[int, bool]]"
    """The mark as it is now, and whether this changed it."""


class Marks(Logs):
    """The marks that are moved while others are being written share the next transaction: a thousand people may
    be reading what was posted a moment ago.

    Always true: those who wait are told in the order in which they asked, which is the order of the writes.
    """

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._notes: list[_Note] = []
        self._noting: asyncio.Task[None] | None = None

    async def mark(self, user: UserId, place: LogId, seq: int) -> tuple[int, bool]:
        """See Store.mark."""
        return await self._noted(await self._inbox(user), place, seq)

    async def unmark(self, user: UserId, place: LogId) -> bool:
        """See Store.unmark."""
        _, changed = await self._noted(await self._inbox(user), place, None)
        return changed

    async def followed(
        self, user: UserId, *, after: RoomId | None, limit: int
    ) -> tuple[Sequence[Followed], bool]:
        """See Store.followed."""
        limit = min(limit, MAX_PAGE)
        rows = await self._db.rows(
            _ROOMS,
            await self._inbox(user),
            room_log(after or ""),
            room_log(ABOVE_ALL),
            limit + 1,
        )
        found = [Followed(room=id, name=name, seq=seq, head=head) for id, name, seq, head in rows[:limit]]
        return found, len(rows) > limit

    async def conversations(
        self, user: UserId, *, after: UserId | None, limit: int
    ) -> tuple[Sequence[Conversation], bool]:
        """See Store.conversations."""
        inbox = await self._inbox(user)
        limit = min(limit, MAX_PAGE)
        rows = await self._db.rows(_PEERS, inbox, after or "", user, limit + 1)
        found = [self._conversation(inbox_log(user), row) for row in rows[:limit]]
        dear = bool(rows) and rows[-1][4]
        return found, len(rows) > limit or dear

    def _conversation(self, log: LogId, row: Row) -> Conversation:
        """One whose newest event is damaged, or another's, is told of and listed without it."""
        peer, read, unread, last, _, stored = row[:6]
        event = None if stored is None else event_of(log, row, 5)
        if event is None or peer != (event.to if event.kind == "sent" else event.sender):
            self._db.damaged(Damaged(log=log, seq=last))
            event = None
        return Conversation(peer=peer, seq=read, unread=unread, last=event)

    async def _inbox(self, user: UserId) -> int:
        """The number of the user's inbox. Raises NoSuchUser."""
        row = await self._db.row("SELECT number FROM logs WHERE name = $1", inbox_log(user))
        if row is None:
            raise NoSuchUser()
        return int(row[0])

    # -- writing ------------------------------------------------------------

    async def _noted(self, inbox: int, place: LogId, seq: int | None) -> tuple[int, bool]:
        """Have it written with the next; the mark as it is then, and whether this changed it."""
        loop = asyncio.get_running_loop()
        written: asyncio.Future[tuple[int, bool]] = loop.create_future()
        self._notes.append(_Note(inbox, place, seq, written))
        if self._noting is None:
            self._noting = loop.create_task(self._write_notes())
        return await written

    async def finish_noting(self) -> None:
        """Wait until all that was marked is told."""
        while self._noting is not None:
            await asyncio.wait([self._noting])

    async def _write_notes(self) -> None:
        while self._notes:
            notes, self._notes = self._notes, []
            try:
                results = await self._write(notes)
            except Exception as error:
                for note in notes:
                    if not note.written.done():
                        note.written.set_exception(error)
                continue
            for note, result in zip(notes, results, strict=True):
                if not note.written.done():
                    note.written.set_result(result)
        self._noting = None

    async def _write(self, notes: Sequence[_Note]) -> list[tuple[int, bool]]:
        """Move the marks that have to be moved: devices that agree cost no transaction."""
        marks = await self._marks(notes)
        rounds: list[list[_Note]] = []
        writes: Counter[_Spot] = Counter()
        results: dict[int, tuple[int, bool]] = {}
        for n, note in enumerate(notes):
            spot = note.log, note.place
            mark = marks.get(spot)
            if mark is None if note.seq is None else mark is not None and note.seq <= mark:
                results[n] = mark or 0, False
                continue
            if writes[spot] == len(rounds):
                rounds.append([])
            rounds[writes[spot]].append(note)
            writes[spot] += 1
            marks[spot] = note.seq
        moved: set[int] = set()
        if rounds:
            async with self._db.writing() as connection:
                for turn in rounds:
                    moved |= await _write_round(connection, turn)
        if len(moved) + len(results) < len(notes):  # another node was quicker, just now
            marks = await self._marks(notes)
        for n, note in enumerate(notes):
            if id(note) in moved:
                results[n] = note.seq or 0, True
            elif n not in results:
                results[n] = max(note.seq or 0, marks.get((note.log, note.place)) or 0), False
        return [results[n] for n in range(len(notes))]

    async def _marks(self, notes: Sequence[_Note]) -> "dict[_Spot, int | None]":
        rows = await self._db.rows(_MARKS, [note.log for note in notes], [note.place for note in notes])
        return {(notes[n - 1].log, notes[n - 1].place): seq for n, seq in rows}


async def _write_round(connection: Connection, notes: Sequence[_Note]) -> set[int]:
    """Write notes of which no two are of one mark; those that changed it, by their `id()`."""
    raised = [note for note in notes if note.seq is not None]
    removed = [note for note in notes if note.seq is None]
    changed: set[_Spot] = set()
    for sql, some in ((_RAISE, raised), (_REMOVE, removed)):
        if some:
            columns: list[list[object]] = [[note.log for note in some], [note.place for note in some]]
            if some is raised:
                columns.append([note.seq for note in some])
            changed |= {(log, place) for log, place in await connection.fetch(sql, *columns)}
    return {id(note) for note in notes if (note.log, note.place) in changed}
