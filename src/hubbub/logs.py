"""The log: one line an event, for people or for programs, from our code and from the libraries alike.

Whatever somebody logs, no secret leaves: what looks like a token, a ticket or a password is blotted out of
every value last thing before it is written.
"""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, Literal, TextIO

import structlog
from structlog.typing import Processor

_BLOT = "[secret]"

# A token or a ticket of ours, wherever it stands; what follows `ticket=`, `token=` or `password=` in an
# address or a text; and what follows `Bearer`.
_SECRETS = re.compile(
    r"hb_[A-Za-z0-9_-]{8,}"
    r"|[A-Za-z0-9_-]{32,}\.[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])"
    r"|(?<=ticket=)[^&\s\"']+"
    r"|(?<=token=)[^&\s\"']+"
    r"|(?<=password=)[^&\s\"']+"
    r"|(?<=Bearer )[^\s\"',]+",
    re.IGNORECASE,
)
_SECRET_NAMES = frozenset({"token", "ticket", "password", "password_hash", "authorization", "cookie"})

Event = MutableMapping[str, Any]


def redacted(text: str) -> str:
    return _SECRETS.sub(_BLOT, text)


def _blot(value: object) -> object:
    match value:
        case str():
            return redacted(value)
        case None | bool() | int() | float():
            return value
        case Mapping():
            return {key: _BLOT if key in _SECRET_NAMES else _blot(each) for key, each in value.items()}
        case list() | tuple():
            return [_blot(each) for each in value]
        case _:
            return redacted(repr(value))


def redact(_logger: object, _method: str, event: Event) -> Event:
    """A processor: blots secrets out of everything the event says."""
    return {key: _BLOT if key in _SECRET_NAMES else _blot(value) for key, value in event.items()}


def configure(form: Literal["console", "json"], level: str = "info", stream: TextIO | None = None) -> None:
    """Send what is logged to `stream`, or to standard error. May be called again."""
    stream = stream or sys.stderr
    before: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *before,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=before,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                redact,
                _renderer(form, stream),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    _quieten_libraries()


def _renderer(form: Literal["console", "json"], stream: TextIO) -> Processor:
    if form == "json":
        return structlog.processors.JSONRenderer()
    # Without local variables in tracebacks: passwords are among them.
    return structlog.dev.ConsoleRenderer(
        colors=stream.isatty(), exception_formatter=structlog.dev.plain_traceback
    )


def _quieten_libraries() -> None:
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi"):
        library = logging.getLogger(name)
        library.handlers.clear()
        library.propagate = True
    # It tells of its own start and stop, which we tell in our words; what goes wrong it may say.
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    logging.getLogger("asyncio").setLevel(logging.WARNING)
