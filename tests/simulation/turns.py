"""What a virtual loop and its schedule are to the parts of a world, on the loop of a test."""

import asyncio
from collections.abc import Callable
from typing import Any


class Turns:
    """A schedule, and the loop of a process, on the loop of the test: whatever comes later comes in its next
    turn."""

    dead = False

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.create_future = self._loop.create_future
        self.create_task = self._loop.create_task
        self.time = self._loop.time
        self.poke = self._loop.call_soon

    @property
    def now(self) -> float:
        return 0.0

    def after(self, seconds: float, act: Callable[..., object], *given: Any) -> None:
        self._loop.call_soon(act, *given)
