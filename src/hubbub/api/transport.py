"""The HTTP connection: uvicorn's, with bounds on a request's head and a way for streams to be written to.

A live stream's head goes out through the application as usual. Its events the hub writes to the connection
itself, as bytes all readers of a log share: it is in `scope["extensions"]["hubbub.connection"]`.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, cast

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.protocols.utils import is_ssl
from websockets.datastructures import Headers
from websockets.http11 import Request as UpgradeRequest

from hubbub.api.errors import problem
from hubbub.api.guard import guard
from hubbub.domain.errors import BadInput, HeadTooLarge, HubbubError, TooMany

if TYPE_CHECKING:
    from uvicorn._types import ASGI3Application

    from hubbub.api.answer import Answer
    from hubbub.api.answer import Headers as Fields
    from hubbub.api.context import Context

EXTENSION = "hubbub.connection"

PARSED_AT_ONCE = 2048
"""Bytes given to the parser at a time: the requests in them are all that can await their turn. Each weighs a
hundred times what it may take to send."""

_HEADER_OVERHEAD = 4  # ": " and CRLF
_INTERIM = b"HTTP/1.1 1"  # 100 Continue, which is no answer


class StreamReader(Protocol):
    """What a live stream wants to know of its connection."""

    def pause(self) -> None: ...
    def resume(self) -> None: ...
    def leave(self) -> None: ...


class Upgraded(Protocol):
    """Who takes the connection over when it becomes a WebSocket."""

    def take_over(self, transport: asyncio.Transport, address: str, request: UpgradeRequest) -> None: ...


def http_class(context: Context) -> type[HttpConnection]:
    """For uvicorn's `http=`."""
    return type("BoundHttpConnection", (HttpConnection,), {"context": context})


def peer_of(transport: asyncio.BaseTransport) -> tuple[str, int] | None:
    """The address and the port on the other side of the connection; None where it has none.

    It is the system that is asked: a transport keeps what it has once been asked, three hundred bytes for as
    long as the connection lives.
    """
    sock = transport.get_extra_info("socket")
    if sock is None:
        name = transport.get_extra_info("peername")
    else:
        asking = socket.socket(fileno=sock.fileno())
        try:
            name = asking.getpeername()
        except OSError:  # it has gone already
            return None
        finally:
            asking.detach()
    # Many connections come from few addresses: they share the text.
    return (sys.intern(str(name[0])), int(name[1])) if isinstance(name, tuple) else None


def raw_answer(answer: Answer, protection: Fields) -> bytes:
    """An answer to a connection that will be closed after it, when no application is there to give it."""
    fields = [
        *answer.headers,
        *protection,
        (b"content-type", answer.media_type),
        (b"content-length", b"%d" % len(answer.body)),
        (b"connection", b"close"),
    ]
    return b"".join(
        [
            STATUS_LINE[answer.status],
            *(b"%b: %b\r\n" % field for field in fields),
            b"\r\n",
            answer.body,
        ]
    )


class Together:
    """A connection as the library answers on it: the head of an answer waits for its body, for one write.

    Always true: `_head` is None until a head came, and empty once it was written.
    """

    __slots__ = ("_head", "_transport")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._head: bytes | None = None

    def write(self, data: bytes) -> None:
        if self._head is None and not data.startswith(_INTERIM):
            self._head = data
        elif self._head:
            data, self._head = self._head + data, b""
            self._transport.write(data)
        else:
            self._transport.write(data)

    def send_head(self) -> None:
        """Write the head, if there is one that still waits: what follows comes another way, or not at all."""
        if self._head:
            self.write(b"")

    def close(self) -> None:
        self.send_head()
        self._transport.close()

    def is_closing(self) -> bool:
        return self._transport.is_closing()


