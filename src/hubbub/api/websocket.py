"""The WebSocket connection: the class uvicorn hands an upgraded connection to.

Nearly all frames that clients send are whole, short, masked text frames: those are read here. Everything
else of RFC 6455 (the handshake, fragments, control frames, closing, limits, violations) is the `websockets`
library's, one whole frame at a time. It is called in at the boundary of a frame and leaves at the boundary of
a message, and no parser exists in between: ten thousand connections that only listen cost little.

Everything here runs in the loop's own callbacks; only signing in and subscribing take a task.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, cast

from websockets.frames import Opcode
from websockets.http11 import Request as UpgradeRequest
from websockets.protocol import OPEN
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

try:
    from websockets.speedups import apply_mask
except ImportError:  # no compiled part for this platform
    from websockets.utils import apply_mask

from hubbub.api.address import client_address, networks
from hubbub.api.connections import EndReason
from hubbub.api.errors import error_frame, problem
from hubbub.api.gate import Caller
from hubbub.api.transport import peer_address, raw_answer
from hubbub.api.upgrade import admit_upgrade
from hubbub.domain.errors import (
    BadInput,
    HubbubError,
    NoSuchRoom,
    NoSuchUser,
    NotAllowed,
    NotSignedIn,
    TooFast,
    TooMany,
)
from hubbub.domain.events import Posted
from hubbub.domain.ids import LogId, inbox_log, owner_of, room_log, room_of
from hubbub.domain.policy import is_handle, is_room_id
from hubbub.hub import Subscription
from hubbub.protocol.cursor import parse_cursor
from hubbub.protocol.frames import (
    Bye,
    Hello,
    Post,
    PostedFrame,
    Subscribe,
    Subscribed,
    Unsubscribe,
    Unsubscribed,
    encode,
    timestamp,
)
from hubbub.protocol.framing import WebSocketFraming, frame_size, text_frame
from hubbub.protocol.session import NOT_UNDERSTOOD, Ask, Close, Session
from hubbub.storage.base import Outcome

if TYPE_CHECKING:
    from hubbub.api.context import Context

SUBPROTOCOL: Final = Subprotocol("hubbub.v1")

PATIENCE: Final = 100
"""Refusals for going too fast, one after the other, before the connection is closed with 4429."""

CLOSING_SECONDS: Final = 2.0
"""How long the other side may take to answer our close frame."""

_TEXT: Final = 0x81
_PONG: Final = 0x8A
_MASKED: Final = 0x80
_KINDS: Final = frozenset(Opcode)
_PING_FRAME: Final = b"\x89\x00"
_CLOSE_CODES: Final = {"shutting-down": 1012, "overloaded": 4429}
_SIGNED_OUT: Final = 4401

_log = logging.getLogger("hubbub.websocket")
_library_log = logging.getLogger("hubbub.websocket.library")
_library_log.setLevel(logging.WARNING)


def websocket_class(context: Context) -> type[WebSocket]:
    """For uvicorn's `ws=`."""
    return type("BoundWebSocket", (WebSocket,), {"context": context, "__slots__": ()})


