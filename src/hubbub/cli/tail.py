"""`hubbub tail`: what is said in rooms, the last of it and then as it is said."""

from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from hubbub.cli.errors import Misused
from hubbub.cli.following import (
    CursorName,
    Last,
    Mark,
    Resume,
    Since,
    Via,
    follow,
    printing,
    wanted,
)
from hubbub.cli.signed_in import AsJson, Server, session, talk
from hubbub.terminal import who_am_i

if TYPE_CHECKING:
    from hubbub.client import Client


def tail(
    *rooms: Annotated[str, Parameter(help="Names or ids of rooms.")],
    inbox: Annotated[bool, Parameter(help="Your inbox, too.")] = False,
    last: Last = 20,
    since: Since = None,
    live: Annotated[
        bool,
        Parameter(name="--follow", negative="--no-follow", help="Go on with what is posted, until Ctrl-C."),
    ] = True,
    resume: Resume = False,
    cursor: CursorName = "tail",
    mark: Mark = False,
    transport: Via = "ws",
    json: AsJson = False,
    server: Server = None,
) -> int:
    """Show what is said in rooms, as it is said.

    Lost connections are mended, and nothing is left out or shown twice.
    Ctrl-C ends it, with exit code 130.

        hubbub tail Lounge
        hubbub tail Lounge Alerts --inbox -n 5
        hubbub tail Alerts --json --resume | ./handle-events
    """
    if not rooms and not inbox:
        raise Misused("name a room, or say --inbox; hubbub rooms lists them")
    want = wanted(last=last, since=since, follow=live, resume=resume, cursor=cursor, transport=transport)
    me = session(server)

    async def work(client: "Client") -> int:
        from hubbub.terminal.finding import find_room

        user = await who_am_i(me, client)
        found = {room.id: room.name for room in [await find_room(client, given) for given in rooms]}
        async with printing(
            client, user, json=json, mark=mark, rooms=found, people=inbox, told=len(found) + inbox > 1
        ) as printer:
            await follow(client, (me.server, user), list(found), printer.put, want, inbox=inbox)
        return 0

    return talk(me, work, lasting=live)
