"""A server as a process: its event loop, its signals, how it ends.

It ends for two reasons. Asked to, it takes its leave, within `stop_seconds` whatever hangs. When the store
breaks it ends at once with BROKEN: what was acknowledged is on disk, nothing more is acknowledged, and the
next process reads from the disk what there is.
"""

import asyncio
import errno
import gc
import os
import resource
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import structlog

from hubbub.app import Running, running
from hubbub.config import Config

DONE = 0
BROKEN = 70
"""After the store broke: EX_SOFTWARE of sysexits.h. A supervisor should start a server again."""
INTERRUPTED = 130
"""After a second Ctrl-C, which did not wait for anyone."""

BROKEN_STOP_SECONDS = 3.0

COMPLAINT_SECONDS = 10.0
"""How long it is not said again that there are no descriptors left."""

_NO_RESOURCES = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)

# Objects made between two collections. A chat server makes few cycles, and a collection that walks ten
# thousand connections takes tens of milliseconds.
_GC_THRESHOLDS = (50_000, 20, 100)

_log = structlog.get_logger("hubbub.process")


def run(config: Config, announce: Callable[[Running], None]) -> int:
    """Serve until a signal or the store's end; the exit code.

    `announce` is called once requests are accepted. Raises as `app.running` does.
    """
    _raise_descriptor_limit()
    with asyncio.Runner(loop_factory=_loop_factory(config.loop)) as runner:
        return runner.run(_serve(config, announce))


async def _serve(config: Config, announce: Callable[[Running], None]) -> int:
    asyncio.get_running_loop().set_exception_handler(Complaints(time.monotonic))
    async with running(config) as server:
        interrupted = _obey_signals(server)
        announce(server)
        gc.collect()
        gc.freeze()  # what is here now stays: no collection needs to look at it again
        gc.set_threshold(*_GC_THRESHOLDS)
        await server.ended.wait()
        code = BROKEN if server.broken else DONE
        _leave_within(BROKEN_STOP_SECONDS if server.broken else config.stop_seconds, code)
        _log.info("stopping")
    # It may have broken on the way out.
    code = BROKEN if server.broken else INTERRUPTED if interrupted() else DONE
    _log.info("stopped", exit_code=code)
    return code


class Complaints:
    """What the event loop complains of is written down, but for one thing: without a descriptor left, asyncio
    tries to accept as many connections as may wait, a thousand and more, and complains of each. To write
    down that many tracebacks a second took all of a core, and those who were connected waited."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._quiet_until = 0.0

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if not isinstance(error, OSError) or error.errno not in _NO_RESOURCES:
            loop.default_exception_handler(context)
        elif self._monotonic() >= self._quiet_until:
            self._quiet_until = self._monotonic() + COMPLAINT_SECONDS
            _log.error("nobody new can connect", reason=error.strerror)


def _obey_signals(server: Running) -> Callable[[], bool]:
    """Stop at the first signal, at a second Ctrl-C without waiting. Tells whether that second one came."""
    loop = asyncio.get_running_loop()
    forced = False

    def interrupt() -> None:
        nonlocal forced
        if server.is_leaving:
            forced = True
            server.force()
        else:
            server.leave()

    loop.add_signal_handler(signal.SIGTERM, server.leave)
    loop.add_signal_handler(signal.SIGINT, interrupt)
    return lambda: forced


def _leave_within(seconds: float, code: int) -> None:
    """End the process after so long even if something hangs: all that was acknowledged is on disk."""
    timer = threading.Timer(seconds, os._exit, (code,))
    timer.daemon = True
    timer.start()


def _loop_factory(name: str) -> Callable[[], asyncio.AbstractEventLoop]:
    if name != "asyncio":
        try:
            import uvloop
        except ImportError:
            if name == "uvloop":
                raise
        else:
            return uvloop.new_event_loop
    return asyncio.SelectorEventLoop


def _raise_descriptor_limit() -> None:
    """One for each connection: as many as the system lets us have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (OSError, ValueError):  # macOS calls its limit none, and then refuses that
        _log.warning("the limit on open files stays", open_files=soft)
