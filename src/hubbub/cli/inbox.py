"""`hubbub inbox`: what was posted to me."""

from typing import TYPE_CHECKING, Annotated

import msgspec
from cyclopts import Parameter

from hubbub.cli.following import (
    CursorName,
    Last,
    Printer,
    Resume,
    Since,
    Via,
    follow,
    shown_here,
    wanted,
)
from hubbub.cli.signed_in import AsJson, Server, session, talk
from hubbub.terminal import who_am_i

if TYPE_CHECKING:
    from hubbub.client import Client, Event


def inbox(
    *,
    last: Last = 20,
    since: Since = None,
    live: Annotated[
        bool, Parameter(name="--follow", help="Go on with what is posted, until Ctrl-C.")
    ] = False,
    sent: Annotated[
        bool, Parameter(help="Also what you posted to others.", negative=(), show_default=False)
    ] = False,
    resume: Resume = False,
    cursor: CursorName = "inbox",
    transport: Via = "ws",
    json: AsJson = False,
    server: Server = None,
) -> int:
    """Show what was posted to you.

    With --resume only what came since the last such run: for a job that
    looks every few minutes.

        hubbub inbox
        hubbub inbox --follow
        hubbub inbox --json --resume
    """
    want = wanted(last=last, since=since, follow=live, resume=resume, cursor=cursor, transport=transport)
    me = session(server)

    async def work(client: "Client") -> int:
        from hubbub.protocol.frames import Sent

        user = await who_am_i(me, client)
        printer = Printer(None if json else shown_here(user))

        def put(event: "Event") -> None:
            if sent or not isinstance(event, Sent):
                printer.put(event)

        begin = want
        if last and not sent and want.since is None:
            begin = msgspec.structs.replace(want, after=await _before_last(client, last))
        await follow(client, (me.server, user), (), put, begin, inbox=True)
        return 0

    return talk(me, work, lasting=live)


async def _before_last(client: "Client", count: int) -> int:
    """What lies before the last `count` messages to me. What I posted to others does not count."""
    from hubbub.protocol.frames import Message

    async for event in client.inbox():
        if isinstance(event, Message):
            count -= 1
            if count == 0:
                return event.seq - 1
    return 0
