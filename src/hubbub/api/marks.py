"""Over HTTP: how far one has read, which rooms one follows, whom one talks to."""

from typing import Annotated

import msgspec
from msgspec import Meta

from hubbub.api import lists
from hubbub.api.answer import NOT_KEPT, Answer
from hubbub.api.call import Call
from hubbub.api.wanted import inbox_of
from hubbub.domain.ids import UserId, owner_of
from hubbub.protocol.frames import (
    ConversationBody,
    FollowedBody,
    NewMark,
    PersonMark,
    RoomMark,
    encode,
    event_frame,
)

_CONVERSATIONS = 100


class MarksQuery(msgspec.Struct, frozen=True, kw_only=True):
    limit: Annotated[int, Meta(ge=1, le=lists.MAX)] = lists.MAX
    """The most rooms to answer with."""
    after: str | None = None
    """The id of the last room of the page before."""


class ConversationsQuery(msgspec.Struct, frozen=True, kw_only=True):
    limit: Annotated[int, Meta(ge=1, le=lists.MAX)] = _CONVERSATIONS
    """The most conversations to answer with."""
    after: str | None = None
    """The last name of the page before."""


async def list_marks(call: Call, query: MarksQuery) -> Answer:
    user = call.caller.session.user
    rooms, more = await call.context.marks.followed(user, after=query.after, limit=query.limit)
    follows = {"after": rooms[-1].room} if more and rooms else None
    bodies = [FollowedBody(room=each.room, name=each.name, seq=each.seq, head=each.head) for each in rooms]
    return lists.answer(call, bodies, query, follows)


async def list_conversations(call: Call, query: ConversationsQuery) -> Answer:
    user = call.caller.session.user
    found, more = await call.context.marks.conversations(user, after=query.after, limit=query.limit)
    follows = {"after": found[-1].peer} if more and found else None
    bodies = [
        ConversationBody(
            user=each.peer,
            seq=each.seq,
            unread=each.unread,
            last=None if each.last is None else event_frame(each.last),
        )
        for each in found
    ]
    return lists.answer(call, bodies, query, follows)


async def mark_room(call: Call, given: NewMark) -> Answer:
    room = call.part("roomId")
    seq = await call.context.marks.read_room(call.caller.session.user, room, given.seq)
    return Answer(encode(RoomMark(room=room, seq=seq)), headers=[NOT_KEPT])


async def unmark_room(call: Call) -> Answer:
    await call.context.marks.unfollow(call.caller.session.user, call.part("roomId"))
    return Answer(status=204)


async def mark_person(call: Call, given: NewMark) -> Answer:
    peer = owner_of(inbox_of(call.part("userId")))
    assert peer is not None, "an inbox has an owner"
    seq = await call.context.marks.read_person(call.caller.session.user, UserId(peer), given.seq)
    return Answer(encode(PersonMark(user=peer, seq=seq)), headers=[NOT_KEPT])
