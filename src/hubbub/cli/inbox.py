"""`hubbub inbox`: what was posted to me."""

from typing import TYPE_CHECKING, Annotated

import msgspec
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
    from hubbub.client import Client, Event


def inbox(
    *,
    last: Last = 20,
    since: Since = None,
    live: Annotated[
        bool, Parameter(name="--follow", help="Go on with what is posted, until Ctrl-C.")
    ] = False,
    sent: Annotated[bool, Parameter(help="Also what you posted to others.")] = False,
    new: Annotated[
        bool,
        Parameter(name="--unread", help="Only what you have not read yet."),
    ] = False,
    resume: Resume = False,
    cursor: CursorName = "inbox",
    mark: Mark = False,
    transport: Via = "ws",
    json: AsJson = False,
    server: Server = None,
) -> int:
    """Show what was posted to you.

    At a terminal what you have not read yet is marked with ●: --mark, or the
    page when you look at it there, notes it as read. With --resume only what
    came since the last such run: for a job that looks every few minutes.

        hubbub inbox
        hubbub inbox --follow
        hubbub inbox --json --resume
    """
    if new and (since is not None or resume or sent):
        raise Misused(
            "--unread says itself where to begin; --since, --resume and --sent are of no use with it"
        )
    want = wanted(
        last=0 if new else last, since=since, follow=live, resume=resume, cursor=cursor, transport=transport
    )
    me = session(server)

    async def work(client: "Client") -> int:
        from hubbub.protocol.frames import Sent
        from hubbub.terminal.unread import unread

        user = await who_am_i(me, client)
        begin, is_wanted = want, _anything
        if new:
            is_wanted = await unread(client, user, rooms=False, people=True)
            begin = msgspec.structs.replace(want, after=await _before_unread(client))
        elif last and not sent and want.since is None:
            begin = msgspec.structs.replace(want, after=await _before_last(client, last))
        async with printing(client, user, json=json, mark=mark, people=True) as printer:

            def put(event: "Event") -> None:
                if (sent or not isinstance(event, Sent)) and is_wanted(event):
                    printer.put(event)

            await follow(client, (me.server, user), (), put, begin, inbox=True)
        return 0

    return talk(me, work, lasting=live)


def _anything(event: "Event") -> bool:
    return True


async def _before_unread(client: "Client") -> int | None:
    """What lies before all that is unread; None when nothing is."""
    from hubbub.terminal.unread import conversations

    return min([each.seq for each in await conversations(client) if each.unread], default=None)


async def _before_last(client: "Client", count: int) -> int:
    """What lies before the last `count` messages to me. What I posted to others does not count."""
    from hubbub.protocol.frames import Message

    async for event in client.inbox():
        if isinstance(event, Message):
            count -= 1
            if count == 0:
                return event.seq - 1
    return 0
