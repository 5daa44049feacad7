"""People, their sessions, and rooms."""

from typing import Literal

import msgspec

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
