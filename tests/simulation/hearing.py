"""What the server logs: nothing of it is shown, and what it calls a bug is one."""

import asyncio
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import structlog

from simulation.schedule import ProcessLoop, log


def _dead() -> bool:
    """Whether it is a process that speaks which is no more."""
    loop = asyncio._get_running_loop()
    return isinstance(loop, ProcessLoop) and loop.dead


class _Ear(logging.Handler):
    def __init__(self, bug: Callable[[str], None]) -> None:
        super().__init__(logging.ERROR)
        self._bug = bug

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        if error is not None and not isinstance(error, asyncio.CancelledError) and not _dead():
            log.debug("heard", exc_info=error)
            self._bug(f"{record.name}: {record.getMessage().strip()}: {error!r}")


@contextmanager
def listening(bug: Callable[[str], None]) -> Iterator[None]:
    """`bug` is told every exception that is logged, by our code or by the libraries."""

    def hear(_logger: object, level: str, event: dict[str, Any]) -> Any:
        if level in ("error", "exception", "critical") and not _dead():
            error = sys.exc_info()[1] or event.get("exc_info") or event.get("reason")
            bug(f"{event.get('event')}: {error!r}")
        raise structlog.DropEvent

    ear = _Ear(bug)
    before = structlog.get_config()
    was_configured = structlog.is_configured()
    root = logging.getLogger()
    others, root.handlers = root.handlers, [ear]
    named = [logging.getLogger(name) for name in ("uvicorn", "uvicorn.error", "uvicorn.access")]
    kept = [(logger, logger.handlers, logger.propagate) for logger in named]
    for logger in named:
        logger.handlers, logger.propagate = [], True
    structlog.configure(processors=[hear], cache_logger_on_first_use=False)
    try:
        yield
    finally:
        if was_configured:
            structlog.configure(**before)
        else:
            structlog.reset_defaults()
        root.handlers = others
        for logger, handlers, propagate in kept:
            logger.handlers, logger.propagate = handlers, propagate
