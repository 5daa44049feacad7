"""Going through a whole store, whichever database it is in, and telling what is not as it must be.

Also while a server writes to it: each log is followed as far as it reached when its turn came, and what is
read at once is small. Memory is bounded by the number of logs, not of events.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

from hubbub.domain.errors import Damaged, StorageFailed
from hubbub.domain.events import Event
from hubbub.domain.ids import UserId, inbox_log
from hubbub.storage.auditing import Auditing, Found, KeyFacts, LogFacts, Pair
from hubbub.verify.chain import Chain
from hubbub.verify.report import Anchor, Counts, Findings, Report

EXCHANGED = 100
"""Messages of a conversation that are compared at once, of either side."""

_NO_SUCH_TYPE = (TypeError, ValueError, AttributeError, OverflowError)
"""What comes of values that a damaged disk gave another type: none is believed to be what it should."""

Pause = Callable[[], Awaitable[None]]


async def _no_pause() -> None:
    pass


class Walk:
    """One check of one store. `counts` and `findings` can be looked at while it goes on."""

    def __init__(
        self, store: Auditing, *, against: Mapping[str, Anchor] | None = None, pause: Pause = _no_pause
    ) -> None:
        """`against`: the anchors of an earlier report. `pause` is awaited after every batch."""
        self._store = store
        self._against = dict(against or {})
        self._pause = pause
        self.counts = Counts()
        self.findings = Findings()
        self.anchors: dict[str, Anchor] = {}

    async def run(self, *, now_ms: Callable[[], int], monotonic: Callable[[], float]) -> Report:
        began_at_ms, began = now_ms(), monotonic()
        for part in (self._structure, self._logs, self._strays, self._keys, self._exchanges, self._people):
            async with self._as_far_as_it_goes():
                await part()
        info = self._store.info
        return Report(
            whole=not self.findings.counts,
            backend=info.backend,
            version=info.version,
            epoch=info.epoch,
            form=self._store.form,
            began_at_ms=began_at_ms,
            seconds=monotonic() - began,
            checked=self.counts,
            problems_by_kind=dict(self.findings.counts),
            problems=self.findings.problems,
            anchors=self.anchors,
        )

    @asynccontextmanager
    async def _as_far_as_it_goes(self) -> AsyncIterator[None]:
        """One part that cannot go on leaves the others to be looked at."""
        try:
            yield
        except (StorageFailed, Damaged) as error:
            self.findings.add("unreadable", error.detail)
        except _NO_SUCH_TYPE as error:
            self.findings.add("unreadable", f"What is stored is of no type that it may have: {error}.")

    async def _structure(self) -> None:
        for line in await self._store.structure():
            self.findings.add("structure", line)

    # -- logs ---------------------------------------------------------------

    async def _logs(self) -> None:
        async for batch in self._store.logs():
            for facts in batch:
                async with self._as_far_as_it_goes():
                    await self._log(facts)
            await self._pause()
        for log, anchor in self._against.items():
            if anchor.head:
                self.findings.add("anchor", f"The log is gone; it reached {anchor.head}.", log=log)

    async def _log(self, facts: LogFacts) -> None:
        self.counts.logs += 1
        if not facts.owned:
            self.findings.add("orphan", "The log is nobody's.", log=facts.name)
        anchor = self._against.pop(facts.name, None)
        chain = Chain(facts.name, self.findings, anchor)
        before = 0
        async for part in self._store.entries(facts.name, facts.head):
            chain.take(part)
            self.counts.events += chain.events - before
            before = chain.events
            if part.entries:
                await self._pause()
        chain.end(facts.head)
        if isinstance(chain.link, bytes):
            self.anchors[facts.name] = Anchor(chain.seq, chain.link.hex())
        if anchor is not None:
            self.counts.anchors += chain.met is not None
            self.counts.anchors_removed += chain.met is None

    async def _strays(self) -> None:
        async for batch in self._store.strays():
            for stray in batch:
                self.findings.add(stray.kind, stray.text, log=stray.log, seq=stray.seq)
            await self._pause()

    # -- keys ---------------------------------------------------------------

    async def _keys(self) -> None:
        async for batch in self._store.keys():
            for facts in batch:
                self.counts.keys += 1
                if wrong := _wrong_with_key(facts):
                    self.findings.add("key", wrong, log=facts.log, seq=facts.seq)
            await self._pause()

    # -- direct messages ----------------------------------------------------

    async def _exchanges(self) -> None:
        async for pairs in self._store.pairs():
            for pair in pairs:
                await self._exchange(pair)
            await self._pause()

    async def _exchange(self, pair: Pair) -> None:
        """Hold the two sides of a conversation together, from the newest back: they end together, and where
        one begins later than the other its inbox has lost its beginning to retention."""
        before: tuple[int, int] | None = None
        while True:
            both = await self._store.exchange(pair, before, EXCHANGED)
            for (seq, mine), (their_seq, theirs) in zip(both.one, both.other, strict=False):
                if not _are_one_message(mine, theirs):
                    text = f"It is not what stands as number {their_seq} in the inbox of {pair.other}."
                    self.findings.add("copy", text, log=inbox_log(pair.one), seq=seq)
                    return
                self.counts.direct_messages += 1
            met = min(len(both.one), len(both.other))
            if met < EXCHANGED:
                self._check_beginning(pair.one, pair.other, both.one[met:], both.floors[1])
                self._check_beginning(pair.other, pair.one, both.other[met:], both.floors[0])
                return
            before = both.one[-1][0], both.other[-1][0]
            await self._pause()

    def _check_beginning(
        self, owner: UserId, peer: UserId, left: Sequence[tuple[int, Event | None]], floor: int
    ) -> None:
        """What is left in the inbox of `owner` when that of `peer`, which begins after `floor`, is at its
        end: retention must have removed the same there."""
        if left and not floor:
            text = f"The inbox of {peer} does not have it."
            self.findings.add("copy", text, log=inbox_log(owner), seq=left[0][0])

    # -- people and rooms ---------------------------------------------------

    async def _people(self) -> None:
        async for checked in self._store.people():
            match checked.what:
                case "users":
                    self.counts.users += checked.count
                case "rooms":
                    self.counts.rooms += checked.count
                case "sessions":
                    self.counts.sessions += checked.count
                case "marks":
                    self.counts.marks += checked.count
            for stray in checked.strays:
                self.findings.add(stray.kind, stray.text, log=stray.log, seq=stray.seq)
            await self._pause()


def _are_one_message(mine: Event | None, theirs: Event | None) -> bool:
    """Whether two events are a direct message and its sender's copy of it."""
    return mine is not None and theirs is not None and _said(mine) == _said(theirs)


def _said(event: Event) -> tuple[object, ...]:
    return event.id, event.sender, event.to, event.text, event.key, event.sent_at_ms


def _wrong_with_key(facts: KeyFacts) -> str | None:
    whose = f"The key {facts.key!r} of {facts.sender}"
    if facts.log is None:
        return f"{whose} is of no log."
    if facts.seq > facts.floor:
        if facts.event is None:
            return f"{whose} leads to an event that is not there."
        if not _is_keys(facts, facts.event, "message"):
            return f"{whose} leads to another's event."
    elif not facts.kept:
        return f"{whose} has lost its event, and what a retry needs of it."
    if facts.copy_seq is None:
        return None
    if facts.copy_floor is None:
        return f"{whose} has its copy in an inbox that is not there."
    if facts.copy_seq > facts.copy_floor and (
        facts.copy is None
        or not _is_keys(facts, facts.copy, "sent")
        or (facts.event is not None and facts.event.id != facts.copy.id)
    ):
        return f"{whose} leads to another copy than its sender's."
    return None


def _is_keys(facts: KeyFacts, found: Found, kind: str) -> bool:
    return (found.kind, found.sender, found.key) == (kind, facts.sender, facts.key)
