"""The names of things. Ids are strings, opaque to everyone but the one that makes them."""

from typing import NewType

UserId = NewType("UserId", str)
"""A user's handle: what people type, for ever the same, in lower case."""

RoomId = NewType("RoomId", str)
MessageId = NewType("MessageId", str)
SessionId = NewType("SessionId", str)

LogId = NewType("LogId", str)
"""The name of a log: `room/ID` or `inbox/USER`. Inside the server only; no client sees it."""

_ROOM = "room/"
_INBOX = "inbox/"


def room_log(room: str) -> LogId:
    return LogId(_ROOM + room)


def inbox_log(user: str) -> LogId:
    return LogId(_INBOX + user)


def room_of(log: LogId) -> RoomId | None:
    """The room whose log this is; None for an inbox."""
    return RoomId(log[len(_ROOM) :]) if log.startswith(_ROOM) else None


def owner_of(log: LogId) -> UserId | None:
    """The user whose inbox this is; None for a room's log."""
    return UserId(log[len(_INBOX) :]) if log.startswith(_INBOX) else None
