"""One client's connection that listens: protocols with slots, cheap enough for ten thousand in a process.

What is common to all transports is here, and WebSocket; streams over HTTP are in `streams`.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import ClassVar, Final, Protocol, cast

import msgspec

from hubbub.bench import frames
from hubbub.bench.frames import Piece
from hubbub.bench.hearing import Hearing, Run, inbox
from hubbub.bench.ledger import Ledger
from hubbub.bench.places import Places
from hubbub.bench.refusals import Refusal, refusal
from hubbub.bench.seats import Seat

_HEAD_END: Final = b"\r\n\r\n"
_NONCE: Final = "aHVidWIgYmVuY2ggMDAwMA=="  # RFC 6455 wants it random; only proxies profit from that


class Refused(Exception):
    """A connection could not be opened; the text is what the server said."""

    def __init__(self, text: str, refusal: Refusal | None = None) -> None:
        super().__init__(text)
        self.refusal = refusal
        """When it answered."""


class Shared(Protocol):
    """What the connections of one process share."""

    hearing: Hearing
    ledger: Ledger


class Connection(Protocol):
    """What a client has open."""

    def post(self, number: int) -> None:
        """Send a post that stands in the ledger."""
        ...

    def leave(self) -> None:
        """End it at once, as a broken network would."""
        ...


class Client:
    """A seat, where it stands in its logs, and its connection while it has one."""

    __slots__ = ("connection", "node", "places", "seat", "slow")

    def __init__(self, seat: Seat, places: Places, node: int = 0) -> None:
        self.seat = seat
        self.places = places
        self.node = node
        """Which of the server's addresses it connects to."""
        self.connection: Connection | None = None
        self.slow = False


def address(seat: Seat, stands: dict[str, int]) -> str:
    """Where the seat's logs are listened to, each after the seq where it stands."""
    wanted = [f"room={room}@{stands[room]}" for room in seat.rooms if room in stands]
    if seat.hears_inbox:
        wanted.append(f"inbox={stands[inbox(seat.user)]}")
    if len(wanted) == 1 and not seat.hears_inbox:
        (room,) = stands
        return f"/room/{room}/subscribe?after={stands[room]}"
    return f"/subscribe?{'&'.join(wanted)}" if wanted else "/ws"


class Listening(ABC, asyncio.Protocol):
    """Always true:
    * `_rest` is what came and was not understood yet, because its end is missing;
    * `ready` is resolved when every log is subscribed, or with what stood in the way.
    """

    __slots__ = (
        "_head",
        "_hear",
        "_hearing",
        "_leaving",
        "_open",
        "_places",
        "_rest",
        "_shared",
        "client",
        "ready",
        "transport",
    )

    transport: asyncio.Transport
    accepted: ClassVar[bytes]
    """How the answer begins that opens the stream."""

    def __init__(self, shared: Shared, client: Client, host: str) -> None:
        self.client = client
        self._shared = shared
        self._hearing = shared.hearing
        self._hear: Callable[[Places, Run], None] = shared.hearing.take_run
        self._places = client.places
        self._head = self.head(client.seat, host, client.places.last)
        self._rest = b""
        self._open = False
        self._leaving = False
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    # -- what each transport has of its own ---------------------------------

    @abstractmethod
    def head(self, seat: Seat, host: str, stands: dict[str, int]) -> bytes:
        """The request that opens it."""

    @abstractmethod
    def opened(self) -> None:
        """The answer's head was the one that was hoped for."""

    @abstractmethod
    def cut(self, data: bytes) -> tuple[list[Piece], bytes]:
        """Whole pieces, and what is to be put before that which comes next."""

    @staticmethod
    @abstractmethod
    def payloads(run: bytes) -> Sequence[bytes]:
        """The events in a piece of them."""

    @abstractmethod
    def told(self, kind: str, data: bytes) -> None:
        """A piece that is not events."""

    # -- the connection -----------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(self._head)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.client.connection is self:
            self.client.connection = None
        if not self.ready.done():
            self.ready.set_exception(Refused(f"the connection ended: {exc or 'closed by the server'}"))
        elif not self._leaving:
            self._hearing.lost_connections += 1

    def leave(self) -> None:
        self._leaving = True
        if self.client.connection is self:
            self.client.connection = None
        self.transport.abort()

    def hear_quietly(self) -> None:
        """From now on what comes is checked and not measured."""
        self._hear = self._hearing.check_run

    def is_ready(self) -> None:
        if not self.ready.done():
            self.ready.set_result(None)

    @abstractmethod
    def post(self, number: int) -> None: ...

    # -- what the server says -----------------------------------------------

    def data_received(self, data: bytes) -> None:
        if not self._rest and self._open:
            run = self._hearing.find(data)
            if run is not None:
                self._hear(self._places, run)
                return
        self._take(self._rest + data if self._rest else data)

    def _take(self, data: bytes) -> None:
        if not self._open:
            self._rest = data
            after = self._answered(data)
            if after is None:
                return
            data = after
        pieces, self._rest = self.cut(data)
        for kind, piece in pieces:
            if kind is frames.EVENTS:
                self._hear(self._places, self._hearing.run(piece, self.payloads))
            else:
                self.told(kind, piece)

    def _answered(self, data: bytes) -> bytes | None:
        """Look at the answer's head: what follows it, None while it is not all there or is a refusal."""
        head, end, rest = data.partition(_HEAD_END)
        if not end:
            return None
        if not head.startswith(self.accepted):
            status = head.split(b"\r\n", 1)[0].decode("latin-1")
            if not self.ready.done():
                said = refusal(int(status[9:12]), rest)
                self.ready.set_exception(Refused(f"{status} {said.detail}".strip(), said))
            self.leave()
            return None
        self._open = True
        self._head = b""
        self.opened()
        return rest


