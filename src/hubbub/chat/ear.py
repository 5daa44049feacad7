"""Listening to all rooms that are followed and to the inbox, on one connection, each event once."""

import asyncio
from collections.abc import Callable

from hubbub.client import Client, Event, Log, Subscription
from hubbub.protocol.frames import MarkFrame

MOST_ROOMS = 990
"""A stream has 1,000 logs at most. Rooms beyond are counted when the marks are read, and not live."""


class Ear:
    """Always true: of every log, what was handed to `heard` is everything up to its cursor, once."""

    def __init__(
        self,
        client: Client,
        *,
        heard: Callable[[Event], None],
        marked: Callable[[MarkFrame], None],
        watch: Callable[[float | None], None],
    ) -> None:
        self._client = client
        self._heard = heard
        self._marked = marked
        self._watch = watch
        self._cursors: dict[Log, str | int] = {}
        self._changed = asyncio.Event()

    def start(self, cursors: dict[Log, str | int]) -> None:
        """Listen to these from here on, and to nothing else."""
        self._cursors = dict(cursors)
        self._changed.set()

    def follow(self, room: str, after: int) -> None:
        """Also to `room`, which was read up to `after`; without effect when it is listened to already."""
        if room not in self._cursors and len(self._cursors) < MOST_ROOMS:
            self._cursors[room] = after
            self._changed.set()

    def leave(self, room: str) -> None:
        if self._cursors.pop(room, None) is not None:
            self._changed.set()

    async def listen(self) -> None:
        """For ever. Raises SignedOut, Problem, and Hole when the server left something out."""
        while True:
            self._changed.clear()
            subscription = self._client.subscribe(
                [log for log in self._cursors if log is not None],
                inbox=True,
                after=self._cursors,
                marked=self._marked,
                watch=self._watch,
            )
            reading = asyncio.create_task(self._read(subscription))
            changing = asyncio.create_task(self._changed.wait())
            try:
                await asyncio.wait((reading, changing), return_when=asyncio.FIRST_COMPLETED)
            finally:
                reading.cancel()
                changing.cancel()
                await asyncio.gather(reading, changing, return_exceptions=True)
                await subscription.close()
                self._keep(subscription)
            if not reading.cancelled() and (error := reading.exception()) is not None:
                raise error

    async def _read(self, subscription: Subscription) -> None:
        async for event in subscription:
            self._heard(event)  # at once: a cancel would find the cursor moved and nothing told

    def _keep(self, subscription: Subscription) -> None:
        for log, cursor in subscription.cursors().items():
            if log in self._cursors and cursor is not None:
                self._cursors[log] = cursor
