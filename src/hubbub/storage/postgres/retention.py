"""Removing old events from PostgreSQL. What a retry needs of them stays with their keys."""

from collections.abc import Sequence

from hubbub.domain import chain
from hubbub.domain.errors import Damaged
from hubbub.domain.events import Event, Gap
from hubbub.domain.ids import LogId
from hubbub.storage.postgres.append import Appending
from hubbub.storage.postgres.database import Connection
from hubbub.storage.postgres.logs import COLUMNS, event_of, readable

MOST_LOGS = 50
"""Logs of which events are removed at once: posts to them wait meanwhile."""

_ANY = "SELECT 1 FROM logs WHERE oldest_ms < $1 LIMIT 1"
# A log that another node is adding to, or removing from, is left for the next time.
_OLD = """
    SELECT number, name, floor FROM logs WHERE oldest_ms < $1 ORDER BY oldest_ms LIMIT $2
    FOR NO KEY UPDATE SKIP LOCKED
"""
_FROM = f"SELECT {COLUMNS}, link FROM events WHERE log = $1 AND seq > $2 ORDER BY seq LIMIT $3"  # noqa: S608
_COPIES = """
    SELECT keys.sender, keys.key, receipt
    FROM unnest($2::text[], $3::text[]) AS asked (sender, key)
    JOIN keys ON keys.log = $1 AND keys.sender = asked.sender AND keys.key = asked.key
"""
_KEEP = """
    UPDATE keys SET id = kept.id, sent_at_ms = kept.sent_at_ms, digest = kept.digest
    FROM unnest($2::text[], $3::text[], $4::text[], $5::bigint[], $6::bytea[])
        AS kept (sender, key, id, sent_at_ms, digest)
    WHERE keys.log = $1 AND keys.sender = kept.sender AND keys.key = kept.key
"""
_CUT = "DELETE FROM events WHERE log = $1 AND seq > $2 AND seq <= $3"
_RAISE = "UPDATE logs SET floor = $2, floor_link = $3, oldest_ms = $4 WHERE number = $1"


class Retention(Appending):
    async def trim(self, *, sent_before_ms: int, limit: int) -> Sequence[Gap]:
        """See Store.trim.

        A log whose first event claims a later time than those behind it (a clock that was set back) is
        left alone until that event's time has come: events go from the start of a log only. So is one
        from where it is damaged: what a retry needs could not be kept.
        """
        if not await self._db.rows(_ANY, sent_before_ms):
            return ()
        gaps: list[Gap] = []
        async with self._db.writing() as connection:
            old = await connection.fetch(_OLD, sent_before_ms, min(limit, MOST_LOGS))
            for number, name, floor in old:
                last = await self._cut(connection, name, number, floor, sent_before_ms, limit)
                if last > floor:
                    gaps.append(Gap(log=name, first=floor + 1, last=last, reason="retention"))
                limit -= last - floor
                if limit <= 0:
                    break
        return gaps

    async def _cut(
        self, connection: Connection, log: LogId, number: int, floor: int, sent_before_ms: int, limit: int
    ) -> int:
        """Remove up to `limit` events from the start of a log; the seq of the last one removed."""
        last, link, oldest_ms = floor, None, None
        keyed: list[Event] = []
        rows, is_cut = await readable(lambda most: connection.fetch(_FROM, number, floor, most), limit + 1)
        found: list[Event | None] = [event_of(log, row) for row in rows]
        for seq, event in enumerate([*found, None] if is_cut else found, floor + 1):
            if event is None or event.seq != seq:
                self._db.damaged(Damaged(log=log, seq=seq))
                oldest_ms = sent_before_ms - 1  # as old as the last that went: it is looked at again
                break
            if last - floor == limit or event.sent_at_ms >= sent_before_ms:
                oldest_ms = event.sent_at_ms
                break
            last, link = seq, rows[seq - floor - 1][-1]
            if event.key is not None and event.kind == "message":
                keyed.append(event)
        if last > floor:
            if keyed:
                await self._keep(connection, number, keyed)
            await connection.execute(_CUT, number, floor, last)
            await connection.execute(_RAISE, number, last, link, oldest_ms)
        return last

    async def _keep(self, connection: Connection, number: int, events: Sequence[Event]) -> None:
        """Leave with the events' keys what a retry of them needs."""
        by_key = {(event.sender, event.key): event for event in events}
        kept = []
        # A key that is not found was lost, and is verify's to tell.
        for sender, key, copy in await connection.fetch(_COPIES, number, *zip(*by_key, strict=True)):
            event = by_key[sender, key]
            kept.append((sender, key, event.id, event.sent_at_ms, chain.receipt(self._salt(), event, copy)))
        if kept:
            await connection.execute(_KEEP, number, *zip(*kept, strict=True))
