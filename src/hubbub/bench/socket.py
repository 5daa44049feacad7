"""One WebSocket client: a protocol with slots, cheap enough for ten thousand in a process."""

import asyncio
from typing import Final, Protocol, cast

import msgspec

from hubbub.bench import frames
from hubbub.bench.hearing import Hearing, inbox
from hubbub.bench.ledger import Ledger
from hubbub.bench.places import Places
from hubbub.bench.seats import Seat

_HEAD_END: Final = b"\r\n\r\n"
_NONCE: Final = "aHVidWIgYmVuY2ggMDAwMA=="  # RFC 6455 wants it random; only proxies profit from that


class Refused(Exception):
    """A connection could not be opened; the text is what the server said."""


class _Said(msgspec.Struct, gc=False):
    """What a server says beside events."""

    type: str
    ref: int | None = None
    seq: int = 0
    room: str | None = None
    inbox: bool = False
    head: int = 0
    problem: str = ""
    reason: str = ""


_decode = msgspec.json.Decoder(_Said).decode


class Shared(Protocol):
    """What the clients of one process share, as far as a client knows it."""

    hearing: Hearing
    ledger: Ledger

    def lost(self, client: "WebSocketClient") -> None:
        """The connection ended, though nobody here had ended it."""
        ...


def upgrade(seat: Seat, host: str, began: dict[str, int]) -> bytes:
    """The head that opens a WebSocket with the seat's logs subscribed, each after the seq in `began`."""
    wanted = [f"room={room}@{began[room]}" for room in seat.rooms]
    if seat.hears_inbox:
        wanted.append(f"inbox={began[inbox(seat.user)]}")
    path = f"/subscribe?{'&'.join(wanted)}" if wanted else "/ws"
    return (
        f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {seat.token}\r\n"
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        f"Sec-WebSocket-Key: {_NONCE}\r\n\r\n"
    ).encode()


class WebSocketClient(asyncio.Protocol):
    """Always true:
    * `_rest` is what came after the last whole frame;
    * `ready` is resolved when every log is subscribed, or with what stood in the way.
    """

    __slots__ = (
        "_awaited",
        "_head",
        "_hearing",
        "_leaving",
        "_open",
        "_places",
        "_rest",
        "_shared",
        "ready",
        "seat",
        "transport",
    )

    transport: asyncio.Transport

    def __init__(self, shared: Shared, seat: Seat, host: str, places: Places) -> None:
        self.seat = seat
        self._shared = shared
        self._hearing = shared.hearing
        self._places = places
        self._head = upgrade(seat, host, places.last)
        self._rest = b""
        self._open = False
        self._leaving = False
        self._awaited = len(places.last)
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(self._head)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.ready.done():
            self.ready.set_exception(Refused(f"the connection ended: {exc or 'closed by the server'}"))
        elif not self._leaving:
            self._shared.lost(self)

    def leave(self) -> None:
        """End it at once, as a broken network would."""
        self._leaving = True
        self.transport.abort()

    def post(self, number: int) -> None:
        """Send a post that stands in the ledger."""
        ledger = self._shared.ledger
        log = ledger.logs[number]
        kind, _, name = log.rpartition("/")
        payload = (
            f'{{"type":"post","ref":{number},"{"to" if kind else "room"}":"{name}",'
            f'"text":"{ledger.text(number)}","key":"{ledger.key(number)}"}}'
        )
        self.transport.write(frames.frame(payload.encode()))

    # -- what the server says -----------------------------------------------

    def data_received(self, data: bytes) -> None:
        if not self._rest and self._open:
            run = self._hearing.runs.get(data)
            if run is not None:
                self._hearing.take_run(self._places, run)
                return
        self._take(self._rest + data if self._rest else data)

    def _take(self, data: bytes) -> None:
        if not self._open:
            self._rest = data
            rest = self._answered(data)
            if rest is None:
                return
            data = rest
        pieces, used = frames.cut(data)
        self._rest = data[used:]
        for kind, piece in pieces:
            if kind is frames.EVENTS:
                self._hearing.take(self._places, piece, frames.payloads)
            elif kind is frames.TEXT:
                self._told(piece)
            elif kind is frames.PING:
                self.transport.write(frames.PONG)

    def _answered(self, data: bytes) -> bytes | None:
        """Look at the answer to the upgrade: what follows it, None while it is not all there."""
        head, end, rest = data.partition(_HEAD_END)
        if not end:
            return None
        if not head.startswith(b"HTTP/1.1 101 "):
            status = head.split(b"\r\n", 1)[0].decode("latin-1")
            self._refuse(f"{status} {rest.decode('utf-8', 'replace')}".strip())
            return None
        self._open = True
        self._head = b""
        if not self._awaited:
            self._is_ready()
        return rest

    def _refuse(self, why: str) -> None:
        if not self.ready.done():
            self.ready.set_exception(Refused(why))
        self.leave()

    def _is_ready(self) -> None:
        if not self.ready.done():
            self.ready.set_result(None)

    def _told(self, text: bytes) -> None:
        said = _decode(text)
        match said.type:
            case "posted" if said.ref is not None:
                self._shared.ledger.answered(said.ref, said.seq)
            case "error" if said.ref is not None:
                self._shared.ledger.refuse(said.ref, said.problem)
            case "subscribed":
                self._awaited -= 1
                if not self._awaited:
                    self._is_ready()
