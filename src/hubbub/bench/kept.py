"""The promises I1 to I9 over a whole run: what was posted and told, against what is stored. Pure.

Millions of deliveries are not kept one by one: a reader is where it stands and what is wrong with how it got
there, and a post is its number. So the terms are those of `hubbub.check`, and the ledgers are not.
"""

from array import array
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from hubbub.bench import words
from hubbub.bench.ledger import answered_in
from hubbub.bench.orders import Findings
from hubbub.bench.places import Faults
from hubbub.check import INVARIANTS, Resources, left_over

NOT_OURS, GONE = -1, -2
"""In place of a post: a message of somebody else's; a seq that was removed or that is not there."""

EXAMPLES = 3

_NUMBER_BITS = 40


def mark(process: int, number: int) -> int:
    """A post as one integer: a store of millions is read into eight bytes each."""
    return process << _NUMBER_BITS | number


def post_of(mark: int) -> tuple[int, int]:
    """The process and the number."""
    return mark >> _NUMBER_BITS, mark & (1 << _NUMBER_BITS) - 1


def mark_of(run: str, key: str | None) -> int:
    author = words.author(run, key or "")
    return NOT_OURS if author is None else mark(*author)


class StoredLog:
    """What is stored of one log since the run began.

    Always true: `marks` tells by seq, from `began` + 1 on, which post stands there.
    """

    def __init__(self, began: int) -> None:
        """`began`: the seq before its first."""
        self.began = began
        self.marks = array("q")
        self.misnumbered = 0
        """Events that do not follow on from the one before."""
        self.changed = 0
        """Posts of this run whose text is not the one that was posted."""

    @property
    def head(self) -> int:
        return self.began + len(self.marks)

    def at(self, seq: int) -> int:
        return self.marks[seq - self.began - 1] if self.began < seq <= self.head else GONE


class Again(msgspec.Struct, kw_only=True):
    """What became of posts that were made after the run, to see how they are answered."""

    repeated: int = 0
    """Posts of the run that were made again, under their keys."""
    answered_otherwise: list[str] = msgspec.field(default_factory=list)
    read_back: int = 0
    """New posts that were read as soon as they were acknowledged."""
    not_there: list[str] = msgspec.field(default_factory=list)


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """One invariant over a run."""

    invariant: str
    checked: str
    """What it was checked on; empty when it could not be."""
    broken: int = 0
    examples: tuple[str, ...] = ()

    @property
    def promise(self) -> str:
        return INVARIANTS[self.invariant]

    def __str__(self) -> str:
        if self.broken:
            times = "once" if self.broken == 1 else f"{self.broken:,} times"
            return f"{self.invariant} BROKEN {times}, {self.promise}: {'; '.join(self.examples)}"
        if not self.checked:
            return f"{self.invariant} not checked: {self.promise}"
        return f"{self.invariant} kept: {self.checked}"


def kept(
    run: str,
    findings: Sequence[Findings],
    stored: Mapping[str, StoredLog],
    again: Again,
    *,
    before: Resources | None = None,
    after: Resources | None = None,
    memory_bound_bytes: int = 0,
) -> list[Kept]:
    """Every invariant, in order. `before` and `after`: what the server held when nobody was there."""
    deliveries = sum(at.last - at.began for each in findings for at in each.standings)
    acknowledged = sum(seq > 0 for each in findings for seq in each.seqs)
    events = sum(len(log.marks) for log in stored.values())
    in_logs = f"{events:,} events in {len(stored):,} logs"
    places = sum(len(each.standings) for each in findings)
    return [
        _kept("I1", f"{acknowledged:,} acknowledged", _acknowledged(findings, stored)),
        _kept("I2", f"{deliveries:,} deliveries, {in_logs}", _order(findings, stored)),
        _kept("I3", in_logs, _seen_and_posted(run, findings, stored)),
        _kept("I4", f"{deliveries:,} deliveries", _foreign(findings)),
        _kept("I5", f"{again.repeated:,} posted again" if again.repeated else "", _one_seq(findings, again)),
        _kept("I6", f"{again.read_back:,} read back" if again.read_back else "", iter(again.not_there)),
        _memory(before, after, memory_bound_bytes),
        _kept("I8", f"{places:,} places of readers", _at_the_head(findings, stored)),
        _nothing_left(before, after),
    ]


def _kept(invariant: str, checked: str, faults: Iterator[str]) -> Kept:
    found = list(faults)
    return Kept(invariant=invariant, checked=checked, broken=len(found), examples=tuple(found[:EXAMPLES]))


