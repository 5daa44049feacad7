"""The time by which all nodes of one store go: the database's.

A node whose own clock is an hour off then does no harm: its posts bear the time the others would give them,
and no session ends an hour early.
"""

from collections.abc import Awaitable, Callable

from hubbub.storage.postgres.database import Connection

_NOW = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint"

_TRIES = 3
"""The quickest answer of these is the one to believe: half its way is all it can be wrong by."""


class Clock:
    """This node's clock, set right by the database's."""

    def __init__(self, now_ms: Callable[[], int], monotonic: Callable[[], float]) -> None:
        self._now_ms = now_ms
        self._monotonic = monotonic
        self.offset_ms = 0

    def now_ms(self) -> int:
        return self._now_ms() + self.offset_ms

    async def measure(self, connection: Connection) -> None:
        """Ask the database what time it is."""
        await self.ask(lambda: connection.fetchval(_NOW))

    async def ask(self, their_now_ms: Callable[[], Awaitable[int]]) -> None:
        """What the offset was before stays, unless the answer shows that it is wrong: an answer that was slow
        to come moves no clock."""
        found: list[tuple[float, float]] = []
        for _ in range(_TRIES):
            asked = self._monotonic()
            theirs_ms = await their_now_ms()
            half_way_ms = (self._monotonic() - asked) * 500
            found.append((half_way_ms, theirs_ms + half_way_ms - self._now_ms()))
        may_be_wrong_by_ms, offset_ms = min(found)
        if abs(offset_ms - self.offset_ms) > may_be_wrong_by_ms + 1:  # either clock counts whole milliseconds
            self.offset_ms = round(offset_ms)
