"""One database for many nodes, and the store as one of them has it: what PostgreSQL is to them, in a world.

The database itself never loses anything; SQLite in memory does its work. What stands between it and a node is
what fails: requests and answers take their time, get lost, and sometimes nobody is there.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from hubbub.domain.errors import HubbubError, StorageAway, StorageFull
from hubbub.domain.events import Draft
from hubbub.domain.ids import SessionId, UserId
from hubbub.storage.base import Endings, Outcome, StoreInfo
from hubbub.storage.sqlite import SqliteStore
from simulation.node import EPOCH_MS, run_at_once
from simulation.schedule import ProcessLoop, Schedule

Done = Callable[[Sequence[Outcome]], None]

PROMPT_SECONDS = 0.03
"""An answer that took longer was slow."""

_LONGEST_PAUSE_SECONDS = 1.0


class Attempt:
    """A batch that is to be stored once, however often that is asked for."""

    def __init__(self, drafts: Sequence[Draft]) -> None:
        self.drafts = drafts
        self.outcomes: Sequence[Outcome] | None = None
        """Once it is stored."""


class Truth:
    """The database, and the roads to it.

    Always true: what was asked of it was done as a whole, at one moment, or not at all; heads grow in the
    order of those moments.
    """

    def __init__(
        self,
        schedule: Schedule,
        directory: Path,
        image: bytes | None,
        chance: Random,
        happened: Callable[[str], None],
    ) -> None:
        self.schedule = schedule
        self.chance = chance
        self.happened = happened
        """`image` is what it begins with; None: nothing."""
        directory.mkdir(parents=True, exist_ok=True)
        if image is not None:
            (directory / "hubbub.db").write_bytes(image)
        self._directory = directory
        self._create = image is None
        self.store: SqliteStore
        self._ended: list[SessionId] = []
        self.earliest_ms = self.latest_ms = 0
        """How far from the database's clock the times of messages were, when they were stored."""
        self._quick_seconds = chance.choice((0.0005, 0.003))
        self.heal()

    def heal(self) -> None:
        self.away = False
        self.cut_off: dict[str, None] = {}
        """Nodes that cannot reach it."""
        self.full = False
        self.be_quick()
        self.loses_answers = 0.0
        """How likely."""

    def open(self) -> None:
        self._loop = ProcessLoop(self.schedule)
        self.store = SqliteStore.open(
            self._directory,
            now_ms=self.now_ms,
            randomness=self.chance.randbytes,
            on_broken=self._broke,
            create=self._create,
        )

    def _broke(self, error: HubbubError) -> None:
        raise AssertionError(f"the database broke: {error.__cause__!r}")

    @property
    def info(self) -> StoreInfo:
        return self.store.info

    @property
    def ticket_secret(self) -> bytes:
        return self.store.ticket_secret

    def now_ms(self) -> int:
        return EPOCH_MS + int(self.schedule.now * 1000)

    def reaches(self, node: str) -> bool:
        return not self.away and node not in self.cut_off

    def latency(self) -> float:
        return 0.0001 + self.chance.random() * self.slowest_seconds

    def be_quick(self) -> None:
        self.slowest_seconds = self._quick_seconds

    def close(self) -> None:
        run_at_once(self.store.close())
        self._loop.close()

    # -- what is asked of it ------------------------------------------------

    def call(self, name: str, *given: Any, **named: Any) -> Any:
        """A method of the store. Raises HubbubError."""
        own = getattr(self, f"_{name}", None)
        if own is not None:
            return own(*given, **named)
        return run_at_once(getattr(self.store, name)(*given, **named))

    def commit(self, attempt: Attempt) -> Sequence[Outcome]:
        """Store a batch, unless it is there."""
        if attempt.outcomes is not None:
            self.happened("a batch whose answer was lost was found to be stored")
        elif self.full:
            self.happened("the database was full")
            return [StorageFull()] * len(attempt.drafts)
        else:
            for draft in attempt.drafts:
                off_ms = draft.sent_at_ms - self.now_ms()
                self.earliest_ms = min(self.earliest_ms, off_ms)
                self.latest_ms = max(self.latest_ms, off_ms)
            self.store.append(attempt.drafts, partial(setattr, attempt, "outcomes"))
        assert attempt.outcomes is not None
        return attempt.outcomes

    def _mark(self, *given: Any) -> Any:
        return self._noted(self.store.mark(*given))

    def _unmark(self, *given: Any) -> Any:
        return self._noted(self.store.unmark(*given))

    def _noted(self, work: Coroutine[Any, Any, Any]) -> Any:
        """SQLite's store writes marks at the end of a turn: here at once."""
        running = asyncio._get_running_loop()
        asyncio._set_running_loop(self._loop)
        steps = work.__await__()
        try:
            next(steps)
            self.store.write_notes()
            next(steps)
        except StopIteration as end:
            return end.value
        finally:
            asyncio._set_running_loop(running)
        raise AssertionError("the store waited for something else")

    def _end_session(self, id: SessionId) -> bool:
        there: bool = run_at_once(self.store.end_session(id))
        if there:
            self._ended.append(id)
        return there

    def _end_sessions(self, user: UserId) -> Sequence[SessionId]:
        ended: Sequence[SessionId] = run_at_once(self.store.end_sessions(user))
        self._ended += ended
        return ended

    def _disable(self, name: UserId, now_ms: int | None) -> None:
        if now_ms is not None:
            self._end_sessions(name)
        run_at_once(self.store.disable(name, now_ms))

    def _endings(self, since: int | None) -> Endings:
        return Endings(len(self._ended), None if since is None else tuple(self._ended[since:]))


