"""The verbs."""

import asyncio
import base64
import os
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from random import SystemRandom
from types import TracebackType
from typing import Self
from urllib.parse import quote

import httpx2
import msgspec

from hubbub.client import pages
from hubbub.client.errors import Problem
from hubbub.client.lines import EventStreamLine, Line, NdjsonLine, Transport, WebSocketLine, ask_offer
from hubbub.client.places import Event, Log, Places
from hubbub.client.requests import PATIENCE_SECONDS, Requests, read
from hubbub.client.socket import Socket
from hubbub.client.subscription import Subscription
from hubbub.client.wire import Wire
from hubbub.domain.policy import folded
from hubbub.protocol.frames import (
    After,
    ConversationBody,
    FollowedBody,
    MarkFrame,
    Message,
    NewMark,
    NewMessage,
    NewRoom,
    NewUser,
    RoomBody,
    Sent,
    SessionBody,
    SignedIn,
    SignIn,
    SubscriptionOffer,
    UserBody,
    encode,
)

Room = RoomBody | str
"""A room, or its id."""

_CHANCE = SystemRandom().random

Receipt = Message | Sent
"""What became of a post: the message in its room, or in one's own inbox."""


class _Marked(msgspec.Struct, frozen=True):
    seq: int


_decode_marked = msgspec.json.Decoder(_Marked).decode
_decode_receipt: Callable[[bytes], Receipt] = msgspec.json.Decoder(Receipt).decode
_decode_room = msgspec.json.Decoder(RoomBody).decode
_decode_sessions = msgspec.json.Decoder(list[SessionBody]).decode
_decode_signed_in = msgspec.json.Decoder(SignedIn).decode
_decode_user = msgspec.json.Decoder(UserBody).decode


