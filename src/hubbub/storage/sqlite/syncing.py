"""When what was committed is synced: in the same breath, or apart from it where the disk is slow.

A sync in the event loop is the quickest there is on a disk that takes a fraction of a millisecond for it, and
holds up everybody on one that takes fifty. So a slow disk is noticed, and then a commit writes without
waiting, the sync runs in a thread, and whoever committed is told when a sync that began after the commit has
ended. One sync serves all that were committed before it began.

Nothing here knows what is stored, or SQL.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import structlog

from hubbub.domain.errors import StorageFailed

Apart = Callable[[Callable[[], None], Callable[[BaseException | None], None]], None]
"""Does the first in another thread; then, in this one, calls the second with what the first raised, or None.
One after the other, in the order of the calls."""

Told = Callable[[StorageFailed | None], None]
"""What is called when a commit is on disk, or never will be as far as anybody knows."""

SLOW_SECONDS = 0.01
"""Commits that all take longer than this are held up by their syncs: it is half of what a post may take at
p99 on a quiet server, and far more than what else a commit does unless thousands of posts are in it."""

STALL_SECONDS = 0.25
"""One commit that takes so long is enough: another like it would be felt by everybody again."""

SWIFT_SECONDS = 0.005
"""A sync apart that takes no longer might as well be made in the loop."""

_LOOK_BACK = 8
"""So many commits in a row have to be slow; a busy machine makes one of them slow now and then."""

_SWIFT_SYNCS = 64
"""So many syncs in a row have to be swift before they go back to the loop; twice as many the next time, for
a disk that stalls once an hour should not be trusted anew each time."""


_log = structlog.get_logger("hubbub.storage")


class Pace:
    """Whether syncs belong apart, from how long they take. Pure.

    Always true: each time it was wrong to go apart, or right to come back for a while only, it becomes
    slower to change its mind.
    """

    def __init__(self, *, apart: bool = False) -> None:
        self.apart = apart
        self._limit_seconds = SLOW_SECONDS
        self._trust = _SWIFT_SYNCS
        self._recent: deque[float] = deque(maxlen=_LOOK_BACK)
        self._swift = 0

    def committed(self, seconds: float) -> None:
        """A commit with its sync took so long, in the loop."""
        self._recent.append(seconds)
        slow = len(self._recent) == _LOOK_BACK and min(self._recent) > self._limit_seconds
        if slow or seconds > STALL_SECONDS:
            self.apart = True
            self._recent.clear()
            self._swift = 0

    def synced(self, seconds: float) -> None:
        """A sync alone took so long, apart."""
        self._swift = self._swift + 1 if seconds < SWIFT_SECONDS else 0
        if self._swift >= self._trust:
            self.apart = False
            self._trust *= 2
            self._limit_seconds = min(2 * self._limit_seconds, STALL_SECONDS)


class Syncs:
    """The commits whose sync is still to come, or under way.

    Always true:
      * whoever waits is told once, in the order of the commits, in the loop;
      * nobody is told that a commit is on disk before a sync has ended that began after it;
      * after a sync that failed there is no other.
    """

    def __init__(
        self,
        *,
        sync: Callable[[], None],
        apart: Apart,
        failed: Callable[[BaseException], StorageFailed],
        monotonic: Callable[[], float],
        took: Callable[[float], None],
    ) -> None:
        """`sync` returns when the log's file is on disk; it is called apart. `took` is told how many seconds
        one has needed, and `failed` why there was none."""
        self._sync = sync
        self._apart = apart
        self._failed = failed
        self._monotonic = monotonic
        self._took = took
        self._waiting: deque[Told] = deque()
        self._under_way = 0  # how many of the first who wait the sync that runs is for
        self._seconds = 0.0

    def __len__(self) -> int:
        return len(self._waiting)

    def after(self, told: Told) -> None:
        """Have `told` called when all that is committed now is on disk."""
        self._waiting.append(told)
        if not self._under_way:
            self._begin()

    def _begin(self) -> None:
        self._under_way = len(self._waiting)
        self._apart(self._timed_sync, self._ended)

    def _timed_sync(self) -> None:
        began = self._monotonic()
        self._sync()
        self._seconds = self._monotonic() - began

    def _ended(self, error: BaseException | None) -> None:
        failure = None if error is None else self._failed(error)
        if failure is None:
            self._took(self._seconds)
        # With a failure all who wait are told: there will be no other sync.
        for _ in range(self._under_way if failure is None else len(self._waiting)):
            _tell(self._waiting.popleft(), failure)
        self._under_way = 0
        if self._waiting and failure is None:
            self._begin()


def _tell(told: Told, failure: StorageFailed | None) -> None:
    try:
        told(failure)
    except Exception:
        _log.exception("a committer did not take its outcome")  # the others still have to


def until_failure(apart: Apart, over: Callable[[], BaseException | None]) -> Apart:
    """As `apart`, until something failed there, or is `over` here: whatever comes after it is not done.

    The log must not be moved into the database by a sync that only seems to have succeeded, because the one
    before it has failed and the system now takes for written what never was. It is in the thread that this
    has to be known: the next work may begin there before the loop has heard of the last.
    """
    failure: BaseException | None = None

    def guarded(work: Callable[[], None], done: Callable[[BaseException | None], None]) -> None:
        def unless_over() -> None:
            nonlocal failure
            failure = failure or over()
            if failure is not None:
                raise failure
            try:
                work()
            except BaseException as error:
                failure = error
                raise

        apart(unless_over, done)

    return guarded


class Thread:
    """An Apart: one thread of its own, made when it is first needed."""

    def __init__(self) -> None:
        self._pool: ThreadPoolExecutor | None = None

    def __call__(self, work: Callable[[], None], done: Callable[[BaseException | None], None]) -> None:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(1, "hubbub-disk")
        ended = asyncio.get_running_loop().run_in_executor(self._pool, work)
        ended.add_done_callback(lambda future: done(future.exception()))

    def close(self) -> None:
        """Wait for what is under way."""
        if self._pool is not None:
            self._pool.shutdown()