# -- WebSocket --------------------------------------------------------------


class _Said(msgspec.Struct, gc=False):
    """What a server says beside events."""

    type: str
    ref: int | None = None
    seq: int = 0
    status: int = 0
    problem: str = ""
    policy: str = ""
    detail: str = ""


_decode = msgspec.json.Decoder(_Said).decode


def _refusal(said: _Said) -> Refusal:
    return Refusal(status=said.status, problem=said.problem, policy=said.policy, detail=said.detail)


def upgrade(path: str, token: str, host: str) -> bytes:
    return (
        f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n"
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        f"Sec-WebSocket-Key: {_NONCE}\r\n\r\n"
    ).encode()


class WebSocketClient(Listening):
    __slots__ = ("_awaited",)

    accepted = b"HTTP/1.1 101 "

    def head(self, seat: Seat, host: str, stands: dict[str, int]) -> bytes:
        self._awaited = len(stands)
        return upgrade(address(seat, stands), seat.token, host)

    def opened(self) -> None:
        if not self._awaited:
            self.is_ready()

    def cut(self, data: bytes) -> tuple[list[Piece], bytes]:
        pieces, used = frames.cut(data, self._hearing.find)
        return pieces, data[used:]

    @staticmethod
    def payloads(run: bytes) -> Sequence[bytes]:
        return frames.payloads(run)

    def told(self, kind: str, data: bytes) -> None:
        if kind is frames.PING:
            self.transport.write(frames.PONG)
        if kind is not frames.TEXT:
            return
        said = _decode(data)
        match said.type:
            case "posted" if said.ref is not None:
                self._shared.ledger.answered(said.ref, said.seq)
            case "error" if said.ref is not None:
                self._shared.ledger.refuse(said.ref, _refusal(said))
            case "subscribed":
                self._awaited -= 1
                if not self._awaited:
                    self.is_ready()

    def post(self, number: int) -> None:
        ledger = self._shared.ledger
        kind, _, name = ledger.logs[number].rpartition("/")
        payload = (
            f'{{"type":"post","ref":{number},"{"to" if kind else "room"}":"{name}",'
            f'"text":"{ledger.text(number)}","key":"{ledger.key(number)}"}}'
        )
        self.transport.write(frames.frame(payload.encode()))
