"""How far people have read, in PostgreSQL, and whom they have talked to."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from itertools import groupby

import msgspec

from hubbub.domain.errors import Damaged, NoSuchUser
from hubbub.domain.events import Event
from hubbub.domain.ids import LogId, RoomId, UserId, inbox_log, room_log
from hubbub.domain.model import Conversation, Followed
from hubbub.storage.base import MAX_PAGE, MAX_PAGE_BYTES, MOST_UNREAD
from hubbub.storage.postgres.database import Database
from hubbub.storage.postgres.logs import PEER, Logs, event_of, stored_at
from hubbub.storage.postgres.rooms import ABOVE_ALL
from hubbub.storage.postgres.texts import is_storable

MOST_COUNTED = 20_000
"""A page of conversations ends with the one at which it has counted so much."""

MOST_NOTES = 2_000
"""Marks that are moved in one transaction."""

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
            SELECT seq, octet_length(to_json(text)::text) AS bytes FROM events
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
    SELECT peer, read, unread, last, counted > {MOST_COUNTED} OR size > {MAX_PAGE_BYTES} AS dear
    FROM each WHERE nth > 0 ORDER BY nth
"""  # noqa: S608

_MARKS = """
    SELECT nth, number, seq
    FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS asked (inbox, spot, nth)
    JOIN logs ON logs.name = inbox
    LEFT JOIN marks ON log = number AND place = spot
"""
# Each is given marks by inbox, place and seq, and locks them in that order. So do all nodes, or two of them
# would wait for each other.
_RAISE = """
    INSERT INTO marks (log, place, seq)
    SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[]) AS news (log, place, seq)
    ORDER BY log, place COLLATE "C"
    ON CONFLICT (log, place) DO UPDATE SET seq = excluded.seq WHERE excluded.seq > marks.seq
    RETURNING log, place
"""
_REMOVE = """
    WITH gone AS MATERIALIZED (
        SELECT marks.log, marks.place
        FROM unnest($1::bigint[], $2::text[], $3::bigint[]) AS asked (log, place, seq)
        JOIN marks ON marks.log = asked.log AND marks.place = asked.place
        ORDER BY marks.log, marks.place FOR UPDATE OF marks
    )
    DELETE FROM marks USING gone WHERE marks.log = gone.log AND marks.place = gone.place
    RETURNING marks.log, marks.place
"""


_Spot = tuple[int, LogId]
"""Whose mark, by the number of their inbox, and where."""


class _Note(msgspec.Struct, frozen=True, gc=False):
    """One mark that is to be moved, or removed when `seq` is None."""

    inbox: LogId
    place: LogId
    seq: int | None
    written: "asyncio.Future[tuple[int, bool]]"
    """The mark as it is now, and whether this changed it."""


class _Write(msgspec.Struct, frozen=True, gc=False):
    """A note that is to be written, with its place among the others."""

    nth: int
    spot: _Spot
    seq: int | None


