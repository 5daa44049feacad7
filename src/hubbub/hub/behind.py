"""Those who are behind, and the one task that hands them the past until they stand at the head again.

What is still in memory is handed over at once; what only the store has, a page at a time, to each in turn.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

from msgspec.structs import replace

from hubbub.domain.errors import StorageAway
from hubbub.domain.ids import LogId
from hubbub.hub.log import Subscription, cut
from hubbub.hub.repair import AWAY_SECONDS
from hubbub.hub.source import Source
from hubbub.protocol.framing import Entry, entry, gap_entry

PAGES_PER_TURN = 4
"""How many readers catch up by a page, some milliseconds each, before the loop looks after everyone else."""


class Behind:
    """Always true: each subscription stands in the queue once at most, and while any does, the task runs."""

    def __init__(
        self,
        source: Source,
        *,
        failed: Callable[[BaseException], None],
        ahead: Callable[[LogId, int], None],
    ) -> None:
        """`failed` is told why somebody could not be served; `ahead`, of a log whose head in the store lies
        beyond all that was heard of."""
        self._source = source
        self._failed = failed
        self._ahead = ahead
        self._queue: deque[Subscription] = deque()
        self._task: asyncio.Task[None] | None = None
        self.count = 0
        """How many subscriptions are not at the head of their log."""
        self.deliveries = 0

    @property
    def at_work(self) -> bool:
        return self._task is not None

    def fell(self, fallen: Sequence[Subscription]) -> None:
        """They have left the head."""
        self.count += len(fallen)
        for sub in fallen:
            if not sub.reader.paused:
                self.catch_up(sub)

    def advance(self, sub: Subscription) -> None:
        """As far as memory reaches; further by the task."""
        log, reader = sub.log, sub.reader
        while sub.seq < log.flushed:
            if reader.paused:
                return  # when its socket has drained, it goes on
            entries = log.recent(sub.seq, reader.framing.overhead)
            if entries is None:
                self.catch_up(sub)
                return
            self._hand_over(sub, entries)
        self._join(sub)

    def catch_up(self, sub: Subscription) -> None:
        """Have the task look after it."""
        if not sub.queued:
            sub.queued = True
            self._queue.append(sub)
            if self._task is None:
                self._task = asyncio.get_running_loop().create_task(self._work())

    def _hand_over(self, sub: Subscription, entries: Sequence[Entry]) -> None:
        sub.reader.write(sub.reader.framing.join(sub.log.id, entries))
        sub.seq = entries[-1].seq
        self.deliveries += len(entries)

    def _join(self, sub: Subscription) -> None:
        sub.log.go_live(sub)
        self.count -= 1

    async def _work(self) -> None:
        """Hand pages of the past to those behind, in turn, until none is left who can take any."""
        pages = 0
        try:
            while self._queue:
                sub = self._queue.popleft()
                sub.queued = False
                try:
                    await self._catch_up_by_one(sub)
                except StorageAway:  # it comes back, and nobody has to come anew for that
                    asyncio.get_running_loop().call_later(AWAY_SECONDS, self._catch_up_if_wanted, sub)
                except Exception as error:  # one reader's trouble is not the others', who wait behind it
                    self._failed(error)
                    sub.reader.lost()
                pages += 1
                if pages % PAGES_PER_TURN == 0:
                    await asyncio.sleep(0)
        finally:
            self._task = None

    async def _catch_up_by_one(self, sub: Subscription) -> None:
        log, reader = sub.log, sub.reader
        if not self._wants(sub):
            return
        entries = log.recent(sub.seq, reader.framing.overhead)
        if entries is None and sub.seq < log.flushed:
            entries = await self._read(sub)
            if not self._wants(sub):
                return
        left = list(entries or ())
        while left and not reader.paused:  # a page goes out in chunks, as far as the socket takes them
            self._hand_over(sub, cut(left, reader.framing.overhead))
        if sub.seq < log.flushed:
            self.catch_up(sub)
        else:
            self._join(sub)

    def _catch_up_if_wanted(self, sub: Subscription) -> None:
        if self._wants(sub):
            self.catch_up(sub)

    def _wants(self, sub: Subscription) -> bool:
        """Whether it is still open and behind, and its socket takes more; if not, it goes on when that has
        drained."""
        return not (sub.closed or sub.live or sub.reader.paused)

    async def _read(self, sub: Subscription) -> list[Entry]:
        """A page of what follows the cursor, up to `flushed`: what is newer comes with its own flush."""
        log = sub.log
        page = await self._source.page(log.id, after=sub.seq)
        gap = page.gap
        if gap and gap.last > log.flushed:  # another node removed what was not heard of here yet
            self._ahead(log.id, page.head)
            gap = replace(gap, last=log.flushed)
        entries = [gap_entry(gap)] if gap else []
        entries += [entry(event) for event in page.events if event.seq <= log.flushed]
        if not entries:
            raise RuntimeError(f"{log.id} has a head of {log.flushed} but nothing after {sub.seq}")
        log.prime(entries)
        return entries
