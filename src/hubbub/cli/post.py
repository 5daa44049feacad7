"""`hubbub post`: to a room, from arguments or standard input."""

from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from hubbub.cli.errors import Failed
from hubbub.cli.posting import Key, Lines, said, send
from hubbub.cli.signed_in import PATIENCE_SECONDS, Patience, Server, session, talk

if TYPE_CHECKING:
    from hubbub.client import Client, Room


def post(
    room: Annotated[str, Parameter(help="A room's name or id.")],
    /,
    *text: Annotated[str, Parameter(help="What to say; without it, or as -, standard input.")],
    lines: Lines = False,
    create: Annotated[bool, Parameter(help="Make the room when there is none.")] = False,
    key: Key = None,
    patience: Patience = PATIENCE_SECONDS,
    json: Annotated[
        bool,
        Parameter(name="--json", help="Print what was stored, as JSON."),
    ] = False,
    server: Server = None,
) -> int:
    """Post to a room.

    Exit code 0 says that the server has it on its disk. Until then it is
    tried again, under one key, so that it is stored once.

        hubbub post Lounge Good morning
        df -h | hubbub post Alerts
        tail -f app.log | hubbub post --lines Alerts
    """
    what = said(text, lines=lines, key=key)

    async def work(client: "Client") -> int:
        place: Room = await _room(client, room, create=create)

        return await send(client, what, room=place, json=json)

    return talk(session(server), work, patience_seconds=patience)


async def _room(client: "Client", given: str, *, create: bool) -> "Room":
    from hubbub.client import Problem
    from hubbub.terminal.finding import NotThere, find_room

    try:
        return await find_room(client, given)
    except NotThere as missing:
        if not create:
            raise Failed(f"{missing} (--create makes it)") from None
    try:
        return await client.create_room(given)
    except Problem as problem:
        if problem.code != "name-taken":
            raise
    return await find_room(client, given)  # somebody was quicker
