"""What one process has posted and what it was answered.

Posts are numbered from 0 up in the order in which they were first sent; the number is the request's `ref`.
"""

from collections import Counter
from collections.abc import Callable

from hubbub.bench import words
from hubbub.bench.histogram import Histogram

OPEN, REFUSED = 0, -1


class Ledger:
    """Always true: `logs`, `dues_ns` and `seqs` have one entry for each post; a post's seq is OPEN until it
    is answered, and changes once."""

    def __init__(self, run: str, process: int, size_bytes: int, monotonic_ns: Callable[[], int]) -> None:
        self.run = run
        self.process = process
        self._size_bytes = size_bytes
        self._monotonic_ns = monotonic_ns
        self.logs: list[str] = []
        self.dues_ns: list[int] = []
        self.seqs: list[int] = []
        self.acknowledged = 0
        self.refused: Counter[str] = Counter()
        """By the kind of problem."""
        self.contradicted = 0
        """Answered twice, and not alike."""
        self.latency = Histogram()
        """From when a post was due until its acknowledgement."""
        self.lateness = Histogram()
        """From when a post was due until it was sent: the generator's own fault."""
        self.measure_from_ns = 0

    def send(self, log: str, due_ns: int) -> int:
        """Note a post that is about to be sent: its number."""
        self.logs.append(log)
        self.dues_ns.append(due_ns)
        self.seqs.append(OPEN)
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
        due_ns = self.dues_ns[number]
        if due_ns >= self.measure_from_ns:
            self.latency.add((self._monotonic_ns() - due_ns) // 1000)

    def refuse(self, number: int, problem: str) -> None:
        if self.seqs[number] == OPEN:
            self.seqs[number] = REFUSED
        self.refused[problem] += 1

    def open(self) -> list[int]:
        """The posts that were not answered yet."""
        return [number for number, seq in enumerate(self.seqs) if seq == OPEN]

    @property
    def waiting(self) -> int:
        return len(self.seqs) - self.acknowledged - sum(self.refused.values())

    def heads(self) -> dict[str, int]:
        """By log, the highest seq that was acknowledged."""
        heads: dict[str, int] = {}
        for log, seq in zip(self.logs, self.seqs, strict=True):
            if seq > heads.get(log, 0):
                heads[log] = seq
        return heads
