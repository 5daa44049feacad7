"""Live delivery: told of new events, it hands them to every reader that stands at the head.

Once a loop turn `flush` joins what is new in each log into one `bytes` and writes that same object to every
reader at the head: batching grows with the load, without a timer. A reader whose socket is full leaves
the head. Nothing is queued for it: it is `behind`, reads the log, and joins the head again in the same step
in which it reaches it, so that no event falls between.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from hubbub.domain.errors import NoSuchRoom, NoSuchUser
from hubbub.domain.events import Event, Gap
from hubbub.domain.ids import LogId, room_of
from hubbub.hub.behind import Behind
from hubbub.hub.heads import Heads
from hubbub.hub.log import Log, Memory, Reader, Subscription, cut
from hubbub.hub.others import NoOthers, Others
from hubbub.hub.repair import PATIENCE_SECONDS, Repairs
from hubbub.hub.source import Past, Source
from hubbub.protocol.cursor import check_reached
from hubbub.protocol.framing import Entry, entry


class Hub:
    """Always true: a reader is in the live set of a log exactly while it was handed all up to `flushed`."""

    def __init__(
        self,
        source: Source,
        *,
        failed: Callable[[BaseException], None] = lambda error: None,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        """`failed` is told why a reader could not be served, or an event not be read. An event that comes
        early waits for those before it for `patience_seconds`."""
        self._source = source
        self._others: Others = NoOthers()
        self._heads: Heads | None = None  # only where others write to the store
        self._behind = Behind(source, failed=failed, ahead=self._ahead)
        self._repairs = Repairs(source, self._repaired, failed, patience_seconds)
        self._logs: dict[LogId, Log] = {}
        self._memory = Memory()
        self._grown: list[Log] = []
        self._dismissed: Callable[[], Exception] | None = None
        self._handed_out = 0
        self.flushes = 0

    @property
    def logs_in_memory(self) -> int:
        """Logs somebody listens to or waits for, or that have something to flush."""
        return len(self._logs)

    @property
    def behind(self) -> int:
        """How many subscriptions are not at the head of their log."""
        return self._behind.count

    @property
    def deliveries(self) -> int:
        return self._handed_out + self._behind.deliveries

    @property
    def memory_bytes(self) -> int:
        """What is kept of them for who comes back at once."""
        return self._memory.held_bytes

    @property
    def repairs(self) -> int:
        """How often something was read from the store that another node had not been heard of."""
        return self._repairs.count

    def meet(self, others: Others) -> None:
        """There are other nodes. To be called before anyone listens."""
        self._others = others
        self._heads = Heads(self._source)

    def end(self) -> None:
        """Nobody listens any more, and nothing more is read."""
        self._repairs.close()

    # -- who listens --------------------------------------------------------

    async def open(self, reader: Reader, id: LogId, after: int | None) -> Subscription:
        """A cursor for `reader`, from the head when `after` is None. Nothing is written before `start`.

        Raises NoSuchRoom, NoSuchUser, or StaleCursor when `after` is beyond the head.
        """
        log = await self._hold(id, as_it_is_now=True)
        if after is not None:
            try:
                check_reached(after, log.head)
            except BaseException:
                self._release(log)
                raise
        sub = Subscription(log, reader, log.head if after is None else after)
        self._behind.count += 1
        reader.subscriptions += (sub,)
        return sub

    def start(self, sub: Subscription) -> None:
        """Hand over what follows, then go live. Does nothing for a subscription that was closed meanwhile."""
        if not sub.closed:
            sub.started = True
            if sub.log.fresh:
                self._flush(sub.log)
            self._behind.advance(sub)

    def close(self, sub: Subscription) -> None:
        """The reader no longer wants this log."""
        if not sub.closed:
            sub.reader.subscriptions = tuple(each for each in sub.reader.subscriptions if each is not sub)
            self._close(sub)

    def leave(self, reader: Reader) -> None:
        """The reader's connection is gone."""
        left, reader.subscriptions = reader.subscriptions, ()
        for sub in left:
            self._close(sub)

    def _close(self, sub: Subscription) -> None:
        sub.closed = True
        if not sub.live:
            self._behind.count -= 1
        sub.log.leave(sub)
        self._release(sub.log)

    def resume(self, reader: Reader) -> None:
        """The reader's socket has drained: what it fell behind in goes on."""
        for sub in reader.subscriptions:
            if sub.started and not sub.live:
                self._behind.catch_up(sub)

    async def grown(self, id: LogId, after: int, seconds: float) -> None:
        """Wait until the log has an event past `after`, or for so long. Raises what `dismiss` was given."""
        log = await self._hold(id)
        try:
            if log.flushed <= after:
                if self._dismissed is not None:
                    raise self._dismissed()
                waiter = asyncio.get_running_loop().create_future()
                log.waiters[waiter] = None
                try:
                    async with asyncio.timeout(seconds):
                        await waiter
                except TimeoutError:
                    pass
                finally:
                    log.waiters.pop(waiter, None)
        finally:
            self._release(log)

    def dismiss(self, why: Callable[[], Exception]) -> None:
        """End every wait for something new: `grown` raises `why()` to each, and to whoever comes to wait yet,
        for their requests may have begun before."""
        self._dismissed = why
        for log in self._logs.values():
            for waiter in log.waiters:
                if not waiter.done():
                    waiter.set_exception(why())

    # -- what is new --------------------------------------------------------

    def publish(self, event: Event) -> None:
        """Learn of an event that was stored here. It is handed out by the next `flush`."""
        new = entry(event)
        self._others.grew(event.log, new)
        self.hear(event.log, new)

    def hear(self, id: LogId, entry: Entry) -> None:
        """Learn of an event that was stored, wherever. It is handed out by the next `flush`, or when what
        comes before it is known."""
        log = self._logs.get(id)
        if log is None:
            return
        had = len(log.fresh)
        if not log.add(entry):
            self._repairs.soon(log)
        if log.fresh and not had:
            self._grown.append(log)

    def compare(self, heads: Mapping[LogId, int]) -> None:
        """Learn how far logs have come in the store: what was not heard of is read."""
        for id, head in heads.items():
            log = self._logs.get(id)
            if log is not None and log.known and head > log.head:
                log.expected = max(log.expected, head)
                self._repairs.soon(log)

    def _ahead(self, id: LogId, head: int) -> None:
        self.compare({id: head})

    def _repaired(self, log: Log, past: Past | None) -> None:
        """Take what was read after the head of a log; None when it is damaged."""
        if past is None or past.gap is not None or past.more:
            # Too much to keep, or nothing that can be: each reads it for itself, or finds that it cannot.
            self._behind.fell(log.skip_to(max(log.expected, log.head, past.head if past else 0)))
            self._grown.append(log)
        for event in past.events if past else ():
            self.hear(log.id, entry(event))
        self.flush()

    def trimmed(self, gap: Gap) -> None:
        """Learn that a range was removed from the store here."""
        self._others.cut(gap.log, gap.last)
        self.hear_cut(gap.log, gap.last)

    def hear_cut(self, id: LogId, last: int) -> None:
        """Learn that the events up to `last` were removed from the store, wherever."""
        log = self._logs.get(id)
        if log is not None:
            log.forget(last)

    def doubt_memory(self) -> None:
        """Others may have removed something and could not tell: what is read again comes from the store."""
        for log in self._logs.values():
            log.forget(log.flushed)

    def tell(self, id: LogId, kind: str, json: bytes) -> None:
        """Tell everyone at the head of a log something in passing: it is no event, and whoever is behind is
        not told."""
        self._others.told(id, kind, json)
        self.hear_told(id, kind, json)

    def hear_told(self, id: LogId, kind: str, json: bytes) -> None:
        """The same of what was told elsewhere."""
        log = self._logs.get(id)
        for framing, readers in log.live.items() if log else ():
            told = framing.aside(kind, json)
            for reader in readers:
                if not reader.paused:
                    reader.write(told)

    def flush(self) -> None:
        """Hand what is new to everyone at the head. Costs one write a reader and log, however many events."""
        self._others.flush()
        while self._grown:
            grown, self._grown = self._grown, []
            for log in grown:
                self._flush(log)

    def _flush(self, log: Log) -> None:
        while log.fresh:
            entries = cut(log.fresh)
            fallen: list[Subscription] = []
            self.flushes += 1
            for framing, readers in log.live.items():
                joined: bytes | None = None
                for reader in readers:
                    if reader.paused:
                        fallen.append(readers[reader])
                        continue
                    if joined is None:
                        joined = framing.join(log.id, entries)
                    reader.write(joined)
                self._handed_out += len(readers) * len(entries)
            self._handed_out -= len(fallen) * len(entries)
            for sub in fallen:
                log.fall_behind(sub)
            self._behind.fell(fallen)
            log.flushed = entries[-1].seq
            log.remember(entries)
        for waiter in log.waiters:
            if not waiter.done():
                waiter.set_result(None)
        if not log.users:
            self._let_go(log)

    # -- which logs are in memory -------------------------------------------

    async def _hold(self, id: LogId, *, as_it_is_now: bool = False) -> Log:
        """The log, kept in memory until it is released; `as_it_is_now` with all that was stored anywhere
        before. Raises NoSuchRoom or NoSuchUser."""
        log = self._logs.get(id)
        if log is None:
            log = self._logs[id] = Log(id, self._memory)
        log.users += 1
        try:
            if not log.known:
                await self._others.follow(id)  # before the head is read: what comes between is heard
                await self._look(log)
            elif as_it_is_now and self._heads is not None:
                await self._look(log)
        except BaseException:
            self._release(log)
            raise
        return log

    async def _look(self, log: Log) -> None:
        """Have all of it that is stored by now: who comes from another node may have seen more than was heard
        of here, also while somebody else was opening the log."""
        head = await self._head(log.id)
        if not log.known:
            log.learn_head(head)
            return
        log.expected = max(log.expected, head)
        await self._repairs.at_once(log)

    async def _head(self, id: LogId) -> int:
        head = await (self._source.head(id) if self._heads is None else self._heads.of(id))
        if head is None:
            raise NoSuchRoom() if room_of(id) else NoSuchUser()
        return head

    def _release(self, log: Log) -> None:
        log.users -= 1
        if not log.users and not log.fresh:  # with something fresh, the flush lets it go
            self._let_go(log)

    def _let_go(self, log: Log) -> None:
        if self._logs.get(log.id) is log:
            del self._logs[log.id]
            log.forget(log.flushed)
            self._others.unfollow(log.id)

    def held(self) -> Sequence[LogId]:
        """The logs whose heads are known here."""
        return [log.id for log in self._logs.values() if log.known]
