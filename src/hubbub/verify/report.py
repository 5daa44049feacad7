"""What a check of a store found: for programs as JSON, and to be compared with later."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

Kind = Literal[
    "structure",
    "unreadable",
    "missing",
    "misplaced",
    "altered",
    "unlinked",
    "age",
    "orphan",
    "key",
    "copy",
    "name",
    "anchor",
]

MEANING: Mapping[str, str] = {
    "structure": "the database contradicts itself",
    "unreadable": "it cannot be read",
    "missing": "a number that no event has",
    "misplaced": "an event where it cannot be",
    "altered": "an event that is not what was stored",
    "unlinked": "an event that is not tied to the one before it",
    "age": "retention believes the log to be of another age",
    "orphan": "something that belongs to nothing",
    "key": "an idempotency key that leads elsewhere",
    "copy": "a direct message that the two who have it disagree on",
    "name": "a room that is found by another name",
    "anchor": "not the history that an earlier report saw",
}

KEPT = 1_000
"""Problems told one by one; of further ones there is the count."""


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    kind: Kind
    text: str
    log: str | None = None
    seq: int | None = None


class Anchor(msgspec.Struct, frozen=True):
    """Where a log stood, and the link of its last event: it stands for all that was before."""

    head: int
    link: str
    """In hexadecimal."""


class Counts(msgspec.Struct, kw_only=True):
    """What was looked at. Grows while a check goes on."""

    logs: int = 0
    events: int = 0
    keys: int = 0
    direct_messages: int = 0
    users: int = 0
    rooms: int = 0
    sessions: int = 0
    marks: int = 0
    anchors: int = 0
    """Of an earlier report, compared."""
    anchors_removed: int = 0
    """Those that could not be: retention has removed the events they stand for."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    whole: bool
    """Whether nothing was found."""
    backend: str
    version: str
    epoch: str
    form: int
    began_at_ms: int
    seconds: float
    checked: Counts
    problems_by_kind: Mapping[str, int]
    problems: Sequence[Problem]
    """The first of them."""
    anchors: Mapping[str, Anchor]
    """By log."""


class Earlier(msgspec.Struct, frozen=True, kw_only=True):
    """Of an earlier report, what a later check needs."""

    anchors: Mapping[str, Anchor]


class Progress(msgspec.Struct, frozen=True, kw_only=True, tag="progress"):
    """A line of what a server tells while it looks itself through."""

    checked: Counts


class Done(msgspec.Struct, frozen=True, kw_only=True, tag="report"):
    """The last line of it."""

    report: Report


class Findings:
    """Problems as they turn up, in bounded memory."""

    def __init__(self) -> None:
        self.counts = Counter[str]()
        self.problems: list[Problem] = []

    def add(self, kind: Kind, text: str, *, log: str | None = None, seq: int | None = None) -> None:
        self.counts[kind] += 1
        if len(self.problems) < KEPT:
            self.problems.append(Problem(kind=kind, text=text, log=log, seq=seq))
