"""Reading logs from SQLite: where they end, their pages, one event."""

from hubbub.domain.events import Event, Gap
from hubbub.domain.ids import LogId
from hubbub.storage.base import (
    EVERYTHING,
    MAX_PAGE,
    MAX_PAGE_BYTES,
    Between,
    Everything,
    Page,
    Received,
    View,
)
from hubbub.storage.sqlite.database import Database, Row
from hubbub.storage.sqlite.held import Held
from hubbub.storage.sqlite.places import Place, Places, head_of, last_position, position, seq_at

REMEMBERED_LOGS = 32_768
"""Some 250 bytes each."""

_COLUMNS = "position, id, sent, sender, recipient, text, key, sent_at_ms"
_FIND = f"SELECT number, floor, {last_position('number')} FROM logs WHERE name = ?"  # noqa: S608


def event_of(log: LogId, row: Row) -> Event:
    at, id, sent, sender, recipient, text, key, sent_at_ms = row
    return Event(
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


class Logs:
    """The reading half of the logs."""

    def __init__(self, database: Database, *, alone: bool) -> None:
        """`alone`: no other process adds events, so that what was seen of a log may be remembered."""
        self._db = database
        self._places = Places(REMEMBERED_LOGS if alone else 0)
        self._held = Held()

    def _place(self, log: LogId) -> Place | None:
        place = self._places.get(log)
        if place is None and (row := self._db.row(_FIND, (log,))):
            number, floor, last = row
            place = Place(number, head_of(last, floor), floor)
            self._places.put(log, place)
        return place

    async def head(self, log: LogId) -> int | None:
        self._db.check()
        place = self._place(log)
        return None if place is None else self._held.visible(log, place.head)

    async def event(self, log: LogId, seq: int) -> Event | None:
        self._db.check()
        place = self._place(log)
        if place is None or not place.floor < seq <= self._held.visible(log, place.head):
            return None
        row = self._db.row(
            f"SELECT {_COLUMNS} FROM events WHERE position = ?",  # noqa: S608
            (position(place.number, seq),),
        )
        return None if row is None else event_of(log, row)

    async def page(
        self,
        log: LogId,
        *,
        view: View = EVERYTHING,
        after: int | None = None,
        before: int | None = None,
        limit: int = MAX_PAGE,
    ) -> Page:
        """See Store.page. Raises ValueError for both `after` and `before`: a page has one direction."""
        if after is not None and before is not None:
            raise ValueError("a page is read after or before a seq, not both")
        self._db.check()
        place = self._place(log)
        if place is None:
            return Page(events=(), head=0)
        head = self._held.visible(log, place.head)
        # Held to the log, whose neighbours in the table are other logs.
        low = place.floor if after is None else min(max(after, place.floor), head)
        high = head + 1 if before is None else min(max(before, place.floor + 1), head + 1)
        forward = after is not None
        events, more = self._read(log, view, place.number, low, high, forward, limit)
        if after is not None:
            gap = _gap(log, after + 1, place.floor)
        else:
            last = head if before is None else before - 1
            gap = None if more else _gap(log, 1, min(place.floor, last))
        return Page(events=events, head=head, gap=gap, more=more)

    def _read(
        self, log: LogId, view: View, number: int, low: int, high: int, forward: bool, limit: int
    ) -> tuple[list[Event], bool]:
        """The events of the view between `low` and `high`, neither included, and whether there are more."""
        sql, bindings = _select(view, forward)
        events: list[Event] = []
        size = 0
        limit = min(limit, MAX_PAGE)
        more = False
        with self._db.reading(
            sql, (position(number, low), position(number, high), limit + 1, *bindings)
        ) as rows:
            for row in rows:
                if len(events) == limit or size > MAX_PAGE_BYTES:
                    more = True
                    break
                event = event_of(log, row)
                events.append(event)
                size += len(event.text) if event.text.isascii() else len(event.text.encode())
        if not forward:
            events.reverse()
        return events, more


def _select(view: View, forward: bool) -> tuple[str, Row]:
    # The index is named because the planner, who counts on no numbers, might read all of an inbox instead.
    bindings: Row = ()
    match view:
        case Everything():
            source = "events WHERE TRUE"
        case Received():
            source = "events INDEXED BY events_received WHERE recipient IS NOT NULL AND sent = 0"
        case Between(peer=peer):
            source = "events INDEXED BY events_between WHERE recipient IS NOT NULL AND peer = ?4"
            bindings = (peer,)
    order = "ASC" if forward else "DESC"
    return (
        f"SELECT {_COLUMNS} FROM {source} AND position > ?1 AND position < ?2"  # noqa: S608
        f" ORDER BY position {order} LIMIT ?3"
    ), bindings


def _gap(log: LogId, first: int, last: int) -> Gap | None:
    return Gap(log=log, first=first, last=last, reason="retention") if first <= last else None
