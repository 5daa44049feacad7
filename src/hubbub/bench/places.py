"""Where one reader stands in its logs, and what was wrong with how it got there.

Pure. The rule it checks is the protocol's third promise: of each log every event, once and in order.
"""

from dataclasses import dataclass, fields
from typing import Any


@dataclass(slots=True)
class Faults:
    """What readers were told that they should not have been: counted in events."""

    twice: int = 0
    out_of_order: int = 0
    foreign: int = 0
    """Of a log the reader had not subscribed, or not what this run has posted."""
    contradicting: int = 0
    """Another message than somebody else was told under the same number."""
    gaps: int = 0
    """Said by the server to have been removed; nothing is, in a load test."""

    def add(self, other: "Faults") -> None:
        for each in fields(self):
            setattr(self, each.name, getattr(self, each.name) + getattr(other, each.name))

    def as_dict(self) -> dict[str, Any]:
        return {each.name: getattr(self, each.name) for each in fields(self)}


class Places:
    """Always true: of each log in `last` the reader was told everything from where it began up to `last`,
    but for what `holes` has of it."""

    __slots__ = ("began", "holes", "last")

    def __init__(self, began: dict[str, int]) -> None:
        """`began`: the logs it subscribes, and the seq after which it does."""
        self.began = began
        self.last = dict(began)
        self.holes: dict[str, set[int]] = {}

    def take(self, log: str, first: int, last: int, faults: Faults) -> None:
        """The events `first` to `last` came, one after the other."""
        stood = self.last.get(log)
        if stood is None:
            faults.foreign += last - first + 1
            return
        if first <= stood:
            self._take_again(log, first, min(last, stood), faults)
        elif first > stood + 1:
            self.holes.setdefault(log, set()).update(range(stood + 1, first))
        if last > stood:
            self.last[log] = last

    def _take_again(self, log: str, first: int, last: int, faults: Faults) -> None:
        holes = self.holes.get(log, set())
        for seq in range(first, last + 1):
            if seq in holes:
                holes.remove(seq)
                faults.out_of_order += 1
            else:
                faults.twice += 1

    def missing(self, log: str, head: int) -> int:
        """How many events up to `head` the reader was never told."""
        return max(0, head - self.last[log]) + len(self.holes.get(log, ()))
