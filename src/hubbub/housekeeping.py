"""What is done by the clock: looking after connections and sessions, removing what is too old, and noticing
when the event loop comes late."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from hubbub.api.context import Context
from hubbub.domain.errors import Unavailable
from hubbub.service.tally import Histogram
from hubbub.storage.base import Store

_log = structlog.get_logger("hubbub.housekeeping")

BEAT_SECONDS = 1.0
SESSIONS_SECONDS = 0.5
LAG_SECONDS = 0.25
RETENTION_SECONDS = 3600.0
TRIM_AT_ONCE = 500
"""Events removed in one transaction: a few milliseconds, in which nobody is served."""

_DAY_MS = 86_400_000


async def beat(context: Context) -> None:
    """Every second, for as long as the server runs."""
    while True:
        await asyncio.sleep(BEAT_SECONDS)
        context.connections.tick()


async def look_after_sessions(context: Context) -> None:
    """Twice a second: a session that ended takes its streams with it within one."""
    while True:
        await asyncio.sleep(SESSIONS_SECONDS)
        await _surely("looking after sessions", context.accounts.tick)


async def measure_lag(lag_seconds: Histogram) -> None:
    """How much later than asked the loop wakes us."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + LAG_SECONDS
        await asyncio.sleep(LAG_SECONDS)
        lag_seconds.observe(max(0.0, loop.time() - due))


async def retain(store: Store, context: Context, days: int, now_ms: Callable[[], int]) -> None:
    """Every hour, remove what was sent more than so many days ago."""
    while True:
        await _surely("removing old messages", lambda: trim(store, context, now_ms() - days * _DAY_MS))
        await asyncio.sleep(RETENTION_SECONDS)


async def trim(store: Store, context: Context, sent_before_ms: int) -> None:
    """Remove what was sent before that moment, a little at a time, and tell whoever is reading it."""
    removed = 0
    while gaps := await store.trim(sent_before_ms=sent_before_ms, limit=TRIM_AT_ONCE):
        for gap in gaps:
            removed += gap.last - gap.first + 1
            context.hub.trimmed(gap)
        await asyncio.sleep(0)
    if context.bus is not None:
        context.hub.doubt_memory()  # others look as often, and may not have been heard
    if removed:
        _log.info("removed old messages", events=removed)


async def _surely(what: str, work: Callable[[], Awaitable[None]]) -> None:
    """One failure must not be the last time it is done."""
    try:
        await work()
    except Unavailable as error:  # told elsewhere if it is for good
        _log.warning(f"{what} has to wait", reason=error.code)
    except Exception:
        _log.exception(f"{what} failed")
