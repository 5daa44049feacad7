"""People, their sessions, rooms, and how far people have read."""

from typing import Literal

import msgspec

from hubbub.domain.events import Event
from hubbub.domain.ids import RoomId, SessionId, UserId

SessionEnd = Literal["signed-out", "expired", "disabled"]
"""Why a session is over."""


class User(msgspec.Struct, frozen=True, kw_only=True):
    name: UserId
    created_at_ms: int
    disabled_at_ms: int | None = None


class Room(msgspec.Struct, frozen=True, kw_only=True):
    id: RoomId
    name: str
    created_at_ms: int
    created_by: UserId
    head: int
    """The seq of the newest event, 0 when nothing was ever posted."""


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """One sign-in of one user. The token that proves it is not here: only its hash is stored."""

    id: SessionId
    user: UserId
    created_at_ms: int
    expires_at_ms: int
    """Slides forward as the session is used."""
    agent: str = ""
    """What the client called itself, for the owner's list of sessions."""

    def alive(self, now_ms: int) -> bool:
        return now_ms < self.expires_at_ms


class Followed(msgspec.Struct, frozen=True, kw_only=True):
    """A room that a user follows: what is posted after the mark is unread."""

    room: RoomId
    name: str
    seq: int
    """The mark: how far the user has read."""
    head: int


class Conversation(msgspec.Struct, frozen=True, kw_only=True):
    """What a user and another one write to each other, as the user has it."""

    peer: UserId
    seq: int
    """The mark, in the user's own inbox; 0 when there is none."""
    unread: int
    last: Event | None
    """The newest event of the two; None when it is damaged."""
