"""Reading from the store what was not heard of.

Where several nodes write, an event may come before one that has a smaller number, or never. It waits for
a moment; then what is missing is read. The store is the truth, so nobody has to be asked again.
"""

import asyncio
from collections.abc import Callable

from hubbub.domain.errors import StorageAway
from hubbub.hub.log import Log
from hubbub.hub.source import Past, Source

PATIENCE_SECONDS = 0.1
"""How long an event that came early waits for those before it. They are under way, mostly: a message between
two nodes takes about a millisecond, and tens of them when both are busy. To read then what comes by itself is
more work for a node that is late already: with a fifth of this, three busy nodes fell behind for good."""

AWAY_SECONDS = 0.5
"""How long is waited for a database that is away."""

AT_ONCE = 4
"""Logs that are read at the same time, so that a node that has missed much asks no more of the database than
a few readers would."""


class Repairs:
    """Always true: a log that lacks something stands here, or a task is reading it."""

    def __init__(
        self,
        source: Source,
        came: Callable[[Log, Past | None], None],
        failed: Callable[[BaseException], None],
        patience_seconds: float,
    ) -> None:
        """`came` is handed what was read after the log's head, or None when nothing could be, and `failed`
        is told why."""
        self._source = source
        self._came = came
        self._failed = failed
        self._patience_seconds = patience_seconds
        self._waiting: dict[Log, None] = {}
        self._due: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._reading: set[Log] = set()
        self.count = 0
        """How often something was read."""

    def soon(self, log: Log) -> None:
        """Unless what it lacks comes by itself."""
        self._waiting[log] = None
        if self._due is None:
            self._due = asyncio.get_running_loop().call_later(self._patience_seconds, self._begin)

    def _begin(self) -> None:
        self._due = None
        for _ in range(min(AT_ONCE - len(self._tasks), len(self._waiting))):
            task = asyncio.get_running_loop().create_task(self._work())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _work(self) -> None:
        while log := next((log for log in self._waiting if log not in self._reading), None):
            del self._waiting[log]
            self._reading.add(log)
            try:
                await self._read(log)
            finally:
                self._reading.discard(log)

    async def _read(self, log: Log) -> None:
        try:
            await self.at_once(log)
        except StorageAway:
            await asyncio.sleep(AWAY_SECONDS)
            self.soon(log)
        except Exception as error:
            self._failed(error)
            self._came(log, None)

    async def at_once(self, log: Log) -> None:
        """Read what it lacks. Raises what the store raises."""
        while log.lacks and log.users:
            past = await self._source.page(log.id, after=log.head)
            self.count += 1
            before = log.head
            self._came(log, past)
            if log.head == before:
                return  # what it was told of is not there: the next comparison of heads decides

    def close(self) -> None:
        if self._due is not None:
            self._due.cancel()
        for task in self._tasks:
            task.cancel()
