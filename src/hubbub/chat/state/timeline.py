"""The window of a place's messages that is in memory: pages are added at either end, and what is live."""

from datetime import datetime
from itertools import pairwise
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from hubbub.chat.state.places import Place
from hubbub.protocol.frames import GapFrame, LogFrame

MOST_ENTRIES = 300
"""Of one window. Each is a widget while it is there, and five screens of a tall terminal are in it."""

PAGE_ENTRIES = 60
"""More than a tall terminal shows at once."""


class Said(Struct, frozen=True, kw_only=True):
    seq: int
    sender: str
    text: str
    at: datetime
    """In UTC."""
    key: str | None = None


class Removed(Struct, frozen=True, kw_only=True):
    """The server has removed these, and says so."""

    first: int
    last: int


Entry = Said | Removed

Loading = Literal["no", "first", "older", "newer"]


class Timeline(Struct, frozen=True, kw_only=True):
    """Always true:

    * entries are in order, each once, and of the log nothing is left out between the first and the last;
    * there are MOST_ENTRIES at most;
    * when `reaches_end`, what is heard live is appended; else it is left to the pages, or, while a page is
      under way that may reach the end, held in `early`.
    """

    place: Place
    entries: tuple[Entry, ...] = ()
    reaches_start: bool = False
    reaches_end: bool = False
    following: bool = True
    """Whether the reader is at the newest: then the oldest are dropped for what is new, else the newest."""
    loading: Loading = "first"
    trouble: str = ""
    """Why the last page did not come."""
    read_before: int | None = None
    """The mark when the place was opened: the separator stands behind it. None when there was none."""
    early: tuple[Entry, ...] = ()
    missed: bool = False
    """More was heard during a page's loading than `early` holds."""

    @property
    def first(self) -> int:
        """The number of the first event of the window; 0 without any."""
        return _first(self.entries[0]) if self.entries else 0

    @property
    def last(self) -> int:
        return last_of(self.entries[-1]) if self.entries else 0


def entry_of(event: LogFrame) -> Entry:
    if isinstance(event, GapFrame):
        return Removed(first=event.first, last=event.last)
    return Said(
        seq=event.seq,
        sender=event.sender,
        text=event.text,
        at=datetime.fromisoformat(event.sent_at),
        key=event.key,
    )


def last_of(entry: Entry) -> int:
    return entry.last if isinstance(entry, Removed) else entry.seq


def heard(timeline: Timeline, entry: Entry) -> Timeline:
    """With what came live."""
    if timeline.loading in ("first", "newer"):
        if len(timeline.early) >= MOST_ENTRIES:
            return replace(timeline, missed=True)
        return replace(timeline, early=(*timeline.early, entry))
    if not timeline.reaches_end:
        return timeline
    return _bounded(
        replace(timeline, entries=_joined(timeline.entries, (entry,))), drop_oldest=timeline.following
    )


def loading(timeline: Timeline, what: Loading) -> Timeline:
    return replace(timeline, loading=what, trouble="")


def came_newest(timeline: Timeline, page: tuple[Entry, ...], *, reaches_start: bool) -> Timeline:
    """With the newest page in place of all that was there."""
    window = replace(timeline, entries=page, reaches_start=reaches_start, following=True)
    return _bounded(_landed(window, reaches_end=True), drop_oldest=True)


def came_older(timeline: Timeline, page: tuple[Entry, ...], *, reaches_start: bool) -> Timeline:
    grown = _joined(page, timeline.entries)
    window = replace(timeline, entries=grown, reaches_start=reaches_start, loading="no")
    return _bounded(window, drop_oldest=False)


def came_newer(timeline: Timeline, page: tuple[Entry, ...], *, reaches_end: bool) -> Timeline:
    window = replace(timeline, entries=_joined(timeline.entries, page))
    return _bounded(_landed(window, reaches_end=reaches_end), drop_oldest=True)


def failed(timeline: Timeline, trouble: str) -> Timeline:
    """No page came; what was heard meanwhile is kept only where it fits."""
    window = replace(timeline, trouble=trouble)
    return replace(
        _landed(window, reaches_end=False) if timeline.loading == "newer" else window,
        loading="no",
    )


def _landed(timeline: Timeline, *, reaches_end: bool) -> Timeline:
    """A page is there that says whether it reached the end: what was heard meanwhile comes behind it."""
    ends = reaches_end and not timeline.missed
    entries = _joined(timeline.entries, timeline.early) if ends else timeline.entries
    return replace(timeline, entries=entries, reaches_end=ends, early=(), missed=False, loading="no")


def _joined(left: tuple[Entry, ...], right: tuple[Entry, ...]) -> tuple[Entry, ...]:
    """Both in order, each event once."""
    if left and right and _first(right[0]) > last_of(left[-1]):
        return left + right
    by_last = {last_of(entry): entry for entry in (*left, *right)}
    return tuple(by_last[last] for last in sorted(by_last))


def _bounded(timeline: Timeline, *, drop_oldest: bool) -> Timeline:
    extra = len(timeline.entries) - MOST_ENTRIES
    if extra <= 0:
        return timeline
    if drop_oldest:
        return replace(timeline, entries=timeline.entries[extra:], reaches_start=False)
    return replace(timeline, entries=timeline.entries[:-extra], reaches_end=False)


def _first(entry: Entry) -> int:
    return entry.first if isinstance(entry, Removed) else entry.seq


def in_order(entries: tuple[Entry, ...]) -> bool:
    return all(last_of(one) < _first(next_one) for one, next_one in pairwise(entries))
