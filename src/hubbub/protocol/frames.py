"""The frames of the wire, one Struct each: what the code, OpenAPI and AsyncAPI are made of.

Field names here are the names on the wire. Field order is the order in the JSON.
"""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from hubbub.domain.events import Event, Gap, GapReason
from hubbub.domain.ids import owner_of, room_of
from hubbub.domain.model import SessionEnd
from hubbub.domain.policy import MAX_TEXT_BYTES

MAX_REF_CHARACTERS = 256

Ref = Annotated[str, Meta(max_length=MAX_REF_CHARACTERS)] | int | float
"""Whatever a client calls its request by; echoed in the reply, so it is bounded as that is."""

After = str | int
"""A cursor, or a bare seq of the current epoch."""

EndReason = Literal[SessionEnd, "shutting-down", "overloaded"]
"""Why the server ends a live stream."""

SUBPROTOCOL = "hubbub.v1"
"""What a WebSocket client may ask for, so as to be sure of what is spoken."""


@lru_cache(maxsize=4096)
def timestamp(ms: int) -> str:
    """RFC 3339 in UTC with milliseconds."""
    return datetime.fromtimestamp(ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{ms % 1000:03d}Z"


# -- events, the same on every transport ------------------------------------


class Message(Struct, frozen=True, kw_only=True, omit_defaults=True, tag="message", tag_field="type"):
    """A message: in a room (`room`), or posted to a person (`to`)."""

    id: str
    room: str | None = None
    to: str | None = None
    seq: int
    """Its number in the log it was read from: the room's, or the reader's own inbox."""
    sender: str
    text: str
    sent_at: str
    key: str | None = None


class Sent(Struct, frozen=True, kw_only=True, omit_defaults=True, tag="sent", tag_field="type"):
    """In your inbox: a copy of what you posted to another person, so that your devices agree."""

    id: str
    to: str
    seq: int
    sender: str
    text: str
    sent_at: str
    key: str | None = None


class GapFrame(Struct, frozen=True, kw_only=True, omit_defaults=True, tag="gap", tag_field="type"):
    """The events `first` to `last` were removed: they are not lost silently."""

    room: str | None = None
    inbox: bool = False
    first: int
    last: int
    reason: GapReason


class Bye(Struct, frozen=True, kw_only=True, omit_defaults=True, tag="bye", tag_field="type"):
    """The last event of a stream the server ends. Come back after `retry_after` seconds with your cursor,
    unless the reason is about your session."""

    reason: EndReason
    retry_after: float | None = None


class MarkFrame(Struct, frozen=True, kw_only=True, omit_defaults=True, tag="mark", tag_field="type"):
    """How far you have read in a room (`room`) or with a person (`user`), noted by one of your devices. Told
    in passing to whoever listens to the inbox: it has no number and is not replayed."""

    room: str | None = None
    user: str | None = None
    seq: int | None = None
    """Absent: the room is not followed any more."""


LogFrame = Message | Sent | GapFrame
"""An entry of a log, as its readers get it."""

StreamFrame = LogFrame | MarkFrame | Bye
"""What a live stream brings."""


# -- what a WebSocket client says -------------------------------------------


class Subscribe(Struct, frozen=True, kw_only=True, tag="subscribe", tag_field="type"):
    ref: Ref | None = None
    room: str | None = None
    inbox: bool = False
    after: After | None = None


class Unsubscribe(Struct, frozen=True, kw_only=True, tag="unsubscribe", tag_field="type"):
    ref: Ref | None = None
    room: str | None = None
    inbox: bool = False


class Post(Struct, frozen=True, kw_only=True, tag="post", tag_field="type", gc=False):
    text: str
    ref: Ref | None = None
    room: str | None = None
    to: str | None = None
    key: str | None = None
    if_head: After | None = None
    """Post only if this is still the room's head: the WebSocket form of `If-Match`."""


Request = Subscribe | Unsubscribe | Post


# -- what the server says over WebSocket beside events ----------------------


class Hello(Struct, frozen=True, kw_only=True, tag="hello", tag_field="type"):
    user: str
    epoch: str
    ping_seconds: float
    max_text_bytes: int = MAX_TEXT_BYTES


class Subscribed(Struct, frozen=True, kw_only=True, omit_defaults=True, tag="subscribed", tag_field="type"):
    ref: Ref | None = None
    room: str | None = None
    inbox: bool = False
    head: int


class Unsubscribed(
    Struct, frozen=True, kw_only=True, omit_defaults=True, tag="unsubscribed", tag_field="type"
):
    ref: Ref | None = None
    room: str | None = None
    inbox: bool = False


class PostedFrame(
    Struct, frozen=True, kw_only=True, omit_defaults=True, tag="posted", tag_field="type", gc=False
):
    ref: Ref | None = None
    room: str | None = None
    to: str | None = None
    seq: int
    id: str
    sent_at: str


class ErrorFrame(Struct, frozen=True, kw_only=True, omit_defaults=True, tag="error", tag_field="type"):
    """A request refused: as a `Problem`, with its type in `problem`, for `type` says what frame this is."""

    ref: Ref | None = None
    status: int
    problem: str
    title: str
    detail: str = ""
    field: str | None = None
    conflicts_with: str | None = None
    retry_after: Annotated[float, Meta(description="seconds")] | None = None
    head: int | None = None
    limit_bytes: int | None = None
    policy: str | None = None


Reply = Hello | Subscribed | Unsubscribed | PostedFrame | ErrorFrame
ServerFrame = StreamFrame | Reply

# -- REST bodies ------------------------------------------------------------


class NewUser(Struct, frozen=True, kw_only=True):
    name: str
    password: str

    def __repr__(self) -> str:
        return f"NewUser(name={self.name!r})"


class SignIn(Struct, frozen=True, kw_only=True):
    name: str
    password: str
    cookie: bool = False
    """For pages of this server: keep the token in an HttpOnly cookie instead of the answer."""

    def __repr__(self) -> str:
        return f"SignIn(name={self.name!r})"


class UserBody(Struct, frozen=True, kw_only=True):
    name: str
    created_at: str


class SignedIn(Struct, frozen=True, kw_only=True, omit_defaults=True):
    token: str | None = None
    """Shown this once; absent when it went into a cookie."""
    id: str
    """The session's, for the list of sessions and for ending it."""
    user: str
    expires_at: str

    def __repr__(self) -> str:
        return f"SignedIn(user={self.user!r})"


class SessionBody(Struct, frozen=True, kw_only=True):
    id: str
    user: str
    created_at: str
    expires_at: str
    agent: str
    current: bool


class NewRoom(Struct, frozen=True, kw_only=True):
    name: str


class RoomBody(Struct, frozen=True, kw_only=True):
    id: str
    name: str
    created_at: str
    created_by: str
    head: int


class NewMessage(Struct, frozen=True, kw_only=True):
    text: str


class NewMark(Struct, frozen=True, kw_only=True):
    seq: Annotated[int, Meta(ge=0, le=2**53 - 1)]
    """Everything up to here was read."""


class RoomMark(Struct, frozen=True, kw_only=True):
    room: str
    seq: int


class PersonMark(Struct, frozen=True, kw_only=True):
    user: str
    seq: int
    """In your own inbox."""


class FollowedBody(Struct, frozen=True, kw_only=True):
    """A room you follow: what lies between `seq` and `head` is unread."""

    room: str
    name: str
    seq: int
    head: int


class ConversationBody(Struct, frozen=True, kw_only=True, omit_defaults=True):
    user: str
    seq: int
    """How far you have read, in your own inbox; 0: nothing."""
    unread: int
    """How many of the newest thousand that the two of you wrote after the mark are the other's."""
    last: Message | Sent | None = None
    """The newest, as it stands in your inbox; absent when it is damaged."""


class SubscriptionOffer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The 202: where to listen. The addresses carry a ticket and need no Authorization header."""

    room: str | None = None
    inbox: bool = False
    rooms: list[str] | None = None
    cursor: str
    event_stream: str
    websocket: str
    expires_at: str


class Problem(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """RFC 9457; further members by kind."""

    type: str
    title: str
    status: int
    detail: str = ""
    field: str | None = None
    conflicts_with: str | None = None
    retry_after: Annotated[float, Meta(description="seconds")] | None = None
    head: int | None = None
    limit_bytes: int | None = None
    policy: str | None = None


# -- from the domain to the wire --------------------------------------------


def event_frame(event: Event) -> Message | Sent:
    sent_at = timestamp(event.sent_at_ms)
    if event.kind == "sent":
        assert event.to is not None
        return Sent(
            id=event.id,
            to=event.to,
            seq=event.seq,
            sender=event.sender,
            text=event.text,
            sent_at=sent_at,
            key=event.key,
        )
    return Message(
        id=event.id,
        room=room_of(event.log),
        to=event.to,
        seq=event.seq,
        sender=event.sender,
        text=event.text,
        sent_at=sent_at,
        key=event.key,
    )


def gap_frame(gap: Gap) -> GapFrame:
    return GapFrame(
        room=room_of(gap.log),
        inbox=owner_of(gap.log) is not None,
        first=gap.first,
        last=gap.last,
        reason=gap.reason,
    )


_encoder = msgspec.json.Encoder()
encode = _encoder.encode
"""Any frame as JSON bytes."""

decode_request = msgspec.json.Decoder(Request).decode
"""What a WebSocket client said. Raises msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError or
RecursionError."""
