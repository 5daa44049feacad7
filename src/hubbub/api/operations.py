"""The table of operations: one row for everything that can be asked over HTTP.

The routes, the gate, OpenAPI, AsyncAPI, the page that shows them and the tests are all made from it.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Literal

import msgspec
from starlette.types import ASGIApp

from hubbub.api import accounts, health, marks, messages, pages, rooms, subscribe
from hubbub.domain import errors as e
from hubbub.protocol import frames as f

Handler = Callable[..., Awaitable[ASGIApp]]
"""`async (call)`, or `async (call, given)` with the Struct of the body, or else of the query."""

Direct = f.Message | f.Sent
Listed = f.Message | f.GapFrame


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """What one method does at one path."""

    name: str
    """Stable, for generated clients."""
    method: Literal["GET", "POST", "PUT", "DELETE"]
    path: str
    summary: str
    """One sentence for people."""
    topic: str
    """Under what it stands in the documents."""
    handler: Handler
    body: type[msgspec.Struct] | None = None
    query: type[msgspec.Struct] | None = None
    fields: tuple[str, ...] = ()
    """Request fields it heeds."""
    status: int = 200
    """Of success."""
    gives: Any = None
    """The type of the answer's JSON; None when there is none."""
    media_type: str = "application/json"
    answers: tuple[str, ...] = ()
    """Fields of a successful answer worth knowing."""
    refuses: tuple[type[e.HubbubError], ...] = ()
    """Beside what follows from the rest of the row: see `errors`."""
    access: Literal["anyone", "signed-in", "ticket"] = "signed-in"
    """Who may; with "ticket" a ticket will do in place of a token."""
    streams: bool = False
    """Whether the answer may go on for ever: then there is no HEAD."""
    limited: bool = True
    """Whether it counts against the limit on requests."""

    @property
    def errors(self) -> tuple[type[e.HubbubError], ...]:
        """Everything it refuses on purpose, but for what any request may meet."""
        implied: list[type[e.HubbubError]] = []
        if self.access != "anyone":
            implied += [e.NotSignedIn]
            if self.method != "GET":
                implied += [e.ForeignOrigin]
        if self.body is not None:
            implied += [e.BadInput, e.TooLarge, e.UnsupportedMediaType]
        if self.query is not None:
            implied += [e.BadInput]
        if self.limited:
            implied += [e.TooFast]
        return tuple(dict.fromkeys((*implied, *self.refuses)))


_POST_FIELDS = ("Location", "RateLimit-Policy", "RateLimit")
_LIST_FIELDS = ("ETag", "Link")
_STORE = (e.StorageFull, e.StorageAway, e.StorageFailed, e.Overloaded)
_WAIT = (e.TooMany, e.ShuttingDown)
_STREAM = (e.NotAllowed, e.StaleCursor, e.TooMany, e.ShuttingDown)

