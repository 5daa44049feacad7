"""Asking a store that others write to where logs end.

Ten thousand who come back at once ask for the same few logs: whatever is asked while a question is under way
is the next one, together.
"""

import asyncio

from hubbub.domain.ids import LogId
from hubbub.hub.source import Source


class Heads:
    """Always true: one question is under way at a time, and each answer is of a question that was put after
    whoever gets it had asked."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._asked: dict[LogId, list[asyncio.Future[int | None]]] = {}
        self._asking: asyncio.Task[None] | None = None

    async def of(self, log: LogId) -> int | None:
        """The last seq there is now; None when there is no such log. Raises what the store raises."""
        loop = asyncio.get_running_loop()
        told: asyncio.Future[int | None] = loop.create_future()
        self._asked.setdefault(log, []).append(told)
        if self._asking is None:
            self._asking = loop.create_task(self._ask())
        return await told

    async def _ask(self) -> None:
        try:
            while self._asked:
                asked, self._asked = self._asked, {}
                try:
                    heads = await self._source.heads(list(asked))
                except Exception as error:
                    for each in _waiting(asked):
                        each[1].set_exception(error)
                else:
                    for log, told in _waiting(asked):
                        told.set_result(heads.get(log))
        finally:
            self._asking = None


def _waiting(
    asked: dict[LogId, list[asyncio.Future[int | None]]],
) -> list[tuple[LogId, asyncio.Future[int | None]]]:
    """Those who have not gone meanwhile."""
    return [(log, told) for log, waiting in asked.items() for told in waiting if not told.done()]
