"""Subscribing over HTTP: which logs an address asks for. What then streams is in `streams`."""

import msgspec
from starlette.types import ASGIApp

from hubbub.api import wanted
from hubbub.api.call import Call
from hubbub.api.streams import open_stream
from hubbub.domain.errors import UpgradeRequired


class SubscribeQuery(msgspec.Struct, frozen=True, kw_only=True):
    after: str | None = None
    """A cursor, or a bare seq: everything after it is replayed first. Without it, from the head."""
    ticket: str | None = None
    """From an earlier 202 answer, in place of the Authorization field."""


class SubscribeManyQuery(msgspec.Struct, frozen=True, kw_only=True):
    room: list[str] = []
    """`ID` for a room from its head, or `ID@CURSOR`; as often as there are rooms."""
    inbox: str | None = None
    """Your inbox: empty for from its head, or a cursor."""
    ticket: str | None = None
    """From an earlier 202 answer, in place of the Authorization field."""


async def subscribe_room(call: Call, query: SubscribeQuery) -> ASGIApp:
    return await open_stream(call, wanted.one_room(call.part("roomId"), query.after))


async def subscribe_inbox(call: Call, query: SubscribeQuery) -> ASGIApp:
    return await open_stream(call, wanted.the_inbox(call.caller.session.user, query.after))


async def subscribe_many(call: Call, query: SubscribeManyQuery) -> ASGIApp:
    return await open_stream(call, wanted.many(query.room, query.inbox, call.caller.session.user))


async def websocket_only(call: Call) -> ASGIApp:
    """Requests to upgrade never come here: the connection's own protocol takes them before."""
    raise UpgradeRequired("Open a WebSocket here: `Connection: upgrade`, `Upgrade: websocket`.")
