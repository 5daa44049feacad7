"""What the readers of one process are told: understood once, however many readers are told it.

A server that is worth measuring writes the very same bytes to everybody at the head of a room. So a run of
events is parsed when its bytes are seen for the first time, and for each further reader one dictionary
look-up and one comparison of numbers do: that is how one process checks a million deliveries a second.

Pure but for the clock, which is handed in.
"""

import sys
from collections.abc import Callable, Sequence

import msgspec

from hubbub.bench import words
from hubbub.bench.histogram import Histogram
from hubbub.bench.places import Faults, Places

MOST_HELD_BYTES = 64 << 20
"""Of runs that are remembered. With more, all are forgotten and the next are parsed anew."""

_TAIL_BYTES = 64
"""Runs are found by their length and how they end, and then compared: to hash all of half a gigabyte a second
is what a core can do and no more."""

QUANTUM_BITS = 16
"""Arrivals are told apart to 2^16 ns, 66 µs, and counted at the end of that span: never too early."""


class _Event(msgspec.Struct, gc=False):
    type: str
    seq: int = 0
    room: str | None = None
    to: str | None = None
    sender: str = ""
    text: str = ""
    key: str | None = None


_decode = msgspec.json.Decoder(_Event).decode


def inbox(user: str) -> str:
    """What an inbox is called here. A room is called by its id, which has no slash."""
    return f"inbox/{user}"


class Stretch:
    """Events of one log that follow one another, as many readers are told them."""

    __slots__ = ("arrivals", "before", "dues_ns", "last", "log")

    def __init__(self, log: str, before: int, last: int, dues_ns: list[int]) -> None:
        self.log = log
        self.before = before
        """The seq before its first."""
        self.last = last
        self.dues_ns = dues_ns
        self.arrivals: dict[int, int] = {}
        """When it arrived, in quanta, and at how many readers then; emptied by `collect`."""


Run = tuple[Stretch, ...]


class Hearing:
    """All that the readers of one process share.

    Always true: what `find` gives for some bytes is what parsing them gives; `fresh` lists the stretches with
    arrivals that the histogram does not have yet, each once.
    """

    def __init__(self, run: str, monotonic_ns: Callable[[], int]) -> None:
        self._run = run
        self._monotonic_ns = monotonic_ns
        self._runs: dict[tuple[int, bytes], tuple[bytes, Run]] = {}
        self._held_bytes = 0
        self.fresh: list[Stretch] = []
        self.seen: dict[str, dict[int, str]] = {}
        """By log and seq: the key of the message that readers were told."""
        self.faults = Faults()
        self.latency = Histogram()
        """From when a post was due until a reader had it, once for each reader."""
        self.arrived = 0
        """Deliveries since the beginning, those too whose latency is not measured."""
        self.measure_from_ns = 0
        """Posts due before are checked and not measured."""
        self.tick_at_ns = sys.maxsize
        self.tick: Callable[[int], None] = lambda now_ns: None
        """Called with the time when a reader is told something after `tick_at_ns`: what is due has not to
        wait until all is read that ten thousand sockets hold."""
        self.lost_connections = 0
        """Ended by the server, or by what is between."""
        self.parsed = 0
        """Events parsed: how often the look-up did not do."""

    def find(self, data: bytes) -> Run | None:
        """What `data` means, if it was told before."""
        found = self._runs.get((len(data), data[-_TAIL_BYTES:]))
        return found[1] if found is not None and found[0] == data else None

    def run(self, data: bytes, payloads: Callable[[bytes], Sequence[bytes]]) -> Run:
        """What `data` means: whole events, which `payloads` takes apart when they are new."""
        run = self.find(data)
        return self.learn(data, payloads(data)) if run is None else run

    def take_run(self, places: Places, run: Run) -> None:
        """A reader was told these events now."""
        now_ns = self._monotonic_ns()
        if now_ns >= self.tick_at_ns:
            self.tick(now_ns)
        at = now_ns >> QUANTUM_BITS
        last = places.last
        for stretch in run:
            if last.get(stretch.log) == stretch.before:
                last[stretch.log] = stretch.last
            else:
                places.take(stretch.log, stretch.before + 1, stretch.last, self.faults)
            arrivals = stretch.arrivals
            if at in arrivals:
                arrivals[at] += 1
            else:
                if not arrivals:
                    self.fresh.append(stretch)
                arrivals[at] = 1

    def check_run(self, places: Places, run: Run) -> None:
        """The same for a reader whose latencies do not count."""
        for stretch in run:
            places.take(stretch.log, stretch.before + 1, stretch.last, self.faults)

    def learn(self, data: bytes, payloads: Sequence[bytes]) -> Run:
        """Parse events and remember what they are."""
        stretches: list[Stretch] = []
        for payload in payloads:
            self._add(stretches, _decode(payload))
        self.parsed += len(payloads)
        self._held_bytes += len(data)
        if self._held_bytes > MOST_HELD_BYTES:
            self._runs.clear()
            self._held_bytes = len(data)
        run = tuple(stretches)
        self._runs[len(data), data[-_TAIL_BYTES:]] = data, run
        return run

    def _add(self, stretches: list[Stretch], event: _Event) -> None:
        if event.type == "gap":
            self.faults.gaps += 1
            return
        if event.type == "message":
            log = inbox(event.to) if event.room is None and event.to is not None else event.room or ""
        elif event.type == "sent":
            log = inbox(event.sender)
        else:
            return  # what clients do not know they ignore
        due_ns = words.due_ns(event.key, event.text)
        key = event.key or ""
        if not due_ns or words.author(self._run, key) is None:
            self.faults.foreign += 1
            due_ns = 0
        if self.seen.setdefault(log, {}).setdefault(event.seq, key) != key:
            self.faults.contradicting += 1
        if not stretches or stretches[-1].log != log or stretches[-1].last + 1 != event.seq:
            stretches.append(Stretch(log, event.seq - 1, event.seq, []))
        stretch = stretches[-1]
        stretch.last = event.seq
        if due_ns:
            stretch.dues_ns.append(due_ns)

    def collect(self) -> None:
        """Put what arrived since the last time into the histogram."""
        fresh, self.fresh = self.fresh, []
        add, begin = self.latency.add, self.measure_from_ns
        for stretch in fresh:
            arrivals, stretch.arrivals = stretch.arrivals, {}
            for at, readers in arrivals.items():
                at_ns = (at + 1) << QUANTUM_BITS
                self.arrived += readers * len(stretch.dues_ns)
                for due_ns in stretch.dues_ns:
                    if due_ns >= begin:
                        add((at_ns - due_ns) // 1000, readers)
