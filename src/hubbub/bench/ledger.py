"""What one process has posted and what it was answered.

Posts are numbered from 0 up in the order in which they were first sent; the number is the request's `ref`.
"""

from collections import Counter
from collections.abc import Callable

from hubbub.bench import words
from hubbub.bench.hearing import inbox
from hubbub.bench.histogram import Histogram
from hubbub.bench.refusals import Refusal

OPEN, REFUSED, SHED = 0, -1, -2


def answered_in(log: str, author: str) -> str:
    """The log whose number an acknowledgement tells: of a direct message the author's own inbox."""
    return inbox(author) if "/" in log else log


class Ledger:
    """Always true: `logs`, `authors`, `dues_ns` and `seqs` have one entry for each post; a post's seq is OPEN
    until it is answered, and changes once: to where it was stored, REFUSED or SHED."""

    def __init__(self, run: str, process: int, size_bytes: int, monotonic_ns: Callable[[], int]) -> None:
        self.run = run
        self.process = process
        self._size_bytes = size_bytes
        self._monotonic_ns = monotonic_ns
        self.logs: list[str] = []
        self.dues_ns: list[int] = []
        self.seqs: list[int] = []
        self.authors: list[str] = []
        self.acknowledged = 0
        self.waiting = 0
        """How many posts are OPEN."""
        self.refused: Counter[str] = Counter()
        """By the kind of problem, but for what was shed."""
        self.limit: Refusal | None = None
        """A rate limit that posts have met: then the load is not the one that was meant."""
        self.shed = 0
        self.shed_latency = Histogram()
        """From when a post was due until it was turned away for want of time."""
        self.contradicted = 0
        """Answered twice, and not alike."""
        self.latency = Histogram()
        """From when a post was due until its acknowledgement."""
        self.lateness = Histogram()
        """From when a post was due until it was sent: the generator's own fault."""
        self.measure_from_ns = 0

    def send(self, log: str, due_ns: int, author: str) -> int:
        """Note a post that is about to be sent: its number."""
        self.authors.append(author)
        self.logs.append(log)
        self.dues_ns.append(due_ns)
        self.seqs.append(OPEN)
        self.waiting += 1
        if due_ns >= self.measure_from_ns:
            self.lateness.add((self._monotonic_ns() - due_ns) // 1000)
        return len(self.logs) - 1

    def key(self, number: int) -> str:
        return words.key(self.run, self.process, number)

    def text(self, number: int) -> str:
        return words.text(self.key(number), self.dues_ns[number], self._size_bytes)

    def answered(self, number: int, seq: int) -> None:
        """The post was stored under `seq`: the room's number, or the sender's inbox's."""
        if self.seqs[number] != OPEN:
            self.contradicted += self.seqs[number] != seq
            return
        self.seqs[number] = seq
        self.acknowledged += 1
        self.waiting -= 1
        due_ns = self.dues_ns[number]
        if due_ns >= self.measure_from_ns:
            self.latency.add((self._monotonic_ns() - due_ns) // 1000)

    def refuse(self, number: int, refusal: Refusal) -> None:
        if self.seqs[number] == OPEN:
            self.seqs[number] = SHED if refusal.is_shed else REFUSED
            self.waiting -= 1
        if refusal.is_limit and not refusal.is_shed:
            self.limit = refusal
        if not refusal.is_shed:
            self.refused[refusal.problem] += 1
            return
        self.shed += 1
        due_ns = self.dues_ns[number]
        if due_ns >= self.measure_from_ns:
            self.shed_latency.add((self._monotonic_ns() - due_ns) // 1000)

    def open(self) -> list[int]:
        """The posts that were not answered yet."""
        return [number for number, seq in enumerate(self.seqs) if seq == OPEN]

    def heads(self) -> dict[str, int]:
        """By log, the highest seq that was acknowledged."""
        heads: dict[str, int] = {}
        for log, author, seq in zip(self.logs, self.authors, self.seqs, strict=True):
            place = answered_in(log, author)
            if seq > heads.get(place, 0):
                heads[place] = seq
        return heads
