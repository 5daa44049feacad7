"""The WebSocket connection: the class uvicorn hands an upgraded connection to.

It signs the client in, takes its requests and tells it the answers and what it listens to. How frames are
read is in `framed`. Everything here runs in the loop's own callbacks; only signing in and subscribing take
a task.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Final, Literal, cast

from websockets.http11 import Request as UpgradeRequest
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from hubbub.api.address import client_address, joined, networks
from hubbub.api.answer import NOT_KEPT
from hubbub.api.errors import INTERNAL, WIRE, ReadyReply, error_frame, problem
from hubbub.api.framed import FramedConnection, library_log
from hubbub.api.gate import Caller
from hubbub.api.guard import guard
from hubbub.api.transport import raw_answer
from hubbub.api.upgrade import admit_upgrade
from hubbub.api.wanted import check_room_for, inbox_of, log_of_room
from hubbub.domain.errors import (
    BadInput,
    HubbubError,
    NotAllowed,
    NotSignedIn,
    Refused,
    ShuttingDown,
    TooFast,
)
from hubbub.domain.events import Posted
from hubbub.domain.ids import LogId, inbox_log, owner_of, room_of
from hubbub.hub import Subscription
from hubbub.protocol.cursor import parse_cursor
from hubbub.protocol.dialogue import Ask, Close, Dialogue
from hubbub.protocol.frames import (
    SUBPROTOCOL,
    Bye,
    EndReason,
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
from hubbub.protocol.framing import WebSocketFraming
from hubbub.service.posting import too_much
from hubbub.storage.base import Outcome

if TYPE_CHECKING:
    from hubbub.api.context import Context

PATIENCE: Final = 100
"""Refusals for going too fast, one after the other, before the connection is closed with 4429."""

_BECAUSE: Final[dict[EndReason, type[HubbubError]]] = {
    "shutting-down": ShuttingDown,
    "signed-out": NotSignedIn,
    "expired": NotSignedIn,
    "disabled": NotSignedIn,
    "overloaded": TooFast,
}

_TOO_MUCH: Final = ReadyReply(too_much())

_log = logging.getLogger("hubbub.websocket")


def websocket_class(context: Context) -> type[WebSocket]:
    """For uvicorn's `ws=`."""
    bound = {
        "context": context,
        "max_frame_bytes": context.settings.max_frame_bytes,
        "outbox": context.outbox,
        "__slots__": (),
    }
    return type("BoundWebSocket", (WebSocket,), bound)


