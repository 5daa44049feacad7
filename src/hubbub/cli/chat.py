"""`hubbub chat`: the full-screen client. It needs textual, which comes with an extra."""

import asyncio
import importlib.util
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from hubbub.cli.errors import Failed
from hubbub.cli.login import HERE
from hubbub.cli.signed_in import Server, server_of_environment, session, terminal_is_light
from hubbub.terminal import NoSession, Session, Sessions, server_address

if TYPE_CHECKING:
    from hubbub.chat.ui.app import ChatApp

_KEEP_TITLE, _OLD_TITLE = "\x1b[22;2t", "\x1b[23;2t"


def chat(
    *,
    bell: Annotated[bool, Parameter(help="Ring the bell for direct messages.")] = False,
    theme: Annotated[
        Literal["light", "dark"] | None,
        Parameter(help="For a terminal that is light or dark; Ctrl-T changes it."),
    ] = None,
    server: Server = None,
) -> int:
    """Talk in rooms and with people, full-screen.

    Nobody signed in yet? Then it asks, and keeps the session as
    hubbub login does. F1 shows the keys, Ctrl-Q leaves.

        hubbub chat
        hubbub chat --server https://chat.example.org --theme light
    """
    if importlib.util.find_spec("textual") is None:
        raise Failed("the full-screen client needs textual: install hubbub[tui], or make chat in a checkout")
    if not all(each.isatty() for each in (sys.stdin, sys.stdout, sys.stderr)):
        raise Failed("the full-screen client needs a terminal; hubbub tail and hubbub post need none")
    from hubbub.chat.ui.app import ChatApp
    from hubbub.chat.ui.themes import DARK, LIGHT

    mine, asked = _session(server)
    light = theme == "light" if theme else terminal_is_light()
    app = ChatApp(Sessions(), mine, server=asked, theme=LIGHT if light else DARK, bell=bell)
    with _title():
        asyncio.run(_until_stopped(app))
    return app.return_code or 0


async def _until_stopped(app: "ChatApp") -> None:
    """Whoever ends it from outside gets the terminal back as it was."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, app.exit)
    await app.run_async()


def _session(server: str | None) -> tuple[Session | None, str]:
    """Who is signed in, or None, and the server that is meant then."""
    try:
        found = session(server)
    except NoSession as none:
        known = server or server_of_environment()
        return None, none.server or (server_address(known) if known else HERE)
    return found, found.server


@contextmanager
def _title() -> Iterator[None]:
    """Give the terminal's window its title back."""
    print(_KEEP_TITLE, end="", flush=True)
    try:
        yield
    finally:
        print(_OLD_TITLE, end="", flush=True)
