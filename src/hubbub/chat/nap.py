"""A sleep that can be cut short."""

import asyncio
import contextlib


class Nap:
    def __init__(self) -> None:
        self._wake = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        self._wake.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()

    def cut_short(self) -> None:
        """End it now, for whoever sleeps here."""
        self._wake.set()
