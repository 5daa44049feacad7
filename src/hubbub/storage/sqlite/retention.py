"""Removing old events from SQLite. What a retry needs of them stays with their keys."""

from collections.abc import Sequence

import apsw

from hubbub.domain.events import Gap
from hubbub.storage.base import MAX_PAGE
from hubbub.storage.sqlite.append import digest_of
from hubbub.storage.sqlite.logs import Logs
from hubbub.storage.sqlite.places import position, seq_at

_OLD = "SELECT number, name, floor FROM logs WHERE oldest_ms < ? ORDER BY oldest_ms LIMIT ?"
_FROM = """
    SELECT position, id, sender, text, key, sent, sent_at_ms FROM events
    WHERE position > ? AND position < ? ORDER BY position LIMIT ?
"""
_KEEP = "UPDATE keys SET id = ?, sent_at_ms = ?, digest = ? WHERE log = ? AND sender = ? AND key = ?"


class Retention(Logs):
    async def trim(self, *, sent_before_ms: int, limit: int) -> Sequence[Gap]:
        """See Store.trim. Blocks the loop for some 10 µs an event, so `limit` is best kept in the hundreds.

        A log whose first event claims a later time than those behind it (a clock that was set back) is
        left alone until that event's time has come: events go from the start of a log only.
        """
        if not self._db.rows(_OLD, (sent_before_ms, 1)):
            return ()
        gaps: list[Gap] = []
        async with self._db.saving() as cursor:
            for number, name, floor in self._db.rows(_OLD, (sent_before_ms, min(limit, MAX_PAGE))):
                if name in self._held:
                    continue  # nobody has been told yet of all it has: the next time
                last = self._cut(cursor, number, floor, sent_before_ms, limit)
                gaps.append(Gap(log=name, first=floor + 1, last=last, reason="retention"))
                limit -= last - floor
                if limit <= 0:
                    break
        for gap in gaps:
            self._places.forget(gap.log)
        self._db.tidy()
        return gaps

    def _cut(self, cursor: apsw.Cursor, number: int, floor: int, sent_before_ms: int, limit: int) -> int:
        """Remove up to `limit` events from the start of a log; the seq of the last one removed."""
        end = position(number + 1, 0)
        last = position(number, floor)
        oldest_ms = None
        with self._db.reading(_FROM, (last, end, limit + 1)) as rows:
            for taken, (at, id, sender, text, key, sent, sent_at_ms) in enumerate(rows):
                if taken == limit or sent_at_ms >= sent_before_ms:
                    oldest_ms = sent_at_ms
                    break
                last = at
                if key is not None and not sent:
                    cursor.execute(_KEEP, (id, sent_at_ms, digest_of(text), number, sender, key))
        cursor.execute(
            "DELETE FROM events WHERE position > ? AND position <= ?", (position(number, floor), last)
        )
        cursor.execute(
            "UPDATE logs SET floor = ?, oldest_ms = ? WHERE number = ?", (seq_at(last), oldest_ms, number)
        )
        return seq_at(last)