def _acknowledged(findings: Sequence[Findings], stored: Mapping[str, StoredLog]) -> Iterator[str]:
    received = {log: Counter(held.marks) for log, held in stored.items() if "/" in log}
    for each in findings:
        for number, (log, author, seq) in enumerate(zip(each.logs, each.authors, each.seqs, strict=True)):
            if seq <= 0:
                continue
            post, place = mark(each.process, number), answered_in(log, author)
            what = f"post {each.process}.{number}, acknowledged as {place} {seq},"
            if place in stored and stored[place].at(seq) != post:
                yield f"{what} is not there"
            if log in received and received[log][post] != 1:
                yield f"{what} is {received[log][post]} times in {log}"
    for log, held in stored.items():
        ours = [post for post in held.marks if post >= 0]
        if twice := len(ours) - len(set(ours)):
            yield f"{twice} posts are stored twice in {log}"
        if held.changed:
            yield f"{held.changed} texts in {log} are not what was posted"


def _order(findings: Sequence[Findings], stored: Mapping[str, StoredLog]) -> Iterator[str]:
    for log, held in stored.items():
        if held.misnumbered:
            yield f"{held.misnumbered} events of the stored {log} do not follow on from the one before"
    faults = _together(findings)
    for name in ("twice", "out_of_order", "gaps"):
        if count := getattr(faults, name):
            yield f"{count} deliveries: {name.replace('_', ' ')}"
    for each in findings:
        for at in each.standings:
            if at.holes:
                yield f"a reader of {at.log} was not told {at.holes} events"


def _seen_and_posted(
    run: str, findings: Sequence[Findings], stored: Mapping[str, StoredLog]
) -> Iterator[str]:
    posters = {each.process: each for each in findings}
    for each in findings:
        for log, events in each.seen.items():
            for seq, key in events.items():
                if log in stored and stored[log].at(seq) != mark_of(run, key):
                    yield f"{log} {seq} was seen as {key}, and is not stored as that"
    for log, held in stored.items():
        for seq, post in enumerate(held.marks, held.began + 1):
            if post < 0:
                continue
            process, number = post_of(post)
            poster = posters.get(process)
            if poster is None or number >= len(poster.logs):
                yield f"{log} {seq} was never posted"
            elif log not in (poster.logs[number], answered_in(poster.logs[number], poster.authors[number])):
                yield f"{log} {seq} was posted to {poster.logs[number]}"
            elif poster.seqs[number] < 0:
                yield f"{log} {seq} was refused"


def _foreign(findings: Sequence[Findings]) -> Iterator[str]:
    if count := _together(findings).foreign:
        yield f"{count} events that the reader had not asked for, or that nobody of this run posted"


def _one_seq(findings: Sequence[Findings], again: Again) -> Iterator[str]:
    if count := sum(each.contradicted for each in findings):
        yield f"{count} posts were answered twice, and not alike"
    yield from again.answered_otherwise


def _at_the_head(findings: Sequence[Findings], stored: Mapping[str, StoredLog]) -> Iterator[str]:
    for each in findings:
        for at in each.standings:
            if at.log in stored and at.last < stored[at.log].head:
                yield f"a reader stands at {at.last} of {at.log}, and its head is {stored[at.log].head}"


def _memory(before: Resources | None, after: Resources | None, bound_bytes: int) -> Kept:
    had = None if before is None else before.memory_bytes
    has = None if after is None else after.memory_bytes
    if had is None or has is None:
        return Kept(invariant="I7", checked="")
    grown, bound = _mib(has - had), _mib(bound_bytes)
    faults = [f"it has grown by {grown}, of {bound} allowed"] if has - had > bound_bytes else []
    return _kept("I7", f"{_mib(had)} before, {_mib(has)} after, {bound} more allowed", iter(faults))


def _mib(size_bytes: int) -> str:
    return f"{size_bytes / (1 << 20):.1f} MiB"


def _nothing_left(before: Resources | None, after: Resources | None) -> Kept:
    known = [
        name
        for name in ("descriptors", "tasks", "connections", "listeners")
        if before and after and getattr(before, name) is not None and getattr(after, name) is not None
    ]
    if before is None or after is None or not known:
        return Kept(invariant="I9", checked="")
    checked = ", ".join(f"{getattr(after, name):,} {name}" for name in known)
    left = (f"{count:,} {name} are left over" for name, count in left_over(before, after).items())
    return _kept("I9", checked, left)


def _together(findings: Sequence[Findings]) -> Faults:
    faults = Faults()
    for each in findings:
        faults.add(each.faults)
    return faults