# Those called most stand first: the router tries one after the other.
OPERATIONS: tuple[Operation, ...] = (
    # -- messages -----------------------------------------------------------
    Operation(
        name="listRoomMessages",
        method="GET",
        path="/room/{roomId}/messages",
        summary="Read a room's messages, or wait for the next.",
        topic="Messages",
        handler=messages.list_room,
        query=messages.MessagesQuery,
        fields=("If-None-Match",),
        gives=list[Listed],
        answers=_LIST_FIELDS,
        refuses=(e.NoSuchRoom, e.StaleCursor, *_WAIT),
    ),
    Operation(
        name="postToRoom",
        method="POST",
        path="/room/{roomId}/messages",
        summary="Post a message to a room; nobody has to join first.",
        topic="Messages",
        handler=messages.post_to_room,
        body=f.NewMessage,
        fields=("Idempotency-Key", "If-Match"),
        status=201,
        gives=f.Message,
        answers=_POST_FIELDS,
        refuses=(e.NoSuchRoom, e.KeyReused, e.StaleCursor, e.HeadMoved, *_STORE),
    ),
    Operation(
        name="postToUser",
        method="POST",
        path="/user/{userId}/messages",
        summary="Post a message to a person.",
        topic="Messages",
        handler=messages.post_to_user,
        body=f.NewMessage,
        fields=("Idempotency-Key",),
        status=201,
        gives=Direct,
        answers=_POST_FIELDS,
        refuses=(e.NoSuchUser, e.KeyReused, *_STORE),
    ),
    Operation(
        name="listConversation",
        method="GET",
        path="/user/{userId}/messages",
        summary="Read what the two of you wrote to each other, both ways.",
        topic="Messages",
        handler=messages.list_conversation,
        query=messages.MessagesQuery,
        fields=("If-None-Match",),
        gives=list[f.LogFrame],
        answers=_LIST_FIELDS,
        refuses=(e.NoSuchUser, e.StaleCursor, *_WAIT),
    ),
    Operation(
        name="listInbox",
        method="GET",
        path="/inbox/messages",
        summary="Read the messages posted directly to you, or wait for the next.",
        topic="Messages",
        handler=messages.list_inbox,
        query=messages.MessagesQuery,
        fields=("If-None-Match",),
        gives=list[Listed],
        answers=_LIST_FIELDS,
        refuses=(e.StaleCursor, *_WAIT),
    ),
    Operation(
        name="readRoomMessage",
        method="GET",
        path="/room/{roomId}/messages/{seq}",
        summary="Read one message of a room.",
        topic="Messages",
        handler=messages.read_room_message,
        fields=("If-None-Match",),
        gives=f.Message,
        answers=("ETag",),
        refuses=(e.NoSuchRoom, e.NoSuchMessage),
    ),
    Operation(
        name="readInboxMessage",
        method="GET",
        path="/inbox/messages/{seq}",
        summary="Read one entry of your inbox: a message to you, or your copy of one you sent.",
        topic="Messages",
        handler=messages.read_inbox_message,
        fields=("If-None-Match",),
        gives=Direct,
        answers=("ETag",),
        refuses=(e.NoSuchMessage,),
    ),
    # -- live ---------------------------------------------------------------
    Operation(
        name="subscribeRoom",
        method="GET",
        path="/room/{roomId}/subscribe",
        summary="Receive a room's messages as they are posted.",
        topic="Live",
        handler=subscribe.subscribe_room,
        query=subscribe.SubscribeQuery,
        fields=("Accept", "Last-Event-ID"),
        status=202,
        gives=f.SubscriptionOffer,
        answers=("Location",),
        refuses=(e.NoSuchRoom, *_STREAM),
        access="ticket",
        streams=True,
    ),
    Operation(
        name="subscribeInbox",
        method="GET",
        path="/inbox/subscribe",
        summary="Receive the messages posted to you, and your copies of those you send, as they come.",
        topic="Live",
        handler=subscribe.subscribe_inbox,
        query=subscribe.SubscribeQuery,
        fields=("Accept", "Last-Event-ID"),
        status=202,
        gives=f.SubscriptionOffer,
        answers=("Location",),
        refuses=_STREAM,
        access="ticket",
        streams=True,
    ),
    Operation(
        name="subscribeMany",
        method="GET",
        path="/subscribe",
        summary="Receive many rooms, and your inbox, on one stream.",
        topic="Live",
        handler=subscribe.subscribe_many,
        query=subscribe.SubscribeManyQuery,
        fields=("Accept", "Last-Event-ID"),
        status=202,
        gives=f.SubscriptionOffer,
        answers=("Location",),
        refuses=(e.NoSuchRoom, *_STREAM),
        access="ticket",
        streams=True,
    ),
    Operation(
        name="openWebSocket",
        method="GET",
        path="/ws",
        summary="Open a WebSocket: post and receive on one connection.",
        topic="Live",
        handler=subscribe.websocket_only,
        status=101,
        refuses=(e.UpgradeRequired,),
        access="ticket",
        streams=True,
    ),
    # -- rooms --------------------------------------------------------------
    Operation(
        name="listRooms",
        method="GET",
        path="/rooms",
        summary="List the rooms there are, in the order of their names.",
        topic="Rooms",
        handler=rooms.list_rooms,
        query=rooms.RoomsQuery,
        fields=("If-None-Match",),
        gives=list[f.RoomBody],
        answers=_LIST_FIELDS,
        refuses=(e.NoSuchRoom,),
    ),
    Operation(
        name="createRoom",
        method="POST",
        path="/rooms",
        summary="Create a room.",
        topic="Rooms",
        handler=rooms.create_room,
        body=f.NewRoom,
        status=201,
        gives=f.RoomBody,
        answers=("Location",),
        refuses=(e.NameTaken, *_STORE),
    ),
    Operation(
        name="readRoom",
        method="GET",
        path="/room/{roomId}",
        summary="Read about one room.",
        topic="Rooms",
        handler=rooms.read_room,
        fields=("If-None-Match",),
        gives=f.RoomBody,
        answers=("ETag",),
        refuses=(e.NoSuchRoom,),
    ),
    # -- what was read ------------------------------------------------------
    Operation(
        name="listMarks",
        method="GET",
        path="/marks",
        summary="List the rooms you follow: how far you have read in each, and where it ends.",
        topic="What was read",
        handler=marks.list_marks,
        query=marks.MarksQuery,
        fields=("If-None-Match",),
        gives=list[f.FollowedBody],
        answers=_LIST_FIELDS,
    ),
    Operation(
        name="listConversations",
        method="GET",
        path="/conversations",
        summary="List the people you exchange direct messages with: what is unread, what was last said.",
        topic="What was read",
        handler=marks.list_conversations,
        query=marks.ConversationsQuery,
        fields=("If-None-Match",),
        gives=list[f.ConversationBody],
        answers=_LIST_FIELDS,
    ),
    Operation(
        name="markRoom",
        method="PUT",
        path="/room/{roomId}/mark",
        summary="Note how far you have read in a room; you follow it from then on.",
        topic="What was read",
        handler=marks.mark_room,
        body=f.NewMark,
        gives=f.RoomMark,
        refuses=(e.NoSuchRoom, e.StaleCursor, *_STORE),
    ),
    Operation(
        name="unmarkRoom",
        method="DELETE",
        path="/room/{roomId}/mark",
        summary="Follow a room no longer.",
        topic="What was read",
        handler=marks.unmark_room,
        status=204,
        refuses=(e.NoSuchRoom, *_STORE),
    ),
    Operation(
        name="markPerson",
        method="PUT",
        path="/user/{userId}/mark",
        summary="Note how far you have read what you and another person write to each other.",
        topic="What was read",
        handler=marks.mark_person,
        body=f.NewMark,
        gives=f.PersonMark,
        refuses=(e.NoSuchUser, e.StaleCursor, *_STORE),
    ),
    # -- people -------------------------------------------------------------
    Operation(
        name="signIn",
        method="POST",
        path="/sessions",
        summary="Sign in.",
        topic="People",
        handler=accounts.sign_in,
        body=f.SignIn,
        status=201,
        gives=f.SignedIn,
        refuses=(e.WrongCredentials, e.ForeignOrigin, e.TooMany, *_STORE),
        access="anyone",
    ),
    Operation(
        name="listSessions",
        method="GET",
        path="/sessions",
        summary="List where you are signed in.",
        topic="People",
        handler=accounts.list_sessions,
        gives=list[f.SessionBody],
    ),
    Operation(
        name="readSession",
        method="GET",
        path="/sessions/current",
        summary="Read who you are signed in as, and until when.",
        topic="People",
        handler=accounts.read_session,
        gives=f.SessionBody,
    ),
    Operation(
        name="signOut",
        method="DELETE",
        path="/sessions/current",
        summary="Sign out; live streams of the session end within a second.",
        topic="People",
        handler=accounts.sign_out,
        status=204,
    ),
    Operation(
        name="endSession",
        method="DELETE",
        path="/sessions/{sessionId}",
        summary="Sign out somewhere else.",
        topic="People",
        handler=accounts.end_session,
        status=204,
        refuses=(e.NoSuchSession,),
    ),
    Operation(
        name="signUp",
        method="POST",
        path="/users",
        summary="Sign up.",
        topic="People",
        handler=accounts.sign_up,
        body=f.NewUser,
        status=201,
        gives=f.UserBody,
        answers=("Location",),
        refuses=(e.SignUpClosed, e.NameTaken, e.TooMany, *_STORE),
        access="anyone",
    ),
    Operation(
        name="listUsers",
        method="GET",
        path="/users",
        summary="List the people there are, in the order of their names.",
        topic="People",
        handler=accounts.list_users,
        query=accounts.UsersQuery,
        fields=("If-None-Match",),
        gives=list[f.UserBody],
        answers=_LIST_FIELDS,
    ),
    Operation(
        name="readUser",
        method="GET",
        path="/user/{userId}",
        summary="Read about one person.",
        topic="People",
        handler=accounts.read_user,
        fields=("If-None-Match",),
        gives=f.UserBody,
        answers=("ETag",),
        refuses=(e.NoSuchUser,),
    ),
    # -- the server ---------------------------------------------------------
    Operation(
        name="live",
        method="GET",
        path="/health/live",
        summary="Whether the process runs.",
        topic="The server",
        handler=health.live,
        gives=health.Live,
        access="anyone",
        limited=False,
    ),
    Operation(
        name="ready",
        method="GET",
        path="/health/ready",
        summary="Whether it should be sent requests, and what it runs on.",
        topic="The server",
        handler=health.ready,
        gives=health.Ready,
        refuses=(e.StorageFailed, e.ShuttingDown, e.Overloaded),
        access="anyone",
        limited=False,
    ),
    Operation(
        name="openapi",
        method="GET",
        path="/openapi.json",
        summary="What can be asked over HTTP, for programs.",
        topic="The server",
        handler=pages.openapi,
        fields=("If-None-Match",),
        gives=dict[str, Any],
        answers=("ETag",),
        access="anyone",
    ),
    Operation(
        name="asyncapi",
        method="GET",
        path="/asyncapi.json",
        summary="What is said on live connections, for programs.",
        topic="The server",
        handler=pages.asyncapi,
        fields=("If-None-Match",),
        gives=dict[str, Any],
        answers=("ETag",),
        access="anyone",
    ),
    Operation(
        name="docs",
        method="GET",
        path="/docs",
        summary="Both of them, for people.",
        topic="The server",
        handler=pages.docs,
        gives=str,
        media_type="text/html",
        access="anyone",
    ),
    Operation(
        name="problem",
        method="GET",
        path="/problems/{code}",
        summary="What an error means, and what to do about it.",
        topic="The server",
        handler=pages.problem,
        gives=str,
        media_type="text/html",
        refuses=(e.NoSuchPage,),
        access="anyone",
    ),
    Operation(
        name="home",
        method="GET",
        path="/",
        summary="The page in which people talk; on a server without it, the same as `/about`.",
        topic="The server",
        handler=pages.home,
        gives=str,
        media_type="text/html",
        access="anyone",
    ),
    Operation(
        name="about",
        method="GET",
        path="/about",
        summary="What this is, and how to begin.",
        topic="The server",
        handler=pages.about,
        gives=str,
        media_type="text/html",
        access="anyone",
    ),
    Operation(
        name="asset",
        method="GET",
        path="/assets/{file}",
        summary="What the pages are made of.",
        topic="The server",
        handler=pages.asset,
        gives=str,
        media_type="*/*",
        refuses=(e.NoSuchPage,),
        access="anyone",
    ),
)
