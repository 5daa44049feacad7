"""What a terminal client cannot go on with, as one tree, and the client's errors in words for people.

TerminalError
├── NoSession      nobody is signed in there
├── UnusableToken  the environment holds a token which is none, or which belongs to no server
├── BadAddress     what was given is no server's address
├── Spoiled        a file of ours cannot be used: another wrote it, or the disk did not keep it
└── InUse          another run goes on from the same saved place
"""

from hubbub.terminal.texts import harmless_line


class TerminalError(Exception):
    """Anything this floor raises on purpose."""


class NoSession(TerminalError):
    def __init__(self, server: str | None = None) -> None:
        super().__init__(f"you are not signed in: hubbub login {server or 'http://…'} first")
        self.server = server


class UnusableToken(TerminalError):
    pass


class BadAddress(TerminalError):
    def __init__(self, given: str) -> None:
        shown = harmless_line(given.rpartition("@")[2])  # before it may stand a password
        super().__init__(f"{shown!r} is no server's address; one looks like https://chat.example.org")


class Spoiled(TerminalError):
    pass


class InUse(TerminalError):
    pass


def in_words(error: Exception, server: str) -> str:
    """An error of the client's, as a person at a terminal needs it: what is wrong, and what to do."""
    from hubbub.client.errors import ConnectionLost, NotUnderstood, Problem, SignedOut

    match error:
        case SignedOut(reason="expired"):
            return f"the session at {server} has expired: hubbub login {server} again"
        case SignedOut(reason="disabled"):
            return f"the account at {server} is disabled"
        case SignedOut():
            return f"you are not signed in at {server} any more: hubbub login {server} again"
        case Problem(code="stale-cursor"):
            return "the server has begun anew since: what was saved or given does not fit its history"
        case Problem():
            return harmless_line(error.detail or error.title or f"{error.status} {error.code}")
        case NotUnderstood():
            return f"{server} answers, but what it speaks is not hubbub"
        case ConnectionLost():
            return f"no connection to {server}: {harmless_line(str(error))}"
    return harmless_line(str(error))
