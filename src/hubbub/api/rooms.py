"""Rooms over HTTP."""

from typing import Annotated

import msgspec
from msgspec import Meta

from hubbub.api import lists
from hubbub.api.answer import Answer, created
from hubbub.api.call import Call
from hubbub.domain.ids import RoomId
from hubbub.domain.model import Room
from hubbub.protocol.frames import NewRoom, RoomBody, encode, timestamp


class RoomsQuery(msgspec.Struct, frozen=True, kw_only=True):
    prefix: str = ""
    """Only those whose name starts with this, without regard to case."""
    limit: Annotated[int, Meta(ge=1, le=lists.MAX)] = lists.MAX
    """The most rooms to answer with."""
    after: str | None = None
    """The id of the last room of the page before."""


def _body(room: Room) -> RoomBody:
    return RoomBody(
        id=room.id,
        name=room.name,
        created_at=timestamp(room.created_at_ms),
        created_by=room.created_by,
        head=room.head,
    )


async def list_rooms(call: Call, query: RoomsQuery) -> Answer:
    after = None if query.after is None else RoomId(query.after)
    rooms, more = await call.context.rooms.list(query.prefix, after, query.limit)
    follows = {"after": rooms[-1].id} if more and rooms else None
    return lists.answer(call, [_body(room) for room in rooms], query, follows)


async def create_room(call: Call, given: NewRoom) -> Answer:
    room = await call.context.rooms.create(given.name, call.caller.session)
    return created(encode(_body(room)), f"{call.url}/room/{room.id}")


async def read_room(call: Call) -> Answer:
    room = await call.context.rooms.get(RoomId(call.part("roomId")))
    return lists.tagged(call, encode(_body(room)))
