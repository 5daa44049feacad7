"""Cursors as text: where a reader stands in one log, or in many.

One log: `EPOCH:SEQ`. Many: `EPOCH:ROOM=SEQ,ROOM=SEQ,=SEQ`, the inbox being the one without a name. A bare
number is a seq of the current epoch. Clients treat all of it as opaque.
"""

import re
from collections.abc import Mapping

from hubbub.domain.errors import BadInput, StaleCursor
from hubbub.domain.ids import LogId, UserId, inbox_log, room_log, room_of

MAX_SEQ = 10**18 - 1
"""Below 2**63, what every store can count to."""

_SEQ = re.compile(f"[0-9]{{1,{len(str(MAX_SEQ))}}}")

CURSOR_PATTERN = f"([0-9A-Za-z_-]+:)?{_SEQ.pattern}"
"""The form of a cursor in one log, for the documents."""


def parse_seq(text: str) -> int | None:
    """The seq that `text` is, from 0 up; None when it is none."""
    return int(text) if _SEQ.fullmatch(text) else None


def _number(text: str, field: str) -> int:
    seq = parse_seq(text)
    if seq is None:
        raise BadInput("A cursor is what the server gave, or a number from 0 up.", field=field)
    return seq


def _in_epoch(text: str, epoch: str) -> str:
    """What follows the epoch in `text`. Raises StaleCursor for another epoch."""
    theirs, colon, rest = text.rpartition(":")
    if colon and theirs != epoch:
        raise StaleCursor(
            "This cursor is from before the server was restored; start again from the messages."
        )
    return rest


def format_cursor(epoch: str, seq: int) -> str:
    return f"{epoch}:{seq}"


def parse_cursor(given: str | int, epoch: str, *, field: str = "after") -> int:
    """The seq `given` stands at. Raises BadInput, or StaleCursor for another epoch.

    Whether the seq is in the future is for whoever knows the head to say: see `check_reached`.
    """
    if isinstance(given, int):
        given = str(given)
    return _number(_in_epoch(given, epoch), field)


def check_reached(seq: int, head: int) -> None:
    """Raises StaleCursor when a cursor stands beyond the log's head."""
    if seq > head:
        raise StaleCursor(f"The cursor stands at {seq}, but the last message is number {head}.", head=head)


def format_cursors(epoch: str, positions: Mapping[LogId, int]) -> str:
    return f"{epoch}:" + ",".join(format_place(log, seq) for log, seq in positions.items())


def format_place(log: LogId, seq: int) -> str:
    """One part of a cursor over many."""
    return f"{room_of(log) or ''}={seq}"


def parse_cursors(
    given: str, epoch: str, reader: UserId, *, field: str = "Last-Event-ID"
) -> dict[LogId, int]:
    """The seq in each log of a cursor over many. Raises BadInput or StaleCursor."""
    positions: dict[LogId, int] = {}
    for part in filter(None, _in_epoch(given, epoch).split(",")):
        room, equals, seq = part.partition("=")
        if not equals:
            raise BadInput("A cursor over many logs is what the server gave.", field=field)
        positions[room_log(room) if room else inbox_log(reader)] = _number(seq, field)
    return positions