class Client:
    """One person's way to one server; use as an async context manager.

    Every verb raises Problem when the server refuses (SignedOut when the session is over), and
    ConnectionLost when there is no answer. Reads and posts are tried again for `patience_seconds` first.

    Always true: a post has a key from before it is first sent, so it is stored once however often it is sent.
    """

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        tls: ssl.SSLContext | None = None,
        patience_seconds: float = PATIENCE_SECONDS,
        agent: str = "hubbub-client",
        randomness: Callable[[int], bytes] = os.urandom,
        chance: Callable[[], float] = _CHANCE,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`url`: where the server is, as `http://localhost:8080`. `token`: of a session that there is."""
        self._url = httpx2.URL(url)
        if self._url.scheme not in ("http", "https") or not self._url.host:
            raise ValueError(f"a server's address begins with http:// or https://, unlike {url!r}")
        self._tls = tls
        self._randomness = randomness
        self._chance = chance
        self._sleep = sleep
        self._monotonic = monotonic
        self._subscriptions: set[Subscription] = set()
        self._http = httpx2.AsyncClient(
            base_url=self._url,
            headers={"User-Agent": agent},
            timeout=httpx2.Timeout(15.0, pool=None),
            limits=httpx2.Limits(max_connections=None, max_keepalive_connections=20),
            verify=tls or _trust(self._url.scheme),
        )
        self._requests = Requests(
            self._http, patience_seconds=patience_seconds, chance=chance, sleep=sleep, monotonic=monotonic
        )
        self.token: str | None = None
        if token is not None:
            self._carry(token)

    # -- who I am ------------------------------------------------------------

    async def sign_up(self, name: str, password: str) -> UserBody:
        answer = await self._requests.once(
            "POST", "/users", body=encode(NewUser(name=name, password=password))
        )
        return read(answer, _decode_user)

    async def sign_in(self, name: str, password: str) -> SignedIn:
        """From here on everything is done in this session's name."""
        body = encode(SignIn(name=name, password=password))
        answer = await self._requests.once("POST", "/sessions", body=body)
        signed_in = read(answer, _decode_signed_in)
        self._carry(signed_in.token)
        return signed_in

    async def sign_out(self) -> None:
        """End this session, and with it its live streams everywhere."""
        await self._requests.once("DELETE", "/sessions/current")
        self._carry(None)

    async def sessions(self) -> list[SessionBody]:
        answer = await self._requests.repeated("GET", "/sessions")
        return read(answer, _decode_sessions)

    async def end_session(self, id: str) -> None:
        """Sign out another device."""
        await self._requests.once("DELETE", f"/sessions/{quote(id, safe='')}")

    # -- rooms and people ----------------------------------------------------

    def rooms(self, prefix: str = "") -> AsyncIterator[RoomBody]:
        """Every room whose name starts with `prefix`, in alphabetical order."""
        return pages.listed(self._get, "/rooms", prefix, pages.decode_rooms, lambda room: room.id)

    async def create_room(self, name: str) -> RoomBody:
        """Raises Problem 409 "name-taken" with `conflicts_with`."""
        answer = await self._requests.once("POST", "/rooms", body=encode(NewRoom(name=name)))
        return read(answer, _decode_room)

    async def room(self, name: str) -> RoomBody:
        """The room of that name, whatever its case. Raises Problem 404 "no-such-room"."""
        async for room in self.rooms(prefix=name):
            if folded(room.name) == folded(name):
                return room
        raise Problem(status=404, code="no-such-room", title=f"There is no room called {name!r}")

    async def room_by_id(self, id: str) -> RoomBody:
        answer = await self._get(_room_path(id), {})
        return read(answer, _decode_room)

    def people(self, prefix: str = "") -> AsyncIterator[UserBody]:
        return pages.listed(self._get, "/users", prefix, pages.decode_people, lambda user: user.name)

    # -- what was read -------------------------------------------------------

    async def mark(self, seq: int, *, room: Room | None = None, to: str | None = None) -> int:
        """Note that everything up to `seq` was read: in a room, which is followed from then on, or in my
        inbox of what I and a person write to each other. A mark never goes back; as it is now."""
        if (room is None) == (to is None):
            raise ValueError("a mark is in a room or with a person, one of the two")
        path = _room_path(room, "/mark") if room is not None else _user_path(to or "", "/mark")
        answer = await self._requests.repeated("PUT", path, body=encode(NewMark(seq=seq)))
        return read(answer, _decode_marked).seq

    async def unfollow(self, room: Room) -> None:
        await self._requests.once("DELETE", _room_path(room, "/mark"))

    def marks(self) -> AsyncIterator[FollowedBody]:
        """The rooms I follow, how far I have read in each, and where it ends."""
        return pages.listed(self._get, "/marks", "", pages.decode_marks, lambda mark: mark.room)

    def conversations(self) -> AsyncIterator[ConversationBody]:
        """Everyone I exchange direct messages with, by name, with what is unread."""
        return pages.listed(
            self._get,
            "/conversations",
            "",
            pages.decode_conversations,
            lambda conversation: conversation.user,
        )

    # -- posting -------------------------------------------------------------

    async def post(
        self,
        text: str,
        *,
        room: Room | None = None,
        to: str | None = None,
        key: str | None = None,
        if_head: After | None = None,
    ) -> Receipt:
        """Post to a room, or to a person. When this returns, it is on the server's disk, once.

        `key`: what names this post for ever; made up when absent. `if_head`: post only if that is still the
        room's last message, else Problem 412 "head-moved" with the `head` there is.
        """
        if (room is None) == (to is None):
            raise ValueError("post to a room or to a person, one of the two")
        path = _room_path(room, "/messages") if room is not None else _user_path(to or "", "/messages")
        headers = {"Idempotency-Key": key or self._new_key()}
        if if_head is not None:
            headers["If-Match"] = f'"{if_head}"'
        answer = await self._requests.repeated(
            "POST", path, body=encode(NewMessage(text=text)), headers=headers
        )
        return read(answer, _decode_receipt)

    # -- reading -------------------------------------------------------------

    def history(
        self, room: Room, *, after: After | None = None, before: After | None = None
    ) -> AsyncIterator[Event]:
        """A room's messages. With `after` what follows it, oldest first (0: all there is); else backward
        from `before`, or from the newest, newest first. Pages are fetched as you go."""
        return self._read(_room_path(room, "/messages"), after, before)

    def inbox(self, *, after: After | None = None, before: After | None = None) -> AsyncIterator[Event]:
        """What was posted directly to me; the order as in `history`."""
        return self._read("/inbox/messages", after, before)

    def conversation(
        self, name: str, *, after: After | None = None, before: After | None = None
    ) -> AsyncIterator[Event]:
        """What `name` and I wrote to each other; the order as in `history`."""
        return self._read(_user_path(name, "/messages"), after, before)

    async def page(
        self,
        room: Room | None = None,
        *,
        after: After | None = None,
        before: After | None = None,
        limit: int = 50,
        wait_seconds: int = 0,
    ) -> list[Event]:
        """One page of a room, or of what was posted to me; oldest first. With `wait_seconds`, a long poll."""
        query = {"limit": str(limit)}
        if after is not None:
            query["after"] = str(after)
        if before is not None:
            query["before"] = str(before)
        if wait_seconds:
            query["wait"] = str(wait_seconds)
        path = "/inbox/messages" if room is None else _room_path(room, "/messages")
        answer = await self._requests.repeated("GET", path, query=query, timeout_seconds=wait_seconds + 15.0)
        return read(answer, pages.decode_events)

    # -- listening -----------------------------------------------------------

    def subscribe(
        self,
        room: Room | Iterable[Room] | None = None,
        *,
        inbox: bool = False,
        after: After | Mapping[Log, After | None] | None = None,
        transport: Transport = "ws",
        marked: Callable[[MarkFrame], None] = lambda _: None,
        watch: Callable[[float | None], None] = lambda _: None,
    ) -> Subscription:
        """Everything posted from now on, or after `after`, in rooms, my inbox, or both.

        `after`: a seq or cursor when one log is followed; for several a mapping by room id, with None for
        the inbox, as `Subscription.cursors()` gives it. 0 is the beginning. `marked` is told of each mark
        that moves while the inbox is listened to; none is repeated after a break, so ask for `marks` then.
        `watch` is for showing how the connection is: told None whenever there is one, and whenever it broke
        the seconds until the next try.
        """
        logs = _logs(room, inbox)
        if not isinstance(after, Mapping):
            if after is not None and len(logs) != 1:
                raise ValueError("say for each log where to start: after={room_id: seq, None: seq}")
            after = dict.fromkeys(logs, after)
        lines: dict[str, Callable[[Places], Awaitable[Line]]] = {
            "ws": self._websocket,
            "sse": lambda places: EventStreamLine.open(self._requests, places),
            "ndjson": lambda places: NdjsonLine.open(self._requests, places),
        }
        subscription = Subscription(
            Places({log: after.get(log) for log in logs}),
            lines[transport],
            chance=self._chance,
            sleep=self._sleep,
            monotonic=self._monotonic,
            closed=self._subscriptions.discard,
            marked=marked,
            watch=watch,
        )
        self._subscriptions.add(subscription)
        return subscription

    async def offer(
        self, room: Room | Iterable[Room] | None = None, *, inbox: bool = False
    ) -> SubscriptionOffer:
        """Addresses with a ticket in them, to hand to something that can send no Authorization header."""
        return await ask_offer(self._requests.repeated, Places(dict.fromkeys(_logs(room, inbox))))

    async def socket(self) -> Socket:
        """A WebSocket of one's own, at a lower level: no reconnecting."""
        return await Socket.open(self._socket_url(), self.token, tls=self._tls)

    # -- ending --------------------------------------------------------------

    async def close(self) -> None:
        """Close every subscription and connection. The session stays: `sign_out` ends it."""
        for subscription in list(self._subscriptions):
            await subscription.close()
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    # -- inside --------------------------------------------------------------

    def _carry(self, token: str | None) -> None:
        self.token = token
        self._http.headers.pop("Authorization", None)
        if token is not None:
            self._http.headers["Authorization"] = f"Bearer {token}"

    def _new_key(self) -> str:
        return base64.urlsafe_b64encode(self._randomness(18)).decode()

    async def _get(self, path: str, query: Mapping[str, str]) -> httpx2.Response:
        return await self._requests.repeated("GET", path, query=query)

    def _read(self, path: str, after: After | None, before: After | None) -> AsyncIterator[Event]:
        if after is not None and before is not None:
            raise ValueError("read on after a message, or back before one")
        return (
            pages.backward(self._get, path, before) if after is None else pages.onward(self._get, path, after)
        )

    def _socket_url(self) -> str:
        scheme = "wss" if self._url.scheme == "https" else "ws"
        return str(self._url.copy_with(scheme=scheme, path=self._url.path.rstrip("/") + "/ws"))

    async def _websocket(self, places: Places) -> Line:
        wire = await Wire.open(self._socket_url(), self.token, tls=self._tls)
        try:
            return await WebSocketLine.open(wire, places)
        except BaseException:
            await wire.close()
            raise


def _trust(scheme: str) -> ssl.SSLContext | bool:
    """Whose certificates are believed: the system's list takes 20 ms to load, and plain HTTP needs none."""
    return True if scheme == "https" else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _id(room: Room) -> str:
    return room if isinstance(room, str) else room.id


def _logs(room: Room | Iterable[Room] | None, inbox: bool) -> list[Log]:
    if room is None:
        rooms: list[Log] = []
    elif isinstance(room, (str, RoomBody)):
        rooms = [_id(room)]
    else:
        rooms = [_id(one) for one in room]
    return [*rooms, None] if inbox else rooms


def _room_path(room: Room, rest: str = "") -> str:
    return f"/room/{quote(_id(room), safe='')}{rest}"


def _user_path(name: str, rest: str = "") -> str:
    return f"/user/{quote(name, safe='')}{rest}"
