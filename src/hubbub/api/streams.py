"""Subscribing over HTTP: server-sent events, lines of JSON, or the offer of an address to listen at.

The stream's head is answered like any other request. After it the hub writes to the connection, and the
request's own task only waits for the other side to leave.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote

from starlette.types import Receive, Scope, Send

from hubbub.api.answer import NOT_KEPT, Answer
from hubbub.api.gate import Caller
from hubbub.api.transport import EXTENSION, HttpConnection
from hubbub.api.wanted import MANY, Wanted, take
from hubbub.domain.errors import NotAllowed
from hubbub.domain.ids import LogId, owner_of, room_of
from hubbub.hub import Subscription
from hubbub.protocol.cursor import (
    check_reached,
    format_cursor,
    format_cursors,
    parse_cursor,
    parse_cursors,
)
from hubbub.protocol.frames import Bye, EndReason, SubscriptionOffer, encode, timestamp
from hubbub.protocol.framing import (
    NDJSON_HEARTBEAT,
    SSE_HEARTBEAT,
    Framing,
    NdjsonFraming,
    SseFraming,
    SseOverManyFraming,
    ndjson_line,
    sse_bye,
    sse_opening,
)

if TYPE_CHECKING:
    from hubbub.api.call import Call
    from hubbub.api.context import Context

SSE = "text/event-stream"
NDJSON = "application/x-ndjson"

_LAST_CHUNK = b"0\r\n\r\n"
_NDJSON_FRAMING = NdjsonFraming()
_SSE_FRAMINGS: dict[str, SseFraming] = {}


async def open_stream(call: Call, wanted: Wanted) -> Stream | Answer:
    """The answer to GET …/subscribe, by what the client accepts.

    Raises NotAllowed, BadInput, StaleCursor, NoSuchRoom, TooMany, TooFast or ShuttingDown; then
    nothing was opened.
    """
    for log in wanted:
        call.caller.check_may_read(log)
    take(wanted, call.caller.session.user, call.context.limits, call.context.settings)
    accept = call.headers.get("accept", "")
    if SSE in accept:
        return await _stream(call, wanted, "sse")
    if NDJSON in accept:
        return await _stream(call, wanted, "ndjson")
    return await _offer(call, wanted)


# -- the offer --------------------------------------------------------------


async def _offer(call: Call, wanted: Wanted) -> Answer:
    """202: addresses that need no Authorization, from the cursor that is now."""
    context, session, path = call.context, call.caller.session, call.scope["path"]
    epoch, many = context.info.epoch, path == MANY
    if call.caller.via == "ticket":
        raise NotAllowed(
            "A ticket opens a stream and gets no other ticket: send `Accept: text/event-stream`, or"
            " `application/x-ndjson`, or open a WebSocket."
        )
    positions: dict[LogId, int] = {}
    heads = await context.history.heads(list(wanted))
    for log, after in wanted.items():
        head = heads[log]
        positions[log] = head if after is None else parse_cursor(after, epoch)
        check_reached(positions[log], head)
    ticket, expires_at_ms = context.tickets.issue(session.id, session.user, list(wanted))
    address = f"{call.url}{path}?{_query(epoch, positions, many=many)}&ticket={ticket}"
    rooms: list[str] = [room for log in wanted if (room := room_of(log))]
    offer = SubscriptionOffer(
        room=None if many or not rooms else rooms[0],
        rooms=rooms if many else None,
        inbox=any(owner_of(log) for log in wanted),
        cursor=format_cursors(epoch, positions) if many else format_cursor(epoch, *positions.values()),
        event_stream=address,
        websocket="ws" + address.removeprefix("http"),
        expires_at=timestamp(expires_at_ms),
    )
    return Answer(encode(offer), status=202, headers=[(b"location", address.encode()), NOT_KEPT])


def _query(epoch: str, positions: Mapping[LogId, int], *, many: bool) -> str:
    """What asks for the same logs again, from `positions` on."""
    parts = []
    for log, seq in positions.items():
        cursor, room = quote(format_cursor(epoch, seq)), room_of(log)
        if not many:
            parts.append(f"after={cursor}")
        else:
            parts.append(f"room={room}@{cursor}" if room else f"inbox={cursor}")
    return "&".join(parts)


# -- the streams ------------------------------------------------------------


async def _stream(call: Call, wanted: Wanted, kind: Literal["sse", "ndjson"]) -> Stream:
    context, caller = call.context, call.caller
    epoch, many = context.info.epoch, call.scope["path"] == MANY
    positions = {log: None if after is None else parse_cursor(after, epoch) for log, after in wanted.items()}
    last_seen = call.headers.get("last-event-id") if kind == "sse" else None
    if last_seen and many:
        seen = parse_cursors(last_seen, epoch, caller.session.user)
        positions.update({log: seq for log, seq in seen.items() if log in positions})
    elif last_seen:
        positions = {log: parse_cursor(last_seen, epoch, field="Last-Event-ID") for log in positions}

    stream = Stream(call.scope["extensions"][EXTENSION], context, caller, kind)
    try:
        for log, after in positions.items():
            await stream.open(log, after)
        context.connections.join(stream, caller.session.id)
    except BaseException:
        context.hub.leave(stream)
        raise
    if kind == "ndjson":
        stream.framing = _NDJSON_FRAMING
    elif many:
        stream.framing = SseOverManyFraming(epoch, {s.log.id: s.seq for s in stream.opened})
    else:
        stream.framing = _SSE_FRAMINGS.setdefault(epoch, SseFraming(epoch))
    return stream


class Stream:
    """One event stream or stream of lines: its reader for the hub, and the ASGI application that answers.

    Always true: it is `paused` until its head is out, so that nobody writes before it.
    """

    __slots__ = (
        "_caller",
        "_connection",
        "_context",
        "framing",
        "kind",
        "opened",
        "paused",
        "slot",
        "subscriptions",
    )

    framing: Framing

    def __init__(
        self, connection: HttpConnection, context: Context, caller: Caller, kind: Literal["sse", "ndjson"]
    ) -> None:
        self._connection = connection
        self._context = context
        self._caller = caller
        self.kind = kind
        self.paused = True
        self.subscriptions: tuple[Subscription, ...] = ()
        self.opened: list[Subscription] = []
        self.slot = 0

    async def open(self, log: LogId, after: int | None) -> None:
        self.opened.append(await self._context.hub.open(self, log, after))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        context, session = self._context, self._caller.session
        context.accounts.watch(session, self)
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self._head()})
            self._begin()
            while (await receive())["type"] != "http.disconnect":
                pass
        finally:
            self._connection.reader = None
            context.accounts.unwatch(session, self)
            context.hub.leave(self)
            context.connections.leave(self, session.id)

    def _head(self) -> list[tuple[bytes, bytes]]:
        return [
            (b"content-type", SSE.encode() if self.kind == "sse" else NDJSON.encode()),
            (b"transfer-encoding", b"chunked"),
            (b"cache-control", b"no-store, no-transform"),
            (b"x-accel-buffering", b"no"),  # nginx holds answers back unless it is told
        ]

    def _begin(self) -> None:
        """Tell where the stream stands, then start every log on it."""
        self._connection.send_head()
        self._connection.reader = self
        self.paused = self._connection.flow.write_paused  # by answers before this one, or by its own head
        if self.kind == "sse":
            epoch = self._context.info.epoch
            if isinstance(self.framing, SseOverManyFraming):
                cursor = self.framing.cursor
            else:
                cursor = format_cursor(epoch, self.opened[0].seq)
            self.write(sse_opening(cursor, self._context.connections.retry_ms()))
        for subscription in self.opened:
            self._context.hub.start(subscription)

    # -- what the hub, the connection and the sweep call --------------------

    def write(self, data: bytes) -> None:
        transport = self._connection.transport
        if not transport.is_closing():  # a transport that has closed raises, and others are still to be told
            transport.write(data)

    def leave(self) -> None:
        """Listen no more."""
        self._context.hub.leave(self)

    def pause(self) -> None:
        self.paused = True

    def resume(self) -> None:
        self.paused = False
        self._context.hub.resume(self)

    def lost(self) -> None:
        self._connection.transport.close()

    def beat(self) -> None:
        if not self.paused:
            self.write(SSE_HEARTBEAT if self.kind == "sse" else NDJSON_HEARTBEAT)

    def end(self, reason: EndReason, retry_after: float | None = None) -> None:
        transport = self._connection.transport
        if transport.is_closing():
            return
        self._context.hub.leave(self)
        if self._connection.reader is not self:  # its head is not out yet
            transport.close()
            return
        bye = encode(Bye(reason=reason, retry_after=retry_after))
        self.write((sse_bye(bye) if self.kind == "sse" else ndjson_line(bye)) + _LAST_CHUNK)
        transport.close()  # after what was written; the application sees the other side leave
