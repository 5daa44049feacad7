"""What everybody is promised, held against what a crowd was told."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from faults.crowd import Crowd

from .door import Door


@asynccontextmanager
async def every_promise_is_kept(door: Door, seed: int) -> AsyncIterator[Crowd]:
    """To everybody who posts and listens through that door, whatever is done in the block."""
    async with Crowd(door, seed) as crowd:
        yield crowd
        await crowd.settles()
        assert crowd.broken() == []
