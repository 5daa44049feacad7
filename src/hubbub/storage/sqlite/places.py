"""What the store remembers of logs, so that a post to a busy one costs no look-up.

Pure: no SQL but the arithmetic of its positions.
"""

from collections import OrderedDict

from hubbub.domain.ids import LogId

_SEQ_BITS = 36
"""A log has room for 68 thousand million events, and a store for 134 million logs."""


def position(number: int, seq: int) -> int:
    """A log's number and a seq in one integer, as the database keys its events."""
    return number << _SEQ_BITS | seq


def seq_at(position: int) -> int:
    return position & (1 << _SEQ_BITS) - 1


def head_of(last: int | None, floor: int) -> int:
    """A log's last seq, of its `last_position` and the seq up to which it was removed."""
    return floor if last is None else seq_at(last)


def last_position(number: str) -> str:
    """In SQL: where the last event stands of the log whose number is in that column; NULL without events."""
    first, after = f"{number} << {_SEQ_BITS}", f"({number} + 1 << {_SEQ_BITS})"
    return f"(SELECT max(position) FROM events WHERE position BETWEEN {first} AND {after} - 1)"  # noqa: S608


class Place:
    """One log: its number in the database, its last seq, the seq up to which it was removed, and, once it is
    posted to, the link of its last event."""

    __slots__ = ("floor", "head", "link", "number")

    def __init__(self, number: int, head: int, floor: int) -> None:
        self.number = number
        self.head = head
        self.floor = floor
        self.link: bytes | None = None


class Places:
    """The logs used last, `bound` of them at most.

    Always true: what is remembered is what the database says. So a transaction that fails has to
    `forget` what it changed, and nobody else may write to the logs meanwhile.
    """

    __slots__ = ("_bound", "_places")

    def __init__(self, bound: int) -> None:
        self._bound = bound
        self._places: OrderedDict[LogId, Place] = OrderedDict()

    def __len__(self) -> int:
        return len(self._places)

    def get(self, log: LogId) -> Place | None:
        place = self._places.get(log)
        if place is not None:
            self._places.move_to_end(log)
        return place

    def put(self, log: LogId, place: Place) -> None:
        self._places[log] = place
        if len(self._places) > self._bound:
            self._places.popitem(last=False)

    def forget(self, log: LogId | None = None) -> None:
        """One of them, or all."""
        if log is None:
            self._places.clear()
        else:
            self._places.pop(log, None)
