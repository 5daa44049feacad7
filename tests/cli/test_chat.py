"""`hubbub chat` as a process at a terminal."""

import signal

import pytest

from .home import Terminal

ALTERNATE_SCREEN_IS_LEFT = b"\x1b[?1049l"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
async def test_whoever_ends_it_from_outside_leaves_the_terminal_as_it_was(number, home):
    terminal = await Terminal.start(home, "chat")
    await terminal.shows("live")

    terminal.process.send_signal(number)

    assert await terminal.ends() == 0
    assert ALTERNATE_SCREEN_IS_LEFT in terminal.shown
