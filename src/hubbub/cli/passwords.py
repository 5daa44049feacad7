"""A password: typed at a terminal, or a line of standard input. Never an argument, which others can see."""

import getpass
import sys

from hubbub.cli.errors import Misused


def at_terminal() -> bool:
    return sys.stdin is not None and sys.stdin.isatty()


def asked_password(*, twice: bool) -> str:
    """`twice`: where it is typed, again, to see that both are the same. Raises Misused."""
    try:
        if not at_terminal():
            password = sys.stdin.buffer.readline().decode().rstrip("\r\n") if sys.stdin else ""
        else:
            password = _typed("Password: ")
            if twice and _typed("Once more: ") != password:
                raise Misused("the two are not the same; nothing was done")
            password.encode()
    except UnicodeError:  # whose words would quote it
        raise Misused("the password is not UTF-8; nothing was done") from None
    if not password:
        raise Misused("there is no password on standard input")
    return password


def _typed(prompt: str) -> str:
    try:
        return getpass.getpass(prompt)
    except EOFError:  # Ctrl-D
        raise Misused("no password was given; nothing was done") from None
