"""Reading logs from PostgreSQL: where they end, their pages, one event.

Every answer comes from one statement, and so from one moment: a head, a floor and the events between them fit
together whatever other nodes write or remove meanwhile.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence

from hubbub.domain import chain
from hubbub.domain.errors import Damaged
from hubbub.domain.events import Event
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
from hubbub.storage.pages import page_of
from hubbub.storage.postgres.database import Database, Row
from hubbub.storage.postgres.texts import is_storable

COLUMNS = "seq, id, sent, sender, recipient, text, key, sent_at_ms, salt, digest"
PEER = "(CASE WHEN sent THEN recipient ELSE sender END)"
"""As the index events_between has it."""

LAST_SEQ = (1 << 63) - 1

Fetch = Callable[..., Awaitable[list[Row]]]
"""Takes a statement and what goes in it; raises UnicodeDecodeError for a text that is none any more."""

_HEAD = "SELECT head FROM logs WHERE name = $1"
_HEADS = "SELECT name, head FROM logs WHERE name = ANY($1::text[])"
_EVENT = f"""
    SELECT floor, head, {COLUMNS}
    FROM logs LEFT JOIN events ON log = number AND seq = $2
    WHERE name = $1
"""  # noqa: S608

_STORED = f"""
    SELECT events.log, {", ".join("events." + column for column in COLUMNS.split(", "))}
    FROM unnest($1::bigint[], $2::bigint[]) AS asked (log, seq)
    JOIN events ON events.log = asked.log AND events.seq = asked.seq
"""  # noqa: S608


def read_event(log: LogId, row: Row, at: int = 0) -> Event:
    """What a row says from column `at` on, true or not."""
    return Event(
        log=log,
        seq=row[at],
        id=row[at + 1],
        kind="sent" if row[at + 2] else "message",
        sender=row[at + 3],
        to=row[at + 4],
        text=row[at + 5],
        key=row[at + 6],
        sent_at_ms=row[at + 7],
    )


def event_of(log: LogId, row: Row, at: int = 0) -> Event | None:
    """The event of a row, or None when it is not the one that was written there."""
    event = read_event(log, row, at)
    return event if chain.holds(event, row[at + 8], row[at + 9]) else None


async def stored_at(fetch: Fetch, places: Sequence[tuple[int, int]]) -> list[Row]:
    """What is stored at these numbers of logs and seqs, as far as it can be read at all; with the number
    before the event."""
    if not places:
        return []
    try:
        return await fetch(_STORED, *zip(*places, strict=True))
    except UnicodeDecodeError:
        half = len(places) // 2
        if half == 0:
            return []
        return await stored_at(fetch, places[:half]) + await stored_at(fetch, places[half:])


async def readable(read: Callable[[int], Awaitable[list[Row]]], limit: int) -> tuple[list[Row], bool]:
    """Of what `read` gives, which takes a limit, the rows before one with a text that is none any more; and
    whether there was one."""
    try:
        return await read(limit), False
    except UnicodeDecodeError:
        rows, sound = await read(0), 0
        while limit - sound > 1:
            middle = (sound + limit) // 2
            try:
                rows, sound = await read(middle), middle
            except UnicodeDecodeError:
                limit = middle
        return rows, True


class Logs:
    """The reading half of the logs."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def head(self, log: LogId) -> int | None:
        row = await self._db.row(_HEAD, log)
        return None if row is None else int(row[0])

    async def heads(self, logs: Sequence[LogId]) -> Mapping[LogId, int]:
        """See Store.heads."""
        return {
            row[0]: row[1] for row in await self._db.rows(_HEADS, [log for log in logs if is_storable(log)])
        }

    async def event(self, log: LogId, seq: int) -> Event | None:
        try:
            rows = await self._db.undecoded(_EVENT, log, seq)
        except UnicodeDecodeError as error:
            raise self._db.damaged(Damaged(log=log, seq=seq)) from error
        if not rows:
            return None
        floor, head, stored = rows[0][:3]
        if not floor < seq <= head:
            return None
        event = None if stored is None else event_of(log, rows[0], 2)
        if event is None:
            raise self._db.damaged(Damaged(log=log, seq=seq))
        return event

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
        forward = after is not None
        bound = after if after is not None else LAST_SEQ if before is None else before
        peer = (view.peer,) if isinstance(view, Between) else ()
        sql = _PAGES[type(view), forward]
        rows, is_cut = await readable(
            lambda most: self._db.undecoded(sql, log, bound, most, *peer), min(limit, MAX_PAGE) + 1
        )
        if not rows:
            return Page(events=(), head=0)
        floor, head = rows[0][:2]
        try:
            return page_of(
                log,
                view,
                _found(log, rows, is_cut),
                after=after,
                before=before,
                limit=limit,
                floor=floor,
                head=head,
            )
        except Damaged as damage:
            raise self._db.damaged(damage) from None


def _found(log: LogId, rows: Sequence[Row], is_cut: bool) -> Iterator[tuple[int, Event | None]]:
    for row in rows:
        if row[2] is not None:  # else the log's row stands alone
            yield row[2], event_of(log, row, 2)
    if is_cut:
        raise UnicodeDecodeError("utf-8", b"", 0, 0, "there is one more, which cannot be read")


def _select(view: type[View], forward: bool) -> str:
    """A page in one statement: $1 the log, $2 a seq that is not of the page any more, $3 how many.

    What passes the bound on bytes ends the page. The one event after that is read too, to show that there is
    more: so two are left out of the sum.
    """
    also = {
        Everything: "",
        Received: "AND recipient IS NOT NULL AND NOT sent",
        Between: f"AND recipient IS NOT NULL AND {PEER} = $4",
    }[view]
    if forward:
        order, span = "ASC", "seq > GREATEST($2, floor) AND seq <= head"
    else:
        order, span = "DESC", "seq > floor AND seq < LEAST($2, head + 1)"
    return f"""
        SELECT floor, head, {COLUMNS}
        FROM logs LEFT JOIN LATERAL (
            SELECT *, sum(octet_length(text)) OVER (
                ORDER BY seq {order} ROWS BETWEEN UNBOUNDED PRECEDING AND 2 PRECEDING
            ) AS before
            FROM (
                SELECT {COLUMNS} FROM events WHERE log = number AND {span} {also}
                ORDER BY seq {order} LIMIT $3
            ) AS few
        ) AS page ON before IS NULL OR before <= {MAX_PAGE_BYTES}
        WHERE name = $1 ORDER BY seq {order}
    """  # noqa: S608


_PAGES = {
    (view, forward): _select(view, forward)
    for view in (Everything, Received, Between)
    for forward in (True, False)
}
