"""One log somebody listens to: who stands at its head, and what came last.

The hub never waits for a socket and never queues for one. A reader at the head is written to; a reader whose
socket is full is *behind*, and reads the log at its own pace until it is at the head again.

Pure: no task, no socket, no store.
"""

from asyncio import Future
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from hubbub.domain.ids import LogId
from hubbub.protocol.framing import Entry, Framing

CHUNK_BYTES = 64 * 1024
"""About how much is written to one reader at a time. Beside it there is one page of the store in memory, for
whoever is catching up at that moment."""

RING_ENTRIES = 256
"""How many of the newest events a log keeps in memory for readers who come back at once."""

RING_BYTES = 256 * 1024
"""… and how many bytes of them at most, whichever is less."""

MEMORY_BYTES = 256 * 1024 * 1024
"""What the rings of all logs hold together. Beyond it each keeps a few of its newest events only until others
have gone; who is further behind reads the store."""

FEW_BYTES = 16 * 1024

EARLY_ENTRIES = 256
"""How many events of a log may wait for one before them; others are read again."""

_REFILLED_ENTRIES = RING_ENTRIES * 3 // 4
"""What a ring is cut to, and filled up to: well below the bound, so that not every flush has to cut."""


def size_of(entries: Iterable[Entry]) -> int:
    """In bytes, as JSON."""
    return sum(len(entry.json) for entry in entries)


def cut(entries: list[Entry], overhead: int = 0) -> list[Entry]:
    """The first chunk of `entries`, which is taken off the list. `overhead`: of each, in bytes."""
    stop = _end_of_chunk(entries, 0, overhead)
    taken = entries[:stop]
    del entries[:stop]
    return taken


def _end_of_chunk(entries: Sequence[Entry], start: int, overhead: int) -> int:
    """Where a chunk that begins at `start` ends: with the entry that fills it, or the last."""
    stop, size = start, 0
    while stop < len(entries) and size < CHUNK_BYTES:
        size += len(entries[stop].json) + overhead
        stop += 1
    return stop


class Memory:
    """What the rings of all logs hold together, in bytes of JSON."""

    __slots__ = ("_most_bytes", "held_bytes")

    def __init__(self, most_bytes: int = MEMORY_BYTES) -> None:
        self._most_bytes = most_bytes
        self.held_bytes = 0

    @property
    def ring_bytes(self) -> int:
        """What one ring may hold now."""
        return RING_BYTES if self.held_bytes <= self._most_bytes else FEW_BYTES


class Reader(Protocol):
    """One connection's receiving end, whatever its transport."""

    @property
    def framing(self) -> Framing: ...

    paused: bool
    """True while more waits in its socket's buffer than may: it is not written to."""

    subscriptions: "tuple[Subscription, ...]"
    """One for each log. The hub keeps it; the connection only looks. Most have one, and ten thousand of the
    smallest dictionaries would weigh as much as ten thousand connections."""

    @property
    def write(self) -> Callable[[bytes], None]:
        """Never blocks and never raises."""
        ...

    def lost(self) -> None:
        """Its log cannot be read: end the connection, so that the client comes back with its cursor."""
        ...


class Subscription:
    """A reader's cursor in one log.

    Always true: every event up to where it stands was handed to the reader, once and in order, and none
    after. It stands at the log's `flushed` while `live`, at `seq` while not.
    """

    __slots__ = ("closed", "live", "log", "queued", "reader", "seq", "started")

    def __init__(self, log: "Log", reader: Reader, seq: int) -> None:
        self.log = log
        self.reader = reader
        self.seq = seq
        self.started = False
        self.live = False
        self.closed = False
        self.queued = False
        """Whether it awaits its turn to catch up: no subscription waits twice."""

    @property
    def position(self) -> int:
        return self.log.flushed if self.live else self.seq


