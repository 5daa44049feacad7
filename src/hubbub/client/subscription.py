"""Events of some logs, for as long as anybody reads: each once, in order, none left out.

The connection below may break as often as it likes; reading goes on from the last event taken.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import get_args

from hubbub.client.backoff import MOST_SECONDS, Backoff
from hubbub.client.errors import ConnectionLost, Problem, SignedOut
from hubbub.client.lines import Line
from hubbub.client.places import Event, Log, Places
from hubbub.domain.model import SessionEnd
from hubbub.protocol.frames import Bye, MarkFrame

_OF_THE_SESSION = get_args(SessionEnd)


class Subscription:
    """Use as an async iterator; close it, or use it as an async context manager, when done before the end.

    Iterating raises SignedOut when the session ended, Problem when the server refuses for good (no such
    room, a stale cursor), and Hole when events are missing. Lost connections are not told: they are mended.

    Always true: every event of each log between where reading started and `cursors()` was handed out,
    once and in order.
    """

    def __init__(
        self,
        places: Places,
        connect: Callable[[Places], Awaitable[Line]],
        *,
        chance: Callable[[], float],
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        monotonic: Callable[[], float] = time.monotonic,
        closed: Callable[["Subscription"], None] = lambda _: None,
        marked: Callable[[MarkFrame], None] = lambda _: None,
        watch: Callable[[float | None], None] = lambda _: None,
    ) -> None:
        """`watch` is told None whenever a connection was made, and whenever there is none the seconds until
        the next is tried."""
        self._places = places
        self._connect = connect
        self._backoff = Backoff(chance)
        self._sleep = sleep
        self._monotonic = monotonic
        self._closed = closed
        self._marked = marked
        self._watch = watch
        self._line: Line | None = None
        self._opened_at = 0.0
        self._due = 0.0  # when a connection may be made again
        self._resting: asyncio.Future[object] | None = None
        self._early: deque[Event] = deque()  # what came while `open` learned where the last log starts
        self._done = False
        self.connections = 0
        """How often a connection was made, the first included."""

    def cursors(self) -> dict[Log, str | None]:
        """Where each log stands: hand it to `subscribe(after=…)` to go on another day."""
        return self._places.cursors()

    @property
    def repeats(self) -> int:
        """Events that came again and were not handed out. A correct server sends none."""
        return self._places.repeats

    async def open(self) -> "Subscription":
        """Connect now rather than at the first event: what is posted after this returns will be heard."""
        while not self._done and (self._line is None or self._places.unknown):
            event = await self._step()
            if event is not None:
                self._early.append(event)
        return self

    def __aiter__(self) -> "Subscription":
        return self

    async def __anext__(self) -> Event:
        if self._early:
            return self._early.popleft()
        while not self._done:
            event = await self._step()
            if event is not None:
                return event
        raise StopAsyncIteration

    async def close(self) -> None:
        """Stop; reading on ends the iteration, also in another task. May be called again."""
        self._done = True
        if self._resting is not None:
            self._resting.cancel()
        await self._hang_up()
        self._closed(self)

    async def __aenter__(self) -> "Subscription":
        return await self.open()

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    # -- one step: connect, or receive; and mend what is broken --------------

    async def _step(self) -> Event | None:
        try:
            if self._line is None:
                await self._begin()
                return None
            received = await self._line.receive()
        except ConnectionLost as lost:
            await self._come_back(self._backoff.told(lost.retry_after))
            return None
        except Problem as problem:
            if not problem.passing:
                await self.close()
                raise
            await self._come_back(self._backoff.told(problem.retry_after))
            return None
        except asyncio.CancelledError:
            if self._line is not None and not self._line.survives_cancel:
                await self._hang_up()
            raise
        if isinstance(received, Bye):
            await self._part(received)
            return None
        if isinstance(received, MarkFrame):
            self._marked(received)
            return None
        return received if received is not None and await self._take(received) else None

    async def _begin(self) -> None:
        await self._rest()
        if self._done:
            return
        self._line = await self._connect(self._places)
        if self._done:  # closed meanwhile, by another task
            await self._hang_up()
            return
        self._opened_at = self._monotonic()
        self.connections += 1
        self._watch(None)

    async def _rest(self) -> None:
        """Until it is due: also for whoever has given up waiting meanwhile, and waits anew."""
        seconds = self._due - self._monotonic()
        if seconds <= 0:
            return
        self._resting = resting = asyncio.ensure_future(self._sleep(seconds))
        try:
            await asyncio.wait((resting,))
        finally:
            self._resting = None
            resting.cancel()
        if not resting.cancelled():  # by `close`
            resting.result()
        self._due = 0.0

    async def _take(self, event: Event) -> bool:
        self._backoff.reset()
        try:
            return self._places.take(event)
        except Exception:
            await self.close()
            raise

    async def _part(self, bye: Bye) -> None:
        if bye.reason in _OF_THE_SESSION:
            await self.close()
            raise SignedOut(bye.reason)
        # The server has spread its clients over time already: come when told.
        await self._come_back(self._backoff.next() if bye.retry_after is None else bye.retry_after)

    async def _come_back(self, seconds: float) -> None:
        if self._line is not None and self._monotonic() - self._opened_at > MOST_SECONDS:
            self._backoff.reset()
        await self._hang_up()
        if not self._done:
            self._due = self._monotonic() + seconds
            self._watch(seconds)

    async def _hang_up(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            await line.close()
