"""Giving a chain to the events of a store that was made before there was one.

It belongs to the transaction of the step that makes the columns, so that a store has all of it or nothing:
killed at any moment, it is of the old form.
"""

from collections.abc import Callable, Iterator

import apsw

from hubbub.domain import chain
from hubbub.domain.errors import Damaged
from hubbub.domain.events import Event
from hubbub.domain.ids import LogId
from hubbub.storage.sqlite.database import Row
from hubbub.storage.sqlite.places import seq_at

CHAINED = 2
"""The form of the database from which on events are chained."""

_AT_ONCE = 1_000
"""Events read before they are written to, some hundred kilobytes: no statement reads what another changes."""

_PART = """
    SELECT position, name, id, sent, sender, recipient, text, key, sent_at_ms
    FROM events JOIN logs ON number = position >> 36 WHERE position > ? ORDER BY position LIMIT ?
"""
_TIE = "UPDATE events SET salt = ?, digest = ?, link = ? WHERE position = ?"

Tie = tuple[bytes, bytes, bytes, int]


def fill(connection: apsw.Connection, randomness: Callable[[int], bytes]) -> None:
    """Chain every event there is, each log from its floor on.

    Some 10 µs an event; the write-ahead log grows to the size of the table meanwhile.
    """
    events = _Events(connection, randomness)
    while ties := list(events.next_ties()):
        connection.executemany(_TIE, ties)


class _Events:
    """All events in the order of the table: how far they were read, and the link of the last one."""

    def __init__(self, connection: apsw.Connection, randomness: Callable[[int], bytes]) -> None:
        self._connection = connection
        self._randomness = randomness
        self._at = -1
        self._log = LogId("")
        self._link = b""

    def next_ties(self) -> Iterator[Tie]:
        """What ties the next events to those before them."""
        rows: list[Row] = self._connection.execute(_PART, (self._at, _AT_ONCE)).fetchall()
        salts = self._randomness(chain.SALT_BYTES * len(rows))
        for number, (at, log, id, sent, sender, recipient, text, key, sent_at_ms) in enumerate(rows):
            # Written out here: what is read of an event elsewhere may change, and a released step may not.
            event = Event(
                log=log,
                seq=seq_at(at),
                id=id,
                kind="sent" if sent else "message",
                sender=sender,
                to=recipient,
                text=text,
                key=key,
                sent_at_ms=sent_at_ms,
            )
            if at <= self._at:
                raise Damaged("The order in which events are stored is broken.")
            if log != self._log:
                self._log, self._link = log, chain.first_link(log)
            salt = salts[number * chain.SALT_BYTES : (number + 1) * chain.SALT_BYTES]
            digest = chain.digest(salt, event)
            self._link = chain.link(self._link, digest)
            self._at = at
            yield salt, digest, self._link, at
