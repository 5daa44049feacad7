"""Which server is meant and who one is there, and the client for it.

A flag is stronger than the environment, and that is stronger than what was saved. A token goes to the server
it was given for, and to no other.
"""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from hubbub.terminal.address import server_address
from hubbub.terminal.errors import NoSession, UnusableToken
from hubbub.terminal.sessions import Session, Sessions

if TYPE_CHECKING:
    from hubbub.client import Client

SERVER = "HUBBUB_SERVER"
TOKEN = "HUBBUB_TOKEN"  # noqa: S105 - the variable's name
VARIABLES = (SERVER, TOKEN)


def choose(server: str | None, environment: Mapping[str, str], sessions: Sessions) -> Session:
    """The session to use: `server` as a flag said, or None.

    Raises NoSession, UnusableToken, BadAddress, Spoiled.
    """
    set_server = environment.get(SERVER)
    token = (environment.get(TOKEN) or "").strip()
    if token and not re.fullmatch(r"[!-~]+", token):  # it would be refused further down, and shown there
        raise UnusableToken(f"{TOKEN} holds what is no token")
    from_environment = server_address(set_server) if set_server else None
    wanted = server_address(server) if server else from_environment
    if token and wanted is not None and from_environment in (None, wanted):
        return Session(server=wanted, user="", token=token)
    if token and wanted is None:
        raise UnusableToken(f"{TOKEN} is set, and its server is not: set {SERVER} too, or say --server")
    found = sessions.current() if wanted is None else sessions.at(wanted)
    if found is None:
        raise NoSession(wanted)
    return found


def open_client(
    session: Session, *, agent: str = "hubbub", patience_seconds: float | None = None
) -> "Client":
    """A client that is signed in, as an async context manager; nothing was sent yet."""
    from hubbub.client import Client  # takes longer to load than all else here, and help needs none
    from hubbub.client.requests import PATIENCE_SECONDS

    patience = PATIENCE_SECONDS if patience_seconds is None else patience_seconds
    return Client(session.server, token=session.token, agent=agent, patience_seconds=patience)


async def see_hubbub(client: "Client") -> None:
    """See that hubbub is spoken where `client` asks, before a password goes there.

    Raises NotUnderstood where something else answers, and other ClientErrors.
    """
    from hubbub.client import NotUnderstood, Problem, SignedOut

    try:
        await client.sessions()  # which nobody has who is not signed in
    except SignedOut:
        return
    except Problem as problem:
        if not problem.code.startswith("http-"):
            raise
    raise NotUnderstood("It answers, and not as hubbub does.")


async def who_am_i(session: Session, client: "Client") -> str:
    """The user's handle: what was saved, or what the server says of this token."""
    if session.user:
        return session.user
    return next(each.user for each in await client.sessions() if each.current)