class WebSocket(asyncio.Protocol):
    """Always true:
    * until `caller` is known nothing is read but the head of the upgrade;
    * `held` is what came after the last frame that was read, and starts at a frame's boundary;
    * `library` exists only before the handshake is over, within a fragmented message, and while closing.
    """

    __slots__ = (
        "_connections",
        "address",
        "caller",
        "fragments",
        "heard",
        "held",
        "library",
        "paused",
        "refusals",
        "session",
        "slot",
        "spoke",
        "stalled",
        "subscriptions",
        "task",
        "transport",
        "unwatch",
        "write",
    )

    context: ClassVar[Context]
    framing: ClassVar[WebSocketFraming] = WebSocketFraming()
    kind: Literal["websocket"] = "websocket"

    def __init__(self, config: object, server_state: Any, app_state: object) -> None:
        self._connections: set[object] = server_state.connections
        self.caller: Caller | None = None
        self.session = Session()
        self.subscriptions: dict[LogId, Subscription] = {}
        self.library: ServerProtocol | None = ServerProtocol(
            select_subprotocol=_select, max_size=self.context.settings.max_frame_bytes, logger=_library_log
        )
        self.fragments: list[bytes] | None = None
        self.held = b""
        self.paused = False
        self.stalled = False
        self.heard = True
        self.spoke = False
        self.refusals = 0
        self.slot = 0
        self.task: asyncio.Task[None] | None = None
        self.unwatch: Callable[[], None] | None = None

    # -- the connection -----------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.write = self.transport.write
        self.address = peer_address(transport)
        self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self)
        self.context.connections.close_socket(self.address)
        if self.task is not None:
            self.task.cancel()
        self._leave()

    def _leave(self) -> None:
        """Listen no more."""
        self.context.hub.leave(self)
        if self.unwatch is not None and self.caller is not None:
            self.unwatch()
            self.unwatch = None
            self.context.connections.leave(self, self.caller.session.id)

    def pause_writing(self) -> None:
        self.paused = True

    def resume_writing(self) -> None:
        self.paused = False
        self.context.hub.resume(self)
        self._go_on()

    def shutdown(self) -> None:
        """uvicorn's last word; everyone was told good-bye before it."""
        self.end("shutting-down")

    # -- signing in ---------------------------------------------------------

    def _upgrade(self, head: bytes) -> None:
        assert self.library is not None
        self.library.receive_data(head)
        for request in self.library.events_received():
            if isinstance(request, UpgradeRequest):
                self.task = asyncio.get_running_loop().create_task(self._open(request))
                return
        self._send_library(self.library)  # what it refuses a malformed head with
        self.transport.close()

    async def _open(self, request: UpgradeRequest) -> None:
        try:
            async with asyncio.timeout(self.context.settings.head_seconds):
                await self._sign_in(request)
        except TimeoutError:
            self.transport.abort()
        except Exception as error:
            if not isinstance(error, HubbubError):
                _log.exception("a WebSocket could not be opened")
            self._leave()
            self.write(raw_answer(problem(error)))
            self.transport.close()
        finally:
            self.task = None

    async def _sign_in(self, request: UpgradeRequest) -> None:
        """All that can be refused is refused with an HTTP status, before the upgrade is answered."""
        context, library = self.context, self.library
        assert library is not None
        headers = {name.lower(): value for name, value in request.headers.raw_items()}
        trusted = networks(context.settings.trusted_proxies)
        context.limits.requests.take(client_address(self.address, headers, trusted))
        secure = self.transport.get_extra_info("sslcontext") is not None
        caller, wanted = await admit_upgrade(
            context, request.path, headers, peer=self.address, scheme="https" if secure else "http"
        )
        opened = [await context.hub.open(self, log, after) for log, after in wanted.items()]
        response = library.accept(request)
        if response.status_code == 101:
            context.connections.join(self, caller.session.id)
            self.caller = caller
            self.unwatch = context.accounts.watch(caller.session, self.end)
        library.send_response(response)
        if response.status_code != 101:
            context.hub.leave(self)
            self._send_library(library)
            self.transport.close()
            return
        self._send_library(library)
        self.library = None
        self._greet(opened)
        self._go_on()

    def _greet(self, opened: list[Subscription]) -> None:
        assert self.caller is not None
        self._say(
            Hello(
                user=self.caller.session.user,
                epoch=self.context.info.epoch,
                ping_seconds=self.context.settings.ping_seconds,
            )
        )
        for subscription in opened:
            log = subscription.log
            self._say(Subscribed(room=room_of(log.id), inbox=owner_of(log.id) is not None, head=log.head))
            self.context.hub.start(subscription)

    # -- reading frames -----------------------------------------------------

    def data_received(self, data: bytes) -> None:
        self.heard = True
        if self.caller is None:
            if self.task is None and not self.transport.is_closing():
                self._upgrade(data)
            elif len(self.held) + len(data) <= self.context.settings.max_frame_bytes:
                self.held += data
            else:
                self.transport.abort()
            return
        if self.held:
            data = self.held + data
        self.held = self._read(data)

    def _read(self, data: bytes) -> bytes:
        """Take in every whole frame of `data`; what is left is given back."""
        at, end = 0, len(data)
        limit = self.context.settings.max_frame_bytes
        while end - at >= 2:
            first, second = data[at], data[at + 1]
            if self.library is not None or not second & _MASKED or (first != _TEXT and first != _PONG):
                after = self._read_uncommon(data, at)
                if after == at:
                    break
                at = after
                continue
            size = second & 0x7F
            body = at + 6
            if size == 126:
                if end - at < 4:
                    break
                size = int.from_bytes(data[at + 2 : at + 4])
                body = at + 8
            if size > 125 and (second & 0x7F == 127 or first == _PONG or size > limit):
                after = self._read_uncommon(data, at)
                if after == at:
                    break
                at = after
                continue
            stop = body + size
            if stop > end:
                break
            if first == _TEXT:
                if self._is_full():
                    self._stall()
                    break
                self._hear(apply_mask(data[body:stop], data[body - 4 : body]))
            at = stop
        return data[at:] if at else data

    def _read_uncommon(self, data: bytes, at: int) -> int:
        """Let the library read the frame at `at`; where it ends, or `at` while it is not all there."""
        if self.transport.is_closing():
            return len(data)
        size = frame_size(data, at)
        if size is None:
            return at
        limit = self.context.settings.max_frame_bytes + 14  # the longest head (RFC 6455, section 5.2)
        if at + size > len(data) and size <= limit and _may_be_whole(data[at], data[at + 1]):
            return at
        if self._is_full():
            self._stall()
            return at
        stop = min(at + size, len(data))
        if self.library is None:
            self.library = self._new_library()
        library = self.library
        library.receive_data(data[at:stop])
        for frame in library.events_received():
            self._take_frame(frame)
        self._send_library(library)
        if library.state is OPEN and library.current_size is None and self.library is library:
            self.library = None
        return stop

    def _new_library(self) -> ServerProtocol:
        return ServerProtocol(state=OPEN, max_size=self.context.settings.max_frame_bytes, logger=_library_log)

    def _take_frame(self, frame: Any) -> None:
        if frame.opcode is Opcode.BINARY:
            self._close(NOT_UNDERSTOOD, "messages are text")
        elif frame.opcode in (Opcode.TEXT, Opcode.CONT):
            if self.fragments is None:
                self.fragments = []
            self.fragments.append(bytes(frame.data))
            if frame.fin:
                whole, self.fragments = b"".join(self.fragments), None
                self._hear(whole)
        elif frame.opcode is Opcode.CLOSE:
            self._leave()

    def _send_library(self, library: ServerProtocol) -> None:
        for data in library.data_to_send():
            if data:
                self.write(data)
            else:  # the library's sign that the connection is over
                self._leave()
                self.transport.close()

    # -- how much one client may have under way -----------------------------

    def _is_full(self) -> bool:
        """One who does not read its answers, or asked for many, is not listened to meanwhile."""
        return (
            self.paused
            or self.task is not None
            or self.session.waiting >= self.context.settings.requests_in_flight
        )

    def _stall(self) -> None:
        self.stalled = True
        self.transport.pause_reading()

    def _go_on(self) -> None:
        """Read what was held, if what held it up is over."""
        if self.transport.is_closing():
            return
        if self.stalled:
            if self._is_full():
                return
            self.stalled = False
            self.transport.resume_reading()
        if self.held:
            held, self.held = self.held, b""
            self.held = self._read(held)

    # -- requests -----------------------------------------------------------

    def _hear(self, payload: bytes) -> None:
        if self.transport.is_closing() or (self.library is not None and self.library.state is not OPEN):
            return
        self.spoke = True
        try:
            ask = self.session.receive(payload)
        except Close as close:
            self._close(close.code, close.reason)
            return
        try:
            request = ask.request
            if isinstance(request, Post):
                self._post(ask, request)
            elif isinstance(request, Subscribe):
                self._subscribe(ask, request)
            elif isinstance(request, Unsubscribe):
                self._unsubscribe(ask, request)
            else:
                raise request
        except HubbubError as error:
            self._refuse(ask, error)

    def _post(self, ask: Ask, post: Post) -> None:
        caller = self.caller
        assert caller is not None
        if caller.scope is not None:
            raise NotAllowed("A ticket is for listening; post with your token.")
        if (post.room is None) == (post.to is None):
            raise BadInput("A post names a `room`, or a user in `to`.", field="room")
        place = _inbox_log(cast(str, post.to)) if post.room is None else _room_log(post.room)
        head = None
        if post.if_head is not None:
            head = parse_cursor(post.if_head, self.context.info.epoch, field="if_head")
        self.context.posting.post(
            place,
            caller.session.user,
            post.text,
            partial(self._posted, ask, post),
            key=post.key,
            expected_head=head,
        )

    def _posted(self, ask: Ask, post: Post, outcome: Outcome) -> None:
        if isinstance(outcome, Posted):
            self.refusals = 0
            receipt = outcome.receipt
            frame = PostedFrame(
                ref=post.ref,
                room=post.room,
                to=receipt.to,
                seq=receipt.seq,
                id=receipt.id,
                sent_at=timestamp(receipt.sent_at_ms),
            )
            self._answer(ask, frame)
        else:
            self._refuse(ask, outcome)
        if self.stalled:
            self._go_on()

    def _subscribe(self, ask: Ask, request: Subscribe) -> None:
        assert self.caller is not None
        log = self._log_of(request)
        self.caller.check_may_read(log)
        most = self.context.settings.subscriptions_per_stream
        if len(self.subscriptions) >= most:
            raise TooMany(f"One connection carries at most {most} logs.", retry_after_seconds=60.0)
        if log in self.subscriptions:
            raise BadInput("This log is subscribed already; unsubscribe first.", field="room")
        after = None
        if request.after is not None:
            after = parse_cursor(request.after, self.context.info.epoch)
        self.task = asyncio.get_running_loop().create_task(self._open_log(ask, request, log, after))

    async def _open_log(self, ask: Ask, request: Subscribe, log: LogId, after: int | None) -> None:
        try:
            subscription = await self.context.hub.open(self, log, after)
        except HubbubError as error:
            self._refuse(ask, error)
        else:
            frame = Subscribed(
                ref=request.ref, room=request.room, inbox=request.inbox, head=subscription.log.head
            )
            self._answer(ask, frame, partial(self.context.hub.start, subscription))
        finally:
            self.task = None
        self._go_on()

    def _unsubscribe(self, ask: Ask, request: Unsubscribe) -> None:
        subscription = self.subscriptions.get(self._log_of(request))
        if subscription is not None:
            self.context.hub.close(subscription)
        self._answer(ask, Unsubscribed(ref=request.ref, room=request.room, inbox=request.inbox))

    def _log_of(self, request: Subscribe | Unsubscribe) -> LogId:
        if (request.room is None) != request.inbox:
            raise BadInput('A subscription names a `room`, or says `"inbox": true`.', field="room")
        assert self.caller is not None
        return inbox_log(self.caller.session.user) if request.room is None else _room_log(request.room)

    # -- answers ------------------------------------------------------------

    def _answer(self, ask: Ask, frame: object, after: Callable[[], None] | None = None) -> None:
        for due in self.session.answer(ask, encode(frame), after):
            assert due.answer is not None
            self.write(text_frame(due.answer))
            if due.after is not None:
                due.after()

    def _refuse(self, ask: Ask, error: HubbubError) -> None:
        self._answer(ask, error_frame(ask.ref, error))
        if isinstance(error, TooFast):
            self.refusals += 1
            if self.refusals >= PATIENCE:
                self.end("overloaded", error.retry_after_seconds)

    def _say(self, frame: object) -> None:
        self.write(text_frame(encode(frame)))

    # -- what the hub and the sweep call ------------------------------------

    def lost(self) -> None:
        self._close(1011, "the log cannot be read now; come back with your cursor")

    def beat(self) -> None:
        """Ask for a sign of life. No ping gets through a full socket: the kernel watches over that one."""
        if self.paused:
            return
        if not self.heard:
            self.transport.abort()
            return
        self.heard = False
        self.write(_PING_FRAME)
        if self.spoke and self.task is None:
            self.spoke = False
            self.task = asyncio.get_running_loop().create_task(self._touch())

    async def _touch(self) -> None:
        """Talking keeps the session alive, as requests do."""
        assert self.caller is not None
        try:
            with suppress(NotSignedIn):  # whoever watches the session ends this, and knows why
                await self.context.accounts.touch(self.caller.session)
        finally:
            self.task = None
        self._go_on()

    def end(self, reason: EndReason, retry_after: float | None = None) -> None:
        """Say `bye` and close."""
        if self.caller is None:
            self.transport.close()
            return
        if self.transport.is_closing() or (self.library is not None and self.library.state is not OPEN):
            return
        self._say(Bye(reason=reason, retry_after=retry_after))
        self._close(_CLOSE_CODES.get(reason, _SIGNED_OUT), reason)

    def _close(self, code: int, reason: str) -> None:
        """Send a close frame and wait a moment for the other side's."""
        self._leave()
        if self.library is None:
            self.library = self._new_library()
        if self.library.state is not OPEN:
            return
        self.library.send_close(code, reason)
        self._send_library(self.library)
        asyncio.get_running_loop().call_later(CLOSING_SECONDS, self.transport.abort)


def _may_be_whole(first: int, second: int) -> bool:
    """Whether a frame that begins so is worth waiting for: it is masked, of a kind there is."""
    return bool(second & _MASKED) and first & 0x0F in _KINDS


def _select(protocol: object, offered: object) -> Subprotocol | None:
    return SUBPROTOCOL if SUBPROTOCOL in cast("list[Subprotocol]", offered) else None


def _room_log(room: str) -> LogId:
    if not is_room_id(room):
        raise NoSuchRoom("There is no room with this id.")
    return room_log(room)


def _inbox_log(user: str) -> LogId:
    if not is_handle(user.lower()):
        raise NoSuchUser("There is no user with this name.")
    return inbox_log(user.lower())
