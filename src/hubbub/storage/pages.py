"""What of the rows that a database finds makes a page. Pure; the same for every backend."""

from collections.abc import Iterable, Iterator
from contextlib import suppress

from hubbub.domain.errors import Damaged
from hubbub.domain.events import Event, Gap
from hubbub.domain.ids import LogId
from hubbub.protocol.frames import encode
from hubbub.storage.base import EVERYTHING, MAX_PAGE, MAX_PAGE_BYTES, Between, Page, Received, View


def page_of(
    log: LogId,
    view: View,
    found: Iterable[tuple[int, Event | None]],
    *,
    after: int | None,
    before: int | None,
    limit: int,
    floor: int,
    head: int,
) -> Page:
    """The page of the events `found`, by their seqs and in the direction of reading; one more than `limit` of
    them shows that there are more. None for an event that is not as it was written.

    The page ends before one of these, or where one is missing; raises Damaged when that is the first. What
    is found may raise UnicodeDecodeError, which ends it as other damage does.
    """
    low, high = bounds(after, before, floor, head)
    events, more = _collect(log, view, iter(found), low, high, after is not None, min(limit, MAX_PAGE))
    if after is not None:
        gap = _gap(log, after + 1, floor)
    else:
        last = head if before is None else before - 1
        gap = None if more else _gap(log, 1, min(floor, last))
    return Page(events=events, head=head, gap=gap, more=more)


def bounds(after: int | None, before: int | None, floor: int, head: int) -> tuple[int, int]:
    """Between which seqs of the log, neither included, the page lies."""
    low = floor if after is None else min(max(after, floor), head)
    high = head + 1 if before is None else min(max(before, floor + 1), head + 1)
    return low, high


def _collect(
    log: LogId,
    view: View,
    found: Iterator[tuple[int, Event | None]],
    low: int,
    high: int,
    forward: bool,
    limit: int,
) -> tuple[list[Event], bool]:
    """The events of the view between `low` and `high`, and whether there are more."""
    events: list[Event] = []
    size = 0
    dense = view == EVERYTHING
    at, end, step = (low, high, 1) if forward else (high, low, -1)
    lost: int | None = None
    with suppress(UnicodeDecodeError):
        for seq, event in found:
            if len(events) == limit or size > MAX_PAGE_BYTES:
                return _oldest_first(events, forward), True
            if event is None or (event.seq != at + step if dense else not _fits(view, event, at, step)):
                lost = seq
                break
            events.append(event)
            at = event.seq
            size += len(encode(event.text))
        else:
            if not dense or at + step == end:
                return _oldest_first(events, forward), False
    if not events:
        raise Damaged(log=log, seq=at + step if dense else lost)
    return _oldest_first(events, forward), True


def _oldest_first(events: list[Event], forward: bool) -> list[Event]:
    if not forward:
        events.reverse()
    return events


def _fits(view: View, event: Event, at: int, step: int) -> bool:
    """Whether an event that an index led to belongs there: an index may be damaged where the event is not."""
    if (event.seq - at) * step <= 0:
        return False
    match view:
        case Received():
            return event.kind == "message"
        case Between(peer=peer):
            return peer == (event.to if event.kind == "sent" else event.sender)
    return True


def _gap(log: LogId, first: int, last: int) -> Gap | None:
    return Gap(log=log, first=first, last=last, reason="retention") if first <= last else None
