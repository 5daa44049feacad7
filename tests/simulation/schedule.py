"""Virtual time: what happens when, in one world, and the event loop of one process in it.

Nothing waits. The clock jumps to whatever comes next; what is due at the same moment keeps the order in
which it was asked for. There are no threads, no sockets and no wall clock, so a world with the same seed is
the same world, callback for callback.
"""

import asyncio
import heapq
import logging
from collections.abc import Callable, Iterable
from typing import Any

log = logging.getLogger("simulation")

TURN_SECONDS = 20e-6
"""What a turn of a process's loop takes beside what it waits for the disk."""

LOOK_SECONDS = 1e-6


class Endless(Exception):
    """A world that does not come to rest: something calls itself again and again."""


class Schedule:
    """What is still to happen, by time.

    Always true: `now` never goes back.
    """

    def __init__(self) -> None:
        self.now = 0.0
        self.steps = 0
        self.halted = False
        """Whether nothing more is to happen."""
        self._due: list[tuple[float, int, Callable[..., object], tuple[Any, ...]]] = []
        self._asked = 0

    def at(self, when: float, act: Callable[..., object], *given: Any) -> None:
        self._asked += 1
        heapq.heappush(self._due, (max(when, self.now), self._asked, act, given))

    def after(self, seconds: float, act: Callable[..., object], *given: Any) -> None:
        self.at(self.now + seconds, act, *given)

    def run(self, until: float, *, steps: int) -> None:
        """All that is due up to `until`. Raises Endless after so many `steps`."""
        last = self.steps + steps
        while self._due and self._due[0][0] <= until and not self.halted:
            self.now, _, act, given = heapq.heappop(self._due)
            act(*given)
            self.steps += 1
            if self.steps > last:
                raise Endless(f"{steps} steps, and it is only {self.now:.3f} s")
        self.now = max(self.now, until)


class ProcessLoop(asyncio.BaseEventLoop):
    """The event loop of one process. It runs a turn when there is something to run, as asyncio's does: first
    what had happened outside, then the timers that are due, and nothing that is asked for in this turn.

    Always true: once `dead`, no callback runs any more.
    """

    def __init__(self, schedule: Schedule) -> None:
        super().__init__()
        self._schedule = schedule
        self._turn_at: float | None = None
        self._in_turn = False
        self._spent = 0.0
        self._free_at = 0.0
        self._tasks: dict[asyncio.Task[Any], None] = {}
        self.dead = False
        self.boundary: Callable[[], None] | None = None
        """Called before each callback."""
        self.troubles: list[dict[str, Any]] = []
        """What the loop was told went wrong."""
        self.set_task_factory(self._new_task)
        self.set_exception_handler(lambda _, context: self.troubles.append(context))

    # -- what asyncio asks of a loop ----------------------------------------

    def time(self) -> float:
        """Each look at the clock takes a while, so that time passes within a turn too."""
        self._spent += LOOK_SECONDS
        return self._schedule.now + self._spent

    def get_debug(self) -> bool:
        return False

    def _new_task(self, loop: asyncio.AbstractEventLoop, coro: Any, **more: Any) -> "asyncio.Task[Any]":
        task = asyncio.Task(coro, loop=loop, **more)
        self._tasks[task] = None
        task.add_done_callback(self._tasks.pop)
        return task

    # -- what the world does with it ----------------------------------------

    def poke(self, act: Callable[..., object], *given: Any) -> None:
        """Something happened outside: `act` is called in the next turn."""
        if not self.dead:
            self.call_soon(act, *given)
            self._wake()

    def within(self, act: Callable[..., Any], *given: Any) -> Any:
        """Call `act` now, as if in a turn of its own."""
        asyncio._set_running_loop(self)
        try:
            return act(*given)
        finally:
            asyncio._set_running_loop(None)
            self._wake()

    def stall(self, seconds: float) -> None:
        """The process waits for so long, in the middle of its turn."""
        self._spent += seconds

    def freeze(self, seconds: float) -> None:
        """Nothing runs for so long; then all at once that has come meanwhile."""
        self._free_at = max(self._free_at, self._schedule.now + seconds)
        self._turn_at = None
        self._wake()

    def thaw(self) -> None:
        self._free_at = min(self._free_at, self._schedule.now)
        self._wake()

    def _wake(self) -> None:
        if self._in_turn or self.dead:
            return
        while self._scheduled and self._scheduled[0]._cancelled:
            self._timer_cancelled_count -= 1
            heapq.heappop(self._scheduled)._scheduled = False
        if self._ready:
            when = self._schedule.now
        elif self._scheduled:
            when = self._scheduled[0]._when
        else:
            return
        when = max(when, self._free_at)
        if self._turn_at is None or when < self._turn_at:
            self._turn_at = when
            self._schedule.at(when, self._turn, when)

    def _turn(self, when: float) -> None:
        if when != self._turn_at or self.dead:
            return  # it was woken earlier meanwhile
        self._turn_at = None
        self._in_turn = True
        asyncio._set_running_loop(self)
        try:
            while self._scheduled and self._scheduled[0]._when <= when:
                handle = heapq.heappop(self._scheduled)
                handle._scheduled = False
                self._ready.append(handle)
            for _ in range(len(self._ready)):
                handle = self._ready.popleft()
                if handle._cancelled:
                    continue
                if self.boundary is not None:
                    self.boundary()
                if self.dead:
                    self._ready.appendleft(handle)  # for the burial
                    return
                handle._run()
        finally:
            self._in_turn = False
            self._free_at = self.time() + TURN_SECONDS
            self._spent = 0.0
            asyncio._set_running_loop(None)
            self._wake()

    def bury(self) -> None:
        """The process is no more: have its tasks unwind, where nobody can see it, and close."""
        self.dead = True
        asyncio._set_running_loop(self)
        try:
            for _ in range(50):
                for task in list(self._tasks):
                    task.cancel()
                ready, self._ready = list(self._ready), type(self._ready)()
                for handle in ready:
                    if not handle._cancelled:
                        handle._run()
                if not self._tasks and not self._ready:
                    break
        finally:
            asyncio._set_running_loop(None)
        for task in self._tasks:  # one that would not be cancelled
            task._log_destroy_pending = False
        self._tasks.clear()
        self.close()

    @property
    def tasks(self) -> int:
        """How many have not ended."""
        return len(self._tasks)


class Ordered(dict[Any, None]):
    """A set that keeps the order in which its members came, whatever their hashes are."""

    def add(self, each: Any) -> None:
        self[each] = None

    def discard(self, each: Any) -> None:
        self.pop(each, None)

    @classmethod
    def of(cls, them: Iterable[Any]) -> "Ordered":
        return cls.fromkeys(them)
