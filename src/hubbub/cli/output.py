"""Standard output of the commands for people and scripts: whole lines, flushed at once, no surprises.

A reader that has gone ends the command without a word. Nobody else writes to standard output meanwhile.
"""

import os
import re
import select
import stat
import sys
from contextlib import contextmanager, redirect_stdout
from typing import TYPE_CHECKING, Any, cast

from hubbub.cli.errors import Failed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

    from rich.console import Console

# What JSON may hold as it is and a terminal obeys, or is confused by.
_ESCAPED = re.compile(
    "[\x7f-\x9f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]"
)


class ReaderGone(Exception):
    """Whoever read standard output has had enough."""


class Printed:
    """Where `print` and rich write: what a command says of what it has done.

    When nobody reads that any more it goes unsaid, and the command ends as it would have. Raises Failed.
    """

    def __init__(self, below: "TextIO") -> None:
        self._below = below

    def __getattr__(self, name: str) -> Any:
        return getattr(self._below, name)

    def write(self, text: str) -> int:
        try:
            write(text)
        except ReaderGone:
            let_go()
        return len(text)

    def flush(self) -> None:
        """Whatever was written is on its way."""


@contextmanager
def guarded() -> "Iterator[None]":
    """Around a command."""
    if sys.stdout is None:  # closed before we began
        yield
        return
    with redirect_stdout(cast("TextIO", Printed(sys.stdout))):
        yield


def console() -> "Console":
    """For standard output; has colours on a terminal, and as NO_COLOR and FORCE_COLOR say."""
    from rich.console import Console

    return Console(file=sys.stdout, highlight=False, emoji=False, markup=False)


def is_terminal() -> bool:
    return sys.stdout is not None and sys.stdout.isatty()


def write(text: str) -> None:
    """All of `text`, and on its way when this returns. Raises ReaderGone, Failed."""
    write_bytes(text.encode(getattr(sys.stdout, "encoding", None) or "utf-8", "replace"))


def write_json(encoded: bytes) -> None:
    """One JSON value as a line; the same value in harmless characters."""
    text = encoded.decode()
    if not text.isascii() or "\x7f" in text:
        text = _ESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    write_bytes(text.encode() + b"\n")


def write_bytes(content: bytes) -> None:
    if sys.stdout is None:  # closed before we began
        raise Failed("there is no standard output to write to")
    try:
        left = memoryview(content)
        while left:  # unbuffered, as PYTHONUNBUFFERED makes it, it may take a part
            left = left[sys.stdout.buffer.write(left) :]
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise ReaderGone from None
    except OSError as error:
        let_go()
        raise Failed(f"cannot write to standard output: {error.strerror or error}") from error


def pipe() -> int | None:
    """Standard output, when it is a pipe whose reader may go."""
    if sys.stdout is None:
        return None
    try:
        number = sys.stdout.fileno()
        return number if stat.S_ISFIFO(os.fstat(number).st_mode) else None
    except (OSError, ValueError):
        return None


def is_broken(pipe: int) -> bool:
    poll = select.poll()
    poll.register(pipe, 0)
    return any(event & select.POLLERR for _, event in poll.poll(0))


def let_go() -> None:
    """Have nothing left that would be flushed at the end, and complain once more."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
