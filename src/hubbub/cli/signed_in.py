"""What the commands for people and scripts have in common: a session, a client, and how they end."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from hubbub.cli import output
from hubbub.cli.errors import Failed
from hubbub.terminal import Session, Sessions, choose, in_words, open_client

if TYPE_CHECKING:
    from hubbub.client import Client

Server = Annotated[
    str | None,
    Parameter(help="The server, when not HUBBUB_SERVER or the one you signed in to last.", metavar="URL"),
]
AsJson = Annotated[bool, Parameter(name="--json", help="JSON, a value a line.")]
Patience = Annotated[
    float, Parameter(help="Seconds to go on trying while the server does not answer.", metavar="SECONDS")
]

PATIENCE_SECONDS = 30.0


def session(server: str | None) -> Session:
    """The session to use. Raises NoSession, BadAddress, UnusableToken, Spoiled."""
    return choose(server, os.environ, Sessions())


def server_of_environment() -> str | None:
    return os.environ.get("HUBBUB_SERVER") or None


def terminal_is_light() -> bool:
    """What some terminals tell of their background: after the last `;`, a number of the palette of 16."""
    return os.environ.get("COLORFGBG", "").rpartition(";")[2] in ("7", "15")


def talk(
    session: Session,
    work: Callable[["Client"], Awaitable[int]],
    *,
    patience_seconds: float = PATIENCE_SECONDS,
    lasting: bool = False,
) -> int:
    """Do `work` with a client; the exit code.

    `lasting`: it goes on until somebody ends it. SIGTERM then ends it in order, and so does the end of
    whoever reads what it prints, also while there is nothing to print.
    """

    async def run() -> int:
        async with open_client(session, agent="hubbub cli", patience_seconds=patience_seconds) as client:
            return await work(client)

    try:
        return asyncio.run(_until_stopped(run()) if lasting else run())
    except output.ReaderGone:
        output.let_go()
        return 0
    except Exception as error:
        from hubbub.client import ClientError

        if isinstance(error, ClientError):
            raise Failed(in_words(error, session.server)) from error
        raise


async def _until_stopped(work: Awaitable[int]) -> int:
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, task.cancel)
    pipe = output.pipe()
    told: set[str] = set()
    if pipe is not None:

        def reader_gone() -> None:
            # The loop wakes for an error of the pipe, as for anything it has no name for.
            loop.remove_reader(pipe)
            if output.is_broken(pipe):
                told.add("gone")
                task.cancel()

        loop.add_reader(pipe, reader_gone)
    try:
        return await task
    except asyncio.CancelledError:
        me = asyncio.current_task()
        if me is not None and me.cancelling():  # by Ctrl-C, and not by one of the two above
            raise
        if told:
            raise output.ReaderGone from None
        return 0
    finally:
        loop.remove_signal_handler(signal.SIGTERM)
        if pipe is not None:
            loop.remove_reader(pipe)