class _Lost(Exception):
    """Whether it was done is not known."""


class SharedStore:
    """A Store, as one process of a node has it.

    Always true: one batch is under way while there is anything to write, and `done` is called in the order of
    the calls. While `up` is false one task tries to reach the database.
    """

    def __init__(
        self,
        truth: Truth,
        node: str,
        loop: ProcessLoop,
        chance: Random,
        measure: Callable[[int], None],
    ) -> None:
        """`measure` is told what the database's clock says, whenever it is found."""
        self._truth = truth
        self._node = node
        self._loop = loop
        self._chance = chance
        self._measure = measure
        self._patience_seconds = chance.choice((1.0, 5.0))
        self._most_at_once = chance.choice((1, 3, 5000))
        self._calls: deque[tuple[Sequence[Draft], Done]] = deque()
        self._writing: asyncio.Task[None] | None = None
        self._finding: asyncio.Task[None] | None = None
        self._reachable = asyncio.Event()
        self._reachable.set()
        self._lost_at = 0.0
        self._marking = asyncio.Lock()
        self._under_way: dict[asyncio.Future[Any], float] = {}
        self._troubled_at = float("-inf")

    @property
    def info(self) -> StoreInfo:
        return self._truth.info

    @property
    def ticket_secret(self) -> bytes:
        return self._truth.ticket_secret

    @property
    def up(self) -> bool:
        return self._reachable.is_set()

    def troubled_since(self, when: float) -> bool:
        """Whether it was slow or away."""
        late = self._truth.schedule.now - PROMPT_SECONDS
        return self._troubled_at > when or not self.up or any(at < late for at in self._under_way.values())

    async def close(self) -> None:
        while self._writing is not None:
            await asyncio.wait([self._writing])
        if self._finding is not None:
            self._finding.cancel()
            with suppress(asyncio.CancelledError):
                await self._finding

    # -- reading, and all writing but of posts ------------------------------

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("_") or not hasattr(SqliteStore, name):
            raise AttributeError(name)
        return partial(self._call, name)

    async def _call(self, name: str, *given: Any, **named: Any) -> Any:
        await self._wait_until_reachable()
        return await self._ask(partial(self._truth.call, name, *given, **named))

    async def mark(self, *given: Any) -> Any:
        async with self._marking:  # callers are told in the order in which marks moved
            return await self._call("mark", *given)

    async def unmark(self, *given: Any) -> Any:
        async with self._marking:
            return await self._call("unmark", *given)

    # -- posts --------------------------------------------------------------

    def append(self, drafts: Sequence[Draft], done: Done) -> None:
        self._calls.append((drafts, done))
        if self._writing is None:
            self._writing = self._loop.create_task(self._write_calls())

    async def _write_calls(self) -> None:
        try:
            while self._calls:
                calls = [self._calls.popleft()]
                while self._calls and len(calls) < self._most_at_once:
                    calls.append(self._calls.popleft())
                outcomes = deque(await self._outcomes([draft for drafts, _ in calls for draft in drafts]))
                for drafts, done in calls:
                    done([outcomes.popleft() for _ in drafts])
        finally:
            self._writing = None

    async def _outcomes(self, drafts: Sequence[Draft]) -> Sequence[Outcome]:
        attempt = Attempt(drafts)
        give_up_at: float | None = None
        while True:
            try:
                await self._wait_until_reachable()
            except StorageAway as away:
                return self._refused(attempt, away)
            try:
                return await self._ask(partial(self._truth.commit, attempt))
            except StorageAway as away:
                give_up_at = give_up_at or self._loop.time() + self._patience_seconds
                if self._loop.time() >= give_up_at:
                    return self._refused(attempt, away)

    def _refused(self, attempt: Attempt, away: StorageAway) -> Sequence[Outcome]:
        if attempt.outcomes is not None:
            self._truth.happened("a batch was stored, and its posters were told that the database is away")
        return [away] * len(attempt.drafts)

    # -- the road -----------------------------------------------------------

    async def _ask(self, work: Callable[[], Any]) -> Any:
        """What `work` gives, done at the database. Raises StorageAway when no answer comes, whether it was
        done or not."""
        answer: asyncio.Future[Any] = self._loop.create_future()
        asked = self._under_way[answer] = self._truth.schedule.now
        self._truth.schedule.after(self._truth.latency(), self._arrive, work, answer)
        try:
            return await answer
        except _Lost:
            self._troubled_at = self._truth.schedule.now
            self._lose()
            raise StorageAway from None
        finally:
            del self._under_way[answer]
            if self._truth.schedule.now > asked + PROMPT_SECONDS:
                self._troubled_at = self._truth.schedule.now

    def _arrive(self, work: Callable[[], Any], answer: asyncio.Future[Any]) -> None:
        """At the database: also what was asked by a process that has gone since."""
        truth = self._truth
        if not truth.reaches(self._node):
            self._get_lost(answer)
            return
        try:
            result, error = work(), None
        except Exception as refusal:
            result, error = None, refusal
        if truth.loses_answers and truth.chance.random() < truth.loses_answers:
            truth.happened("the answer of the database was lost")
            self._get_lost(answer)
            return
        truth.schedule.after(truth.latency(), self._come_back, answer, result, error)

    def _come_back(self, answer: asyncio.Future[Any], result: Any, error: Exception | None) -> None:
        if self._loop.dead:
            self._truth.happened("a node died while an answer was on its way to it")
        if self._truth.reaches(self._node):
            self._loop.poke(_settle, answer, result, error)
        else:
            self._get_lost(answer)

    def _get_lost(self, answer: asyncio.Future[Any]) -> None:
        """It takes a while until that is noticed."""
        after = self._truth.chance.choice((0.001, 0.3, 2.0))
        self._truth.schedule.after(after, self._loop.poke, _settle, answer, None, _Lost())

    async def _wait_until_reachable(self) -> None:
        left = self._lost_at + self._patience_seconds - self._loop.time()
        if not self.up and left > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._reachable.wait()
        if not self.up:
            raise StorageAway

    def _lose(self) -> None:
        if self.up:
            self._truth.happened("a node lost the database")
            self._reachable.clear()
            self._lost_at = self._loop.time()
            self._finding = self._loop.create_task(self._find())

    async def _find(self) -> None:
        pause_seconds = 0.05
        while True:
            with suppress(StorageAway):
                self._measure(await self._ask(self._truth.now_ms))
                break
            await asyncio.sleep(pause_seconds)
            pause_seconds = min(2 * pause_seconds, _LONGEST_PAUSE_SECONDS)
        self._truth.happened("a node found the database again")
        self._finding = None
        self._reachable.set()


def _settle(answer: asyncio.Future[Any], result: Any, error: Exception | None) -> None:
    if answer.done():  # whoever asked has gone
        return
    if error is None:
        answer.set_result(result)
    else:
        answer.set_exception(error)