class Marks(Logs):
    """The marks that are moved while others are being written share the next transaction: a thousand people
    may be reading what was posted a moment ago.

    Always true: those who wait are told in the order in which they asked, which is the order of the writes.
    """

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._notes: list[_Note] = []
        self._noting: asyncio.Task[None] | None = None

    async def mark(self, user: UserId, place: LogId, seq: int) -> tuple[int, bool]:
        """See Store.mark."""
        return await self._noted(inbox_log(user), place, seq)

    async def unmark(self, user: UserId, place: LogId) -> bool:
        """See Store.unmark."""
        _, changed = await self._noted(inbox_log(user), place, None)
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
        log, inbox = inbox_log(user), await self._inbox(user)
        limit = min(limit, MAX_PAGE)
        async with self._db.reading() as connection:
            rows = await connection.fetch(_PEERS, inbox, after or "", user, limit + 1)
            stored = await stored_at(connection.fetch, [(inbox, last) for _, _, _, last, _ in rows[:limit]])
        more = len(rows) > limit or (bool(rows) and rows[-1][-1])
        events = {row[1]: event_of(log, row, 1) for row in stored}
        found = []
        for peer, read, unread, last, _ in rows[:limit]:
            event = self._last(log, peer, last, events.get(last))
            found.append(Conversation(peer=peer, seq=read, unread=unread, last=event))
        return found, more

    def _last(self, log: LogId, peer: UserId, seq: int, event: Event | None) -> Event | None:
        """None for one that is damaged, or another's: that is told, and the conversations are listed."""
        if event is None or peer != (event.to if event.kind == "sent" else event.sender):
            self._db.damaged(Damaged(log=log, seq=seq))
            return None
        return event

    async def _inbox(self, user: UserId) -> int:
        """The number of the user's inbox. Raises NoSuchUser."""
        row = await self._db.row("SELECT number FROM logs WHERE name = $1", inbox_log(user))
        if row is None:
            raise NoSuchUser()
        return int(row[0])

    # -- writing ------------------------------------------------------------

    async def _noted(self, inbox: LogId, place: LogId, seq: int | None) -> tuple[int, bool]:
        """Have it written with the next; the mark as it is then, and whether this changed it."""
        if not is_storable(inbox) or not is_storable(place):
            raise NoSuchUser()
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
            notes, self._notes = self._notes[:MOST_NOTES], self._notes[MOST_NOTES:]
            try:
                results = await self._write(notes)
            except Exception as error:
                for note in notes:
                    if not note.written.done():
                        note.written.set_exception(error)
                continue
            for note, result in zip(notes, results, strict=True):
                if note.written.done():
                    continue
                if result is None:
                    note.written.set_exception(NoSuchUser())
                else:
                    note.written.set_result(result)
        self._noting = None

    async def _write(self, notes: Sequence[_Note]) -> list[tuple[int, bool] | None]:
        """Move the marks that have to be moved: devices that agree cost no transaction. None for those of
        nobody."""
        found = await self._marks(notes)
        results: list[tuple[int, bool] | None] = [None] * len(notes)
        marks = dict(found.values())
        rounds: list[list[_Write]] = []
        earlier: Counter[_Spot] = Counter()
        for n, note in enumerate(notes):
            if n not in found:
                continue
            spot, _ = found[n]
            mark = marks[spot]
            if mark is None if note.seq is None else mark is not None and note.seq <= mark:
                results[n] = mark or 0, False
                continue
            if earlier[spot] == len(rounds):
                rounds.append([])
            rounds[earlier[spot]].append(_Write(n, spot, note.seq))
            earlier[spot] += 1
            marks[spot] = note.seq
        if rounds:
            moved = await self._write_rounds(rounds)
            if moved < {n for n in found if results[n] is None}:  # another node was quicker, just now
                found = await self._marks(notes)
            for write in (write for each in rounds for write in each):
                if write.nth in moved:
                    results[write.nth] = write.seq or 0, True
                else:
                    results[write.nth] = max(write.seq or 0, found[write.nth][1] or 0), False
        return results

    async def _marks(self, notes: Sequence[_Note]) -> dict[int, tuple[_Spot, int | None]]:
        """What is marked, by the place of the note; nothing for those of nobody."""
        rows = await self._db.rows(_MARKS, [note.inbox for note in notes], [note.place for note in notes])
        return {nth - 1: ((number, notes[nth - 1].place), seq) for nth, number, seq in rows}

    async def _write_rounds(self, rounds: Sequence[Sequence[_Write]]) -> set[int]:
        """In none of them two of one mark. Those that changed it, by their place."""
        moved: set[int] = set()
        async with self._db.writing() as connection:
            for each in rounds:
                changed: set[_Spot] = set()
                for sql, run in groupby(sorted(each, key=_spot_of), key=_statement_for):
                    marks = [(*write.spot, write.seq) for write in run]
                    rows = await connection.fetch(sql, *zip(*marks, strict=True))
                    changed |= {(log, place) for log, place in rows}
                moved |= {write.nth for write in each if write.spot in changed}
        return moved


def _spot_of(write: _Write) -> _Spot:
    return write.spot


def _statement_for(write: _Write) -> str:
    return _REMOVE if write.seq is None else _RAISE
