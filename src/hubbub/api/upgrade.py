"""Who asks for a WebSocket, and what should be subscribed on it from the start."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote

from hubbub.api.address import public_url
from hubbub.api.gate import Caller, admit
from hubbub.api.wanted import MANY, Wanted, many, one_room, take, the_inbox
from hubbub.domain.errors import BadInput, NoSuchPage
from hubbub.domain.ids import LogId, UserId
from hubbub.protocol.cursor import parse_cursor

if TYPE_CHECKING:
    from hubbub.api.context import Context

PLAIN = "/ws"
"""The path of a connection on which nothing is subscribed yet."""

Query = Mapping[str, list[str]]


async def admit_upgrade(
    context: Context, target: str, headers: Mapping[str, str], *, peer: str, address: str, scheme: str
) -> tuple[Caller, dict[LogId, int | None]]:
    """The caller, and the logs the request's target names, each with the seq to go on from. `address` is
    the caller's, who may be known to the `peer` alone.

    Raises NoSuchPage, NotSignedIn, ForeignOrigin, NotAllowed, BadInput, TooMany, TooFast, StaleCursor or
    NoSuchRoom.
    """
    path, _, raw_query = target.partition("?")
    query = parse_qs(raw_query, keep_blank_values=True)
    path = unquote(path)
    _check_path(path)
    caller = await admit(
        context,
        headers,
        ticket=_one(query, "ticket"),
        public_origin=public_url(headers, scheme, context.settings, peer=peer),
        address=address,
        safe=False,
        once=True,
    )
    wanted = _wanted(path, query, caller.session.user)
    for log in wanted:
        caller.check_may_read(log)
    take(wanted, caller.session.user, context.limits, context.settings)
    epoch = context.info.epoch
    return caller, {
        log: None if after is None else parse_cursor(after, epoch) for log, after in wanted.items()
    }


def _check_path(path: str) -> None:
    """Before the sign-in: an address that does not exist is the same for everyone."""
    if path not in (PLAIN, MANY, "/inbox/subscribe") and _room_in(path) is None:
        raise NoSuchPage("There is no WebSocket at this address; the plain one is /ws.")


def _room_in(path: str) -> str | None:
    match path.split("/"):
        case ["", "room", id, "subscribe"]:
            return id
    return None


def _wanted(path: str, query: Query, user: UserId) -> Wanted:
    if path == PLAIN:
        return {}
    if path == MANY:
        return many(query.get("room", []), _one(query, "inbox"), user)
    room = _room_in(path)
    after = _one(query, "after")
    return the_inbox(user, after) if room is None else one_room(room, after)


def _one(query: Query, name: str) -> str | None:
    values = query.get(name)
    if values is None:
        return None
    if len(values) > 1:
        raise BadInput(f"`{name}` is given once.", field=name)
    return values[0]