class WebSocket(FramedConnection):
    """Always true:
    * until `caller` is known nothing is read but the head of the upgrade;
    * while `task` runs, no request is taken, so that they are answered in their order.
    """

    __slots__ = (
        "_connections",
        "address",
        "caller",
        "dialogue",
        "left",
        "refusals",
        "slot",
        "spoke",
        "subscriptions",
        "task",
    )

    context: ClassVar[Context]
    framing: ClassVar[WebSocketFraming] = WebSocketFraming()
    kind: Literal["websocket"] = "websocket"

    def __init__(self, connections: set[object]) -> None:
        """`connections` are those the server waits for when it stops."""
        super().__init__()
        self._connections = connections
        self.caller: Caller | None = None
        self.left = False
        self.dialogue: Dialogue | None = None  # made with the first request: most only listen
        self.subscriptions: tuple[Subscription, ...] = ()
        self.spoke = False
        self.refusals = 0
        self.slot = 0
        self.task: asyncio.Task[None] | None = None

    # -- the connection -----------------------------------------------------

    def take_over(self, transport: asyncio.Transport, address: str, request: UpgradeRequest) -> None:
        """Go on with the connection of an HTTP request that asked for this. It counts for `address`."""
        self.connection_made(transport)
        self.address = address
        self._connections.add(self)
        self.task = asyncio.get_running_loop().create_task(self._open(request))

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self)
        self.context.connections.close_socket(self.address)
        if self.task is not None:
            self.task.cancel()
        super().connection_lost(exc)

    def leave(self) -> None:
        """Listen no more."""
        self.context.hub.leave(self)
        if self.caller is not None and not self.left:
            self.left = True
            self.context.accounts.unwatch(self.caller.session, self)
            self.context.connections.leave(self, self.caller.session.id)

    def resume_writing(self) -> None:
        super().resume_writing()
        self.context.hub.resume(self)

    def shutdown(self) -> None:
        """uvicorn's last word; everyone was told good-bye before it."""
        self.end("shutting-down")

    # -- signing in ---------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        if self.caller is not None:
            super().data_received(data)
        elif len(self._held) + len(data) <= self.max_frame_bytes:
            self._held += data
        else:
            self.transport.abort()

    async def _open(self, request: UpgradeRequest) -> None:
        try:
            async with asyncio.timeout(self.context.settings.head_seconds):
                await self._sign_in(request)
        except TimeoutError:
            self.transport.abort()
        except Exception as error:
            if not isinstance(error, HubbubError):
                _log.exception("a WebSocket could not be opened")
            self.leave()
            self.write(raw_answer(problem(error), guard(self.context.settings, self._scheme)))
            self.transport.close()
        finally:
            self.task = None
        self.go_on()

    @property
    def _scheme(self) -> str:
        return "http" if self.transport.get_extra_info("sslcontext") is None else "https"

    async def _sign_in(self, request: UpgradeRequest) -> None:
        """All that can be refused is refused with an HTTP status, before the upgrade is answered."""
        context = self.context
        headers = joined((name.lower(), value) for name, value in request.headers.raw_items())
        if headers.get("content-length", "0") != "0" or "transfer-encoding" in headers:
            raise BadInput("A request for a WebSocket has no body.")
        trusted = networks(context.settings.trusted_proxies)
        address = client_address(self.address, headers, trusted)
        context.limits.requests.take(address)
        caller, wanted = await admit_upgrade(
            context, request.path, headers, peer=self.address, address=address, scheme=self._scheme
        )
        opened: list[tuple[Subscription, int]] = []
        for log, after in wanted.items():
            subscription = await context.hub.open(self, log, after)
            opened.append((subscription, subscription.log.head))  # which may grow while others are opened
        handshake = ServerProtocol(select_subprotocol=_select, logger=library_log)
        response = handshake.accept(request)
        if response.status_code != 101:
            for name, value in (NOT_KEPT, *guard(context.settings, self._scheme)):
                response.headers[name.decode()] = value.decode()
        else:
            context.connections.join(self, caller.session.id)
            self.caller = caller
            context.accounts.watch(caller.session, self)
        handshake.send_response(response)
        self._send_library(handshake)  # which also leaves, when it was refused
        if self.caller is not None:
            self._greet(opened)

    def _greet(self, opened: list[tuple[Subscription, int]]) -> None:
        """Say hello, and of each log where its head was when it was opened."""
        assert self.caller is not None
        self._tell(
            Hello(
                user=self.caller.session.user,
                epoch=self.context.info.epoch,
                ping_seconds=self.context.settings.ping_seconds,
            )
        )
        for subscription, head in opened:
            log = subscription.log.id
            self._tell(Subscribed(room=room_of(log), inbox=owner_of(log) is not None, head=head))
            self.context.hub.start(subscription)

    # -- requests -----------------------------------------------------------

    def is_full(self) -> bool:
        """One who does not read its answers, or asked for many, is not listened to meanwhile."""
        return (
            self.paused
            or self.task is not None
            or (
                self.dialogue is not None
                and self.dialogue.waiting >= self.context.settings.requests_in_flight
            )
        )

    def turn_is_over(self) -> bool:
        return self.context.posting.turn_is_over()

    def take_text(self, text: bytes) -> None:
        if not self.is_open:
            return
        self.spoke = True
        if self.dialogue is None:
            self.dialogue = Dialogue()
        try:
            ask = self.dialogue.receive(text)
        except Close as close:
            self.close(close.code, close.reason)
            return
        try:
            request = ask.request
            if isinstance(request, Post):
                if self.context.posting.is_full():
                    self._shed(ask)
                else:
                    self._post(ask, request)
            else:
                self._take_frame_of_user()
                if isinstance(request, Subscribe):
                    self._subscribe(ask, request)
                elif isinstance(request, Unsubscribe):
                    self._unsubscribe(ask, request)
                else:
                    raise request
        except HubbubError as error:
            self._refuse(ask, self._counted(ask, error))

    def _counted(self, ask: Ask, error: HubbubError) -> HubbubError:
        """`error`, or that even this was too fast: a post that is refused at sight counts as no post."""
        if isinstance(ask.request, Post) and isinstance(error, Refused) and not isinstance(error, TooFast):
            try:
                self._take_frame_of_user()
            except TooFast as too_fast:
                return too_fast
        return error

    def _take_frame_of_user(self) -> None:
        """Count what is said beside posts, which have a limit of their own. Raises TooFast."""
        assert self.caller is not None
        self.context.limits.frames.take(self.caller.session.user)

    def is_within_limit(self) -> bool:
        try:
            self._take_frame_of_user()
        except TooFast as error:
            self._lose_patience(error)
            return False
        return True

    def _post(self, ask: Ask, post: Post) -> None:
        caller = self.caller
        assert caller is not None
        if caller.scope is not None:
            raise NotAllowed("A ticket is for listening; post with your token.")
        if (post.room is None) == (post.to is None):
            raise BadInput("A post names a `room`, or a user in `to`.", field="room")
        place = inbox_of(cast(str, post.to)) if post.room is None else log_of_room(post.room)
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

    def _shed(self, ask: Ask) -> None:
        """What `Posting.post` would do now, for less: shedding helps only if it costs less than posting."""
        self.context.posting.shed += 1
        self._give(ask, _TOO_MUCH.to(ask.ref))

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
        if self._stalled:
            self.go_on()

    def _subscribe(self, ask: Ask, request: Subscribe) -> None:
        assert self.caller is not None
        log = self._log_of(request)
        self.caller.check_may_read(log)
        check_room_for(len(self.subscriptions) + 1, self.context.settings)
        if self._subscription(log) is not None:
            field = "inbox" if request.inbox else "room"
            raise BadInput("This log is subscribed already; unsubscribe first.", field=field)
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
            if not self.is_open:  # it was closed meanwhile, and left all it listened to
                self.leave()
                return
            frame = Subscribed(
                ref=request.ref, room=request.room, inbox=request.inbox, head=subscription.log.head
            )
            self._answer(ask, frame, partial(self.context.hub.start, subscription))
        finally:
            self.task = None
        self.go_on()

    def _unsubscribe(self, ask: Ask, request: Unsubscribe) -> None:
        subscription = self._subscription(self._log_of(request))
        if subscription is not None:
            self.context.hub.close(subscription)
        self._answer(ask, Unsubscribed(ref=request.ref, room=request.room, inbox=request.inbox))

    def _subscription(self, log: LogId) -> Subscription | None:
        return next((each for each in self.subscriptions if each.log.id == log), None)

    def _log_of(self, request: Subscribe | Unsubscribe) -> LogId:
        if (request.room is None) != request.inbox:
            raise BadInput('A subscription names a `room`, or says `"inbox": true`.', field="room")
        assert self.caller is not None
        return inbox_log(self.caller.session.user) if request.room is None else log_of_room(request.room)

    # -- answers ------------------------------------------------------------

    def _answer(self, ask: Ask, frame: object, after: Callable[[], None] | None = None) -> None:
        if self.is_open:
            self._give(ask, encode(frame), after)

    def _give(self, ask: Ask, answer: bytes, after: Callable[[], None] | None = None) -> None:
        assert self.dialogue is not None
        for due in self.dialogue.answer(ask, answer, after):
            assert due.answer is not None
            self.say(due.answer)
            if due.after is not None:
                due.after()

    def _refuse(self, ask: Ask, error: HubbubError) -> None:
        self._answer(ask, error_frame(ask.ref, error))
        if isinstance(error, TooFast):
            self._lose_patience(error)

    def _lose_patience(self, error: TooFast) -> None:
        self.refusals += 1
        if self.refusals >= PATIENCE:
            self.end("overloaded", error.retry_after_seconds)

    def _tell(self, frame: object) -> None:
        self.say(encode(frame))

    # -- what the hub and the sweep call ------------------------------------

    def lost(self) -> None:
        self.close(INTERNAL.close, "the log cannot be read now; come back with your cursor")

    def beat(self) -> None:
        """Ask for a sign of life, and keep the session of one who talks."""
        self.ping()
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
        self.go_on()

    def end(self, reason: EndReason, retry_after: float | None = None) -> None:
        """Say `bye` and close."""
        if self.caller is None:
            self.transport.close()
            return
        if not self.is_open:
            return
        self._tell(Bye(reason=reason, retry_after=retry_after))
        self.close(WIRE[_BECAUSE[reason]].close, reason)


def _select(protocol: object, offered: object) -> Subprotocol | None:
    ours = Subprotocol(SUBPROTOCOL)
    return ours if ours in cast("list[Subprotocol]", offered) else None
