"""Removing old events from SQLite. What a retry needs of them stays with their keys."""

from collections.abc import Iterator, Sequence
from contextlib import suppress

import apsw

from hubbub.domain import chain
from hubbub.domain.errors import Damaged
from hubbub.domain.events import Event, Gap
from hubbub.domain.ids import LogId
from hubbub.storage.base import MAX_PAGE
from hubbub.storage.sqlite.append import Appending
from hubbub.storage.sqlite.database import Row
from hubbub.storage.sqlite.logs import COLUMNS, event_of
from hubbub.storage.sqlite.places import position

_OLD = "SELECT number, name, floor FROM logs WHERE oldest_ms < ? ORDER BY oldest_ms LIMIT ?"
_FROM = f"SELECT {COLUMNS}, link FROM events WHERE position > ? AND position < ? ORDER BY position LIMIT ?"  # noqa: S608
_COPY = "SELECT receipt FROM keys WHERE log = ? AND sender = ? AND key = ?"
_CUT = "DELETE FROM events WHERE position > ? AND position <= ?"
_RAISE = "UPDATE logs SET floor = ?, link = ?, oldest_ms = ? WHERE number = ?"
_KEEP = "UPDATE keys SET id = ?, sent_at_ms = ?, digest = ? WHERE log = ? AND sender = ? AND key = ?"


class Retention(Appending):
    async def trim(self, *, sent_before_ms: int, limit: int) -> Sequence[Gap]:
        """See Store.trim. Blocks the loop for some 10 µs an event, so `limit` is best kept in the hundreds.

        A log whose first event claims a later time than those behind it (a clock that was set back) is
        left alone until that event's time has come: events go from the start of a log only. So is one
        from where it is damaged: what a retry needs could not be kept.
        """
        if not self._db.rows(_OLD, (sent_before_ms, 1)):
            return ()
        gaps: list[Gap] = []
        with self._db.writing() as cursor:
            for number, name, floor in self._db.rows(_OLD, (sent_before_ms, min(limit, MAX_PAGE))):
                if name in self._held:
                    continue  # nobody has been told yet of all it has: the next time
                last = self._cut(cursor, name, number, floor, sent_before_ms, limit)
                if last > floor:
                    gaps.append(Gap(log=name, first=floor + 1, last=last, reason="retention"))
                limit -= last - floor
                if limit <= 0:
                    break
        logs = [gap.log for gap in gaps]
        for log in logs:  # at once: what is posted and read from here on goes by what there is now
            self._places.forget(log)
        self._cuts.update(logs)
        self._db.after_sync(lambda failure: self._cuts_ended(logs))
        await self._db.synced()
        self._db.tidy()
        return gaps

    def _cuts_ended(self, logs: Sequence[LogId]) -> None:
        self._cuts.subtract(logs)
        self._cuts = +self._cuts

    def _cut(
        self, cursor: apsw.Cursor, log: LogId, number: int, floor: int, sent_before_ms: int, limit: int
    ) -> int:
        """Remove up to `limit` events from the start of a log; the seq of the last one removed."""
        last, link, oldest_ms = floor, None, None
        with self._db.reading(_FROM, (position(number, floor), position(number + 1, 0), limit + 1)) as rows:
            for event, its_link in _sound(log, floor, rows):
                if event is None:
                    self._db.damaged(Damaged(log=log, seq=last + 1))
                    oldest_ms = sent_before_ms - 1  # as old as the last that went: it is looked at again
                    break
                if last - floor == limit or event.sent_at_ms >= sent_before_ms:
                    oldest_ms = event.sent_at_ms
                    break
                last, link = event.seq, its_link
                if event.key is not None and event.kind == "message":
                    self._keep(cursor, number, event)
        if last > floor:
            cursor.execute(_CUT, (position(number, floor), position(number, last)))
            cursor.execute(_RAISE, (last, link, oldest_ms, number))
        return last

    def _keep(self, cursor: apsw.Cursor, number: int, event: Event) -> None:
        """Leave with the event's key what a retry of it needs."""
        row = self._db.row(_COPY, (number, event.sender, event.key))
        if row is not None:  # else it was lost, and is verify's to tell
            receipt = chain.receipt(self._salt(), event, row[0])
            cursor.execute(_KEEP, (event.id, event.sent_at_ms, receipt, number, event.sender, event.key))


def _sound(log: LogId, floor: int, rows: Iterator[Row]) -> Iterator[tuple[Event | None, bytes | None]]:
    """The events of `rows`, which follow on `floor`, with their links; None at the end for a damaged one."""
    with suppress(UnicodeDecodeError):
        for seq, row in enumerate(rows, floor + 1):
            event = event_of(log, row[:-1])
            if event is None or event.seq != seq:
                break
            yield event, row[-1]
        else:
            return
    yield None, None