class HttpConnection(HttpToolsProtocol):
    """Always true:
    * while a request's head is incomplete, a timer runs that ends the connection;
    * while no request is under way, one does too, whatever else the other side sends;
    * the parser holds little more of what was sent than a head may have;
    * while a request awaits its turn behind another, nothing more is parsed, and soon nothing more read.
    """

    context: ClassVar[Context]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.reader: StreamReader | None = None
        self._head_bytes = 0
        self._held_bytes = 0
        self._unparsed = b""
        self._answering: RequestResponseCycle | None = None
        self._together: Together | None = None
        self._in_head = False
        self._head_timer: asyncio.TimerHandle | None = None
        self._counted: str | None = None

    # -- the connection -----------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        # Not the library's own, which has the transport keep the names of both ends.
        self.connections.add(self)
        self.transport = transport
        self.flow = FlowControl(transport)
        self.client = peer_of(transport)
        self.scheme = "https" if is_ssl(transport) else "http"
        peer = self.client[0] if self.client else ""
        try:
            self.context.connections.open_socket(peer)
        except TooMany as error:
            self._refuse(error)
            return
        self._counted = peer
        transport.set_write_buffer_limits(high=self.context.settings.write_buffer_bytes)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_complete()
        if self._counted is not None:
            self.context.connections.close_socket(self._counted)
            self._counted = None
        if self._answering is not None and not self._answering.response_complete:
            # It is not the library's `cycle`, the newest, when another request came behind it.
            self._answering.disconnected = True
            self._answering.message_event.set()
        if self.reader is not None:
            self.reader.leave()  # now, and not when the application hears of it: others are being written to
        super().connection_lost(exc)
        self._let_go()

    def _let_go(self) -> None:
        """Leave nothing that points here for the garbage collector to find, which comes late and looks at all
        that is alive."""
        self.parser = self.scope = self.cycle = self._answering = None  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        if self._unparsed or self.pipeline:
            self._unparsed += data
            self.flow.pause_reading()
        else:
            self._take(data)

    def _take(self, data: bytes) -> None:
        """Parse `data`, up to where a request has to await its turn."""
        while data and not self.pipeline:
            part, data = data[:PARSED_AT_ONCE], data[PARSED_AT_ONCE:]
            self._parse(part)
            if self.transport.is_closing() or self.transport.get_protocol() is not self:
                return
        self._unparsed = data
        if data:
            self.flow.pause_reading()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._answering = cycle
        cycle.transport = self._together = Together(self.transport)  # type: ignore[assignment]
        super()._start_asgi_task(cycle, app)

    def has_whole_body(self) -> bool:
        """Whether all of the request that is being answered has come."""
        return self._answering is not None and not self._answering.more_body

    def send_head(self) -> None:
        """Have the head of the answer written now: what follows it is written to the connection itself."""
        if self._together is not None:
            self._together.send_head()

    def on_response_complete(self) -> None:
        self.send_head()
        super().on_response_complete()
        if self.transport.is_closing():
            return
        if self.pipeline:
            self.flow.pause_reading()
        elif self._unparsed:
            unparsed, self._unparsed = self._unparsed, b""
            self._take(unparsed)

    def _parse(self, data: bytes) -> None:
        idle, self.timeout_keep_alive_task = self.timeout_keep_alive_task, None
        self._held_bytes += len(data)
        super().data_received(data)
        if idle is not None:
            if self._is_idle():
                self.timeout_keep_alive_task = idle  # what came was no request: the time goes on
            else:
                idle.cancel()
        if self._held_bytes > self.context.settings.max_head_bytes and not self.transport.is_closing():
            self._refuse(self._head_too_large())

    def _is_idle(self) -> bool:
        return (
            self._counted is not None
            and self._head_timer is None
            and (self.cycle is None or self.cycle.response_complete)
        )

    def handle_websocket_upgrade(self) -> None:
        awaited = self.cycle is not None and not self.cycle.response_complete
        if awaited or self.flow.write_paused:
            # An answer is still to be given on this connection, or to be read by the other side: a WebSocket
            # would not know that its socket is full, and be written to without end.
            self.transport.close()
            return
        self._held_bytes = 0
        self._head_complete()
        address, self._counted = self._counted or "", None  # it is the WebSocket's to count off
        self.connections.discard(self)
        heir = cast(Upgraded, self.ws_protocol_class(self.connections))  # type: ignore[misc, call-arg]
        heir.take_over(self.transport, address, self._upgrade_request())
        self.transport.set_protocol(cast(asyncio.Protocol, heir))
        self._let_go()

    def _upgrade_request(self) -> UpgradeRequest:
        """The head that was parsed, as the WebSocket library has it."""
        headers = Headers()
        for name, value in self.scope["headers"]:
            headers[name.decode("latin-1")] = value.decode("latin-1")
        return UpgradeRequest(
            self.url.decode("latin-1"),
            headers,
            method=self.scope["method"],
            protocol=f"HTTP/{self.parser.get_http_version()}",
        )

    def pause_writing(self) -> None:
        super().pause_writing()
        if self.reader is not None:
            self.reader.pause()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self.reader is not None:
            self.reader.resume()

    # -- the head of a request ----------------------------------------------

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {EXTENSION: self}  # type: ignore[dict-item]
        self._head_bytes = 0
        self._in_head = True
        if self._head_timer is None:
            self._await_head()

    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count(len(name) + len(value) + _HEADER_OVERHEAD)
        if self._in_head:  # the fields behind a chunked body are nobody's (RFC 9110, section 6.5.1)
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._held_bytes = 0
        self._head_complete()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._held_bytes = 0
        super().on_body(body)

    def _count(self, size: int) -> None:
        self._held_bytes = 0
        self._head_bytes += size
        if self._head_bytes > self.context.settings.max_head_bytes:
            raise ValueError("the head is too large")  # the parser turns it into its own error

    def _await_head(self) -> None:
        self._head_timer = self.loop.call_later(self.context.settings.head_seconds, self._too_slow)

    def _head_complete(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _too_slow(self) -> None:
        self._head_timer = None
        if self._unparsed or self.pipeline:
            self._await_head()  # the rest may have come: it is we who did not look
        else:
            self.transport.close()

    def send_400_response(self, msg: str) -> None:
        if self._head_bytes > self.context.settings.max_head_bytes:
            self._refuse(self._head_too_large())
        else:
            self._refuse(BadInput("This is not HTTP as RFC 9112 has it."))

    def _head_too_large(self) -> HeadTooLarge:
        limit = self.context.settings.max_head_bytes
        return HeadTooLarge(f"A request's head has at most {limit} bytes.", limit_bytes=limit)

    def _refuse(self, error: HubbubError) -> None:
        """Answer with `error` and end the connection, but never answer an earlier request with it."""
        cycle = self.cycle
        awaited = cycle is not None and not cycle.response_complete and not cycle.more_body
        if awaited and self.reader is None and self._held_bytes <= self.context.settings.max_head_bytes:
            cycle.keep_alive = False  # the connection ends with the answer to that request
            return
        answered = cycle is not None and cycle.response_started and cycle.more_body
        if not (awaited or answered or self.pipeline):
            self.transport.write(
                raw_answer(problem(error), guard(self.context.settings, self.scheme or "http"))
            )
        self.transport.close()
