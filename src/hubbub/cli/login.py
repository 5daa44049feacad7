"""`hubbub login` and `hubbub logout`: a session from one command to the next.

A password is typed at a terminal or comes as a line of standard input; it is never an argument, which others
on the machine can see. What a server gave is kept by `hubbub.terminal.sessions` and shown nowhere.
"""

import asyncio
import sys
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from hubbub.cli.errors import Failed, Misused
from hubbub.cli.passwords import asked_password, at_terminal
from hubbub.cli.signed_in import Server, server_of_environment, session, talk
from hubbub.terminal import Session, Sessions, in_words, is_private, open_client, see_hubbub, server_address

if TYPE_CHECKING:
    from hubbub.client import Client

HERE = "http://localhost:8080"
"""Where `hubbub serve` listens when nobody says otherwise."""

_PATIENCE_SECONDS = 3.0


def login(
    url: Annotated[str | None, Parameter(help=f"The server; at first {HERE}, then the last one.")] = None,
    name: Annotated[str | None, Parameter(help="Your handle; asked for at a terminal.")] = None,
    /,
    *,
    sign_up: Annotated[bool, Parameter(help="Make the account first.")] = False,
) -> int:
    """Sign in to a server.

    The password is asked for at a terminal, or read as one line from
    standard input. The session is kept for you alone, and the other commands
    use the server you signed in to last.

        hubbub login https://chat.example.org ada
        hubbub login --sign-up http://localhost:8080 ada
        hubbub login https://chat.example.org alerts < password-file
    """
    sessions = Sessions()
    known = sessions.current()
    server = server_address(url or server_of_environment() or (known.server if known else HERE))
    asyncio.run(_check(server))
    if not is_private(server):
        print(f"hubbub: whoever is on the way to {server} can read along; is there https?", file=sys.stderr)
    name = name or _asked_name()
    password = asked_password(twice=sign_up)
    return asyncio.run(_sign_in(sessions, server, name, password, sign_up=sign_up))


def logout(
    *,
    server: Server = None,
    everywhere: Annotated[
        bool,
        Parameter(name="--all", help="Of every server you are signed in to."),
    ] = False,
) -> int:
    """Sign out, and forget the session.

    The session ends at the server, too: whoever has a copy of its token can
    do nothing with it. When the server does not answer, it is forgotten here
    nevertheless, and the exit code is 1.

        hubbub logout
        hubbub logout --server https://chat.example.org
        hubbub logout --all
    """
    if everywhere and server is not None:
        raise Misused("--all and --server: one of them")
    sessions = Sessions()
    ending = sessions.all() if everywhere else (session(server),)
    if not ending:
        print("you are signed in nowhere")
    lost = [each for each in ending if not _signed_out(sessions, each)]
    if lost:
        raise Failed(
            "forgotten here, but not ended at the server, where it goes on until it expires: "
            + ", ".join(each.server for each in lost)
        )
    return 0


def _signed_out(sessions: Sessions, one: Session) -> bool:
    async def end(client: "Client") -> int:
        from hubbub.client import SignedOut

        with suppress(SignedOut):  # over before: what was wanted
            await client.sign_out()
        return 0

    try:
        talk(one, end, patience_seconds=_PATIENCE_SECONDS)
    except Failed as failed:
        print(f"hubbub: {failed}", file=sys.stderr)
        ended = False
    else:
        ended = True
        print(f"signed out at {one.server}")
    sessions.forget(one)
    return ended


async def _check(server: str) -> None:
    """Raises Failed."""
    from hubbub.client import Client, ClientError

    async with Client(server, patience_seconds=_PATIENCE_SECONDS) as client:
        try:
            await see_hubbub(client)
        except ClientError as error:
            raise Failed(in_words(error, server)) from error


async def _sign_in(sessions: Sessions, server: str, name: str, password: str, *, sign_up: bool) -> int:
    from hubbub.client import Client, ClientError

    async with Client(server, agent="hubbub cli") as client:
        try:
            if sign_up:
                await client.sign_up(name, password)
            answer = await client.sign_in(name, password)
        except ClientError as error:
            raise Failed(in_words(error, server)) from error
        assert answer.token is not None
        mine = Session(server=server, user=answer.user, token=answer.token)
        try:
            before = sessions.keep(mine)
        except BaseException:
            await client.sign_out()  # a session nobody can use is not left behind
            raise
    if before is not None and before.token != mine.token:
        await _end(before)
    until = datetime.fromisoformat(answer.expires_at).astimezone()
    print(f"signed in at {server} as {answer.user}, until {until:%Y-%m-%d} and longer while it is used")
    return 0


async def _end(replaced: Session) -> None:
    """Nobody would use it any more; when it cannot be ended, it expires."""
    from hubbub.client import ClientError

    async with open_client(replaced, patience_seconds=_PATIENCE_SECONDS) as client:
        with suppress(ClientError):
            await client.sign_out()


def _asked_name() -> str:
    if not at_terminal():
        raise Misused("who signs in? give the NAME after the URL; standard input holds the password")
    print("Name: ", end="", file=sys.stderr, flush=True)
    name = sys.stdin.readline().strip()
    if not name:
        raise Misused("nobody has no name")
    return name
