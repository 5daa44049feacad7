"""What the clients in a terminal share: saved sessions and cursors, and showing what others wrote.

`hubbub post` and its like, and the full-screen client, stand on it. Knows the Python client, the protocol and
the domain, and nothing of the server. Reads no environment: that is handed in.
"""

from hubbub.terminal.access import choose, open_client, see_hubbub, who_am_i
from hubbub.terminal.address import is_private, server_address
from hubbub.terminal.cursors import Cursors
from hubbub.terminal.errors import (
    BadAddress,
    InUse,
    NoSession,
    Spoiled,
    TerminalError,
    UnusableToken,
    in_words,
)
from hubbub.terminal.sessions import Session, Sessions
from hubbub.terminal.texts import colour_of, harmless, harmless_line

__all__ = [
    "BadAddress",
    "Cursors",
    "InUse",
    "NoSession",
    "Session",
    "Sessions",
    "Spoiled",
    "TerminalError",
    "UnusableToken",
    "choose",
    "colour_of",
    "harmless",
    "harmless_line",
    "in_words",
    "is_private",
    "open_client",
    "see_hubbub",
    "server_address",
    "who_am_i",
]
