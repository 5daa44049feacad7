"""The server watched from outside while a load lasts: what memory it takes, and how soon it says it lives."""

import asyncio
import time
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Self

from hubbub.bench.histogram import Histogram
from hubbub.bench.pacing import NANOSECONDS
from hubbub.bench.rest import RestClient

LOOK_SECONDS = 0.1

_PATH = "/health/live"


class Watch:
    """Use as an async context manager.

    Always true: `before_bytes` is what was resident when it began, `most_bytes` the most that was seen since;
    None where a process's memory cannot be read.
    """

    def __init__(self, resident: Callable[[], int | None]) -> None:
        self._resident = resident
        self.before_bytes = resident()
        self.most_bytes = self.before_bytes
        self._looking: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._looking = asyncio.create_task(self._look())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._looking is not None
        self._looking.cancel()
        self.look()

    def look(self) -> int | None:
        """What is resident now."""
        now_bytes = self._resident()
        if now_bytes is not None:
            self.most_bytes = max(now_bytes, self.most_bytes or 0)
        return now_bytes

    async def _look(self) -> None:
        while True:
            self.look()
            await asyncio.sleep(LOOK_SECONDS)


PATIENCE_SECONDS = 10.0


class Health:
    """One who asks all the time whether the server lives, over a connection that is used for nothing else.

    As a load balancer asks: the next question comes a while after the last one, and after its answer.
    """

    def __init__(self, connection: RestClient) -> None:
        self._connection = connection
        self.latency = Histogram()
        self.failed = 0

    async def ask(self, begin_ns: int, end_ns: int) -> None:
        """From one moment to another, of CLOCK_MONOTONIC."""
        await asyncio.sleep(max(0.0, (begin_ns - time.monotonic_ns()) / NANOSECONDS))
        while (asked_ns := time.monotonic_ns()) < end_ns:
            answered = asyncio.Event()
            self._connection.ask("GET", _PATH, partial(self._answered, asked_ns, answered))
            await asyncio.sleep(LOOK_SECONDS)
            try:
                async with asyncio.timeout(PATIENCE_SECONDS):
                    await answered.wait()
            except TimeoutError:
                return  # what was asked counts as failed

    def leave(self) -> None:
        """Questions that were not answered by now count as failed."""
        self._connection.leave()

    def _answered(self, asked_ns: int, answered: asyncio.Event, status: int, body: bytes) -> None:
        answered.set()
        if status == 200:
            self.latency.add((time.monotonic_ns() - asked_ns) // 1000)
        else:
            self.failed += 1