class Log:
    """Always true:
    * `fresh` holds the events `flushed`+1 to `head`, those no reader was handed yet;
    * `ring` holds the events that end at `flushed`, without a hole;
    * `early` holds events that come after `head`, at most EARLY_ENTRIES, none of them next.
    """

    __slots__ = (
        "early",
        "expected",
        "flushed",
        "fresh",
        "head",
        "id",
        "known",
        "live",
        "memory",
        "ring",
        "ring_bytes",
        "users",
        "waiters",
    )

    def __init__(self, id: LogId, memory: Memory) -> None:
        self.id = id
        self.memory = memory
        self.head = self.flushed = 0
        self.known = False
        """Whether `head` was read from the store yet."""
        self.fresh: list[Entry] = []
        self.expected = 0
        """The greatest seq that anyone is known to have stored, where that is beyond `head`."""
        self.early: dict[int, Entry] = {}
        self.ring: list[Entry] = []
        self.ring_bytes = 0
        self.live: dict[Framing, dict[Reader, Subscription]] = {}
        self.users = 0
        """How many subscriptions and waiters hold on to it."""
        self.waiters: dict[Future[None], None] = {}
        """A dictionary for a set: they are told in the order in which they came."""

    def learn_head(self, head: int) -> None:
        """The head as the store had it, once. Events may have been told meanwhile, and those are newer."""
        self.known = True
        self.head = self.flushed = max(self.head, head)

    @property
    def lacks(self) -> bool:
        """Whether there is more than was told."""
        return self.expected > self.head

    def add(self, entry: Entry) -> bool:
        """Put the next event behind the head, and those that came before their turn and follow it. False
        while something is missed; an event that is not the next waits here for those before it."""
        seq = entry.seq
        if not self.known:
            self.head = self.flushed = max(self.head, seq)  # all before it is in the store
            return True
        if seq == self.head + 1:
            self.fresh.append(entry)
            self.head = seq
            if self.early:
                self._take_early()
        elif seq > self.head:
            self.expected = max(self.expected, seq)
            if len(self.early) < EARLY_ENTRIES:
                self.early[seq] = entry
        return self.expected <= self.head

    def _take_early(self) -> None:
        while (entry := self.early.pop(self.head + 1, None)) is not None:
            self.fresh.append(entry)
            self.head = entry.seq
        if not self.lacks:
            self.early.clear()  # nothing is beyond what is expected

    def skip_to(self, head: int) -> list[Subscription]:
        """Some events up to `head` are only in the store: everyone at the head is behind now."""
        fallen = [sub for readers in self.live.values() for sub in readers.values()]
        for sub in fallen:
            self.fall_behind(sub)
        self.fresh.clear()
        self.early.clear()
        self._keep([], 0)
        self.head = self.flushed = head
        return fallen

    def go_live(self, sub: Subscription) -> None:
        self.live.setdefault(sub.reader.framing, {})[sub.reader] = sub
        sub.live = True

    def fall_behind(self, sub: Subscription) -> None:
        """Where `sub` stands becomes its own to keep; `flushed` must still be what it was handed."""
        self.leave(sub)
        sub.seq = self.flushed

    def leave(self, sub: Subscription) -> None:
        if sub.live:
            sub.live = False
            framing = sub.reader.framing
            readers = self.live[framing]
            del readers[sub.reader]
            if not readers:
                del self.live[framing]

    def remember(self, entries: Sequence[Entry]) -> None:
        """Keep `entries`, which end at `flushed`, for readers who come back at once."""
        self.ring.extend(entries)
        self._keep(self.ring, self.ring_bytes + size_of(entries))
        most_bytes = self.memory.ring_bytes
        if len(self.ring) > RING_ENTRIES or self.ring_bytes > most_bytes:
            while self.ring and (len(self.ring) > _REFILLED_ENTRIES or self.ring_bytes > most_bytes):
                drop = max(1, len(self.ring) // 4)
                self._keep(self.ring, self.ring_bytes - size_of(self.ring[:drop]))
                del self.ring[:drop]

    def prime(self, entries: Sequence[Entry]) -> None:
        """Keep what was read from the store, if it leads up to what is kept already."""
        first = self.ring[0].seq if self.ring else self.flushed + 1
        if not entries or entries[-1].seq != first - 1 or any(e.kind == "gap" for e in entries):
            return
        room = _REFILLED_ENTRIES - len(self.ring)
        size = size_of(entries)
        if len(entries) <= room and self.ring_bytes + size <= self.memory.ring_bytes:
            self._keep([*entries, *self.ring], self.ring_bytes + size)

    def forget(self, through: int) -> None:
        """The events up to `through` were removed from the store."""
        kept = [e for e in self.ring if e.seq > through]
        self._keep(kept, size_of(kept))

    def _keep(self, ring: list[Entry], size_bytes: int) -> None:
        self.memory.held_bytes += size_bytes - self.ring_bytes
        self.ring, self.ring_bytes = ring, size_bytes

    def recent(self, after: int, overhead: int) -> Sequence[Entry] | None:
        """A chunk of what follows `after`: at least one event. None when only the store has it."""
        ring = self.ring
        if not ring or after + 1 < ring[0].seq or after >= self.flushed:
            return None
        start = after + 1 - ring[0].seq
        return ring[start : _end_of_chunk(ring, start, overhead)]
