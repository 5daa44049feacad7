"""What a window of messages looks like, row by row, in the reader's time zone."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta, tzinfo

from msgspec import Struct

from hubbub.chat.state.outbox import Outbox, Pending
from hubbub.chat.state.timeline import Removed, Said, Timeline

ONE_BREATH = timedelta(minutes=5)
"""Messages of one person that follow on each other within this stand under one name."""


class DayRow(Struct, frozen=True):
    key: str
    day: date


class NewRow(Struct, frozen=True):
    """What follows was not read when the place was opened."""

    key: str = "new"


class StartRow(Struct, frozen=True):
    """The place begins here."""

    key: str = "start"


class RemovedRow(Struct, frozen=True):
    key: str
    count: int


class SaidRow(Struct, frozen=True):
    key: str
    sender: str
    text: str
    at: datetime
    """In the reader's zone."""
    headed: bool
    """Whether the name stands above it."""


class PendingRow(Struct, frozen=True):
    key: str
    pending: Pending
    sender: str
    at: datetime
    headed: bool


Row = DayRow | NewRow | StartRow | RemovedRow | SaidRow | PendingRow


def rows(timeline: Timeline, pending: Outbox, me: str, zone: tzinfo | None) -> tuple[Row, ...]:
    """Each with a key that stays with it for as long as it is shown.

    What is pending stands below the newest, so it is left out while the window does not reach it.
    """
    shown: list[Row] = [StartRow()] if timeline.reaches_start else []
    shown += _stored(timeline, me, zone)
    if timeline.reaches_end or not timeline.entries:
        shown += _pending(timeline, pending, me, zone)
    return tuple(shown)


def _stored(timeline: Timeline, me: str, zone: tzinfo | None) -> Iterator[Row]:
    day: date | None = None
    above: tuple[str, datetime] | None = None
    read_before = timeline.read_before
    # Only where it is certain: what is above the window may be unread as well.
    marked = read_before is None or not (timeline.reaches_start or timeline.first <= read_before)
    for entry in timeline.entries:
        if isinstance(entry, Removed):
            above = None
            yield RemovedRow(f"gap-{entry.last}", entry.last - entry.first + 1)
            continue
        at = entry.at.astimezone(zone)
        if at.date() != day:
            day, above = at.date(), None
            yield DayRow(f"day-{day}-{entry.seq}", day)
        if not marked and _is_first_unread(entry, timeline, me):
            marked, above = True, None
            yield NewRow()
        yield SaidRow(f"said-{entry.seq}", entry.sender, entry.text, at, _headed(above, entry.sender, at))
        above = (entry.sender, at)


def _is_first_unread(entry: Said, timeline: Timeline, me: str) -> bool:
    """What I wrote elsewhere needs no telling."""
    return entry.sender != me and entry.seq > (timeline.read_before or 0)


def _pending(timeline: Timeline, pending: Outbox, me: str, zone: tzinfo | None) -> Iterator[Row]:
    newest = timeline.entries[-1] if timeline.entries else None
    above = (newest.sender, newest.at.astimezone(zone)) if isinstance(newest, Said) else None
    day = above[1].date() if above else None
    for each in pending:
        at = each.at.astimezone(zone)
        if at.date() != day:
            day, above = at.date(), None
            yield DayRow(f"day-{day}-{each.key}", day)
        yield PendingRow(f"pending-{each.key}", each, me, at, _headed(above, me, at))
        above = (me, at)


def _headed(above: tuple[str, datetime] | None, sender: str, at: datetime) -> bool:
    return above is None or above[0] != sender or at - above[1] > ONE_BREATH
