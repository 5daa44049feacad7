"""Reading logs from SQLite: where they end, their pages, one event."""

from collections import Counter
from collections.abc import Mapping, Sequence

from hubbub.domain import chain
from hubbub.domain.errors import Damaged
from hubbub.domain.events import Event
from hubbub.domain.ids import LogId
from hubbub.storage.base import (
    EVERYTHING,
    MAX_PAGE,
    Between,
    Everything,
    Page,
    Received,
    View,
)
from hubbub.storage.pages import bounds, page_of
from hubbub.storage.sqlite.database import Database, Row
from hubbub.storage.sqlite.held import Held
from hubbub.storage.sqlite.places import Place, Places, head_of, last_position, position, seq_at

REMEMBERED_LOGS = 32_768
"""Some 250 bytes each."""

COLUMNS = "position, id, sent, sender, recipient, text, key, sent_at_ms, salt, digest"
_FIND = f"SELECT number, floor, oldest_ms, {last_position('number')} FROM logs WHERE name = ?"  # noqa: S608


def read_event(log: LogId, row: Row) -> Event:
    """What a row says, true or not."""
    at, id, sent, sender, recipient, text, key, sent_at_ms, _, _ = row
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


def event_of(log: LogId, row: Row) -> Event | None:
    """The event of a row, or None when it is not the one that was written there."""
    event = read_event(log, row)
    return event if chain.holds(event, row[-2], row[-1]) else None


class Logs:
    """The reading half of the logs."""

    def __init__(self, database: Database, *, alone: bool) -> None:
        """`alone`: no other process adds events, so that what was seen of a log may be remembered."""
        self._db = database
        self._alone = alone
        self._places = Places(REMEMBERED_LOGS if alone else 0)
        self._held = Held()
        self._cuts: Counter[LogId] = Counter()
        """How many removals from a log are committed, and not yet on disk."""

    def _place(self, log: LogId) -> Place | None:
        place = self._places.get(log)
        if place is None and (row := self._db.row(_FIND, (log,))):
            number, floor, oldest_ms, last = row
            if type(number) is not int or type(floor) is not int or (last is None) != (oldest_ms is None):
                # Also a log that has events and shows none: what leads to them may be damaged.
                raise self._db.damaged(Damaged(log=log))
            place = Place(number, head_of(last, floor), floor)
            self._places.put(log, place)
        return place

    async def head(self, log: LogId) -> int | None:
        self._db.check()
        place = self._place(log)
        return None if place is None else self._visible(log, place)

    async def heads(self, logs: Sequence[LogId]) -> Mapping[LogId, int]:
        """See Store.heads."""
        heads = {log: await self.head(log) for log in logs}
        return {log: head for log, head in heads.items() if head is not None}

    def _visible(self, log: LogId, place: Place) -> int:
        """The last seq that readers may be told of."""
        return self._held.visible(log, place.head)

    async def _cuts_are_on_disk(self, log: LogId) -> None:
        """Nobody is told that something is gone which would be there again after a power cut."""
        while self._cuts[log]:
            await self._db.synced()

    async def event(self, log: LogId, seq: int) -> Event | None:
        self._db.check()
        await self._cuts_are_on_disk(log)
        while (place := self._place(log)) is not None and place.floor < seq <= self._visible(log, place):
            event = self._event_at(log, place, seq)
            if event is not None:
                return event
            if not self._was_cut(log, place):
                raise self._db.damaged(Damaged(log=log, seq=seq))
        return None

    def _event_at(self, log: LogId, place: Place, seq: int) -> Event | None:
        """None for one that is missing. Raises Damaged for one that is not as it was written."""
        sql = f"SELECT {COLUMNS} FROM events WHERE position = ?"  # noqa: S608
        event = None
        with self._db.reading(sql, (position(place.number, seq),)) as rows:
            try:
                row = next(rows, None)
            except UnicodeDecodeError:
                row = ()
        if row is None:
            return None
        if row:
            event = event_of(log, row)
        if event is None:
            raise self._db.damaged(Damaged(log=log, seq=seq))
        return event

    def _was_cut(self, log: LogId, place: Place) -> bool:
        """Whether another process, which serves from this store, removed events since `place` was read."""
        if self._alone:
            return False
        fresh = self._place(log)
        return fresh is None or fresh.floor != place.floor

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
        await self._cuts_are_on_disk(log)
        while (place := self._place(log)) is not None:
            head = self._visible(log, place)
            # Held to the log, whose neighbours in the table are other logs.
            low, high = bounds(after, before, place.floor, head)
            sql, bindings = _select(view, place.number, after is not None)
            span = position(place.number, low), position(place.number, high), min(limit, MAX_PAGE) + 1
            try:
                with self._db.reading(sql, (*span, *bindings)) as rows:
                    return page_of(
                        log,
                        view,
                        ((seq_at(row[0]), event_of(log, row)) for row in rows),
                        after=after,
                        before=before,
                        limit=limit,
                        floor=place.floor,
                        head=head,
                    )
            except Damaged as damage:
                if self._was_cut(log, place):
                    continue
                raise self._db.damaged(damage) from damage.__cause__
        return Page(events=(), head=0)


def _select(view: View, number: int, forward: bool) -> tuple[str, Row]:
    # The index is named because the planner, who counts on no numbers, might read all of an inbox instead.
    bindings: Row = ()
    match view:
        case Everything():
            source = "events WHERE TRUE"
        case Received():
            source = "events INDEXED BY events_received WHERE recipient IS NOT NULL AND sent = 0"
        case Between(peer=peer):
            source = (
                "events INDEXED BY events_between"
                " WHERE recipient IS NOT NULL AND position >> 36 = ?4 AND peer = ?5"
            )
            bindings = (number, peer)
    order = "ASC" if forward else "DESC"
    return (
        f"SELECT {COLUMNS} FROM {source} AND position > ?1 AND position < ?2"  # noqa: S608
        f" ORDER BY position {order} LIMIT ?3"
    ), bindings
