"""A WebSocket's bytes, read by us and by the `websockets` library alone: they have to agree.

The first bytes of an input say where it is cut and when the reader is full; the rest is what the client sends.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from typing import Any, NamedTuple

from websockets.frames import Close, Frame, Opcode
from websockets.protocol import OPEN
from websockets.server import ServerProtocol

from hubbub.api.framed import FRAMES_PER_TURN, FramedConnection, library_log
from hubbub.protocol.session import NOT_UNDERSTOOD

MAX_BYTES = 1000
"""The largest message here: one over the limit is soon found."""

MOST_CUTS = 15


class Reading(NamedTuple):
    told: list[bytes]
    """The whole texts."""
    written: bytes
    ended: bool
    """Whether the connection is over, and not only said to be."""


# -- by us --------------------------------------------------------------------


class Transport:
    def __init__(self) -> None:
        self.written = b""
        self.closing = False
        self.reading = True

    def write(self, data: bytes) -> None:
        assert not self.closing, "written to a connection that was closed"
        self.written += data

    def is_closing(self) -> bool:
        return self.closing

    def close(self) -> None:
        self.closing = True

    abort = close

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        assert not self.closing, "a connection that was closed is read on"
        self.reading = True

    def get_extra_info(self, name: str) -> None:
        return None


class Turns:
    """As much of a loop as a connection asks for: the next turn comes when it is told to."""

    def __init__(self) -> None:
        self._next: list[Callable[[], None]] = []

    def call_soon(self, call: Callable[..., None], *args: Any) -> None:
        self._next.append(lambda: call(*args))

    def call_later(self, seconds: float, call: Callable[..., None], *args: Any) -> None:
        assert seconds > 0

    def turn(self) -> None:
        calls, self._next = self._next, []
        for call in calls:
            call()

    def run_out(self) -> None:
        while self._next:
            self.turn()

    def __enter__(self) -> "Turns":
        self._outer = asyncio._get_running_loop()
        asyncio._set_running_loop(self)  # type: ignore[arg-type]
        return self

    def __exit__(self, *_: object) -> None:
        asyncio._set_running_loop(self._outer)


class Listening(FramedConnection):
    """An open connection that notes what it was told, and does nothing about it."""

    __slots__ = ("full", "left", "told")
    max_frame_bytes = MAX_BYTES

    def __init__(self) -> None:
        super().__init__()
        self.connection_made(Transport())  # type: ignore[arg-type]
        self.told: list[bytes] = []
        self.full = False
        self.left = False

    def take_text(self, text: bytes) -> None:
        assert not self.full, "told to one who can take no more"
        assert self.is_open, "told after the close frame"
        self.told.append(bytes(text))

    def is_full(self) -> bool:
        return self.full

    def leave(self) -> None:
        self.left = True


def by_us(pieces: Iterable[bytes], *, full: int = 0) -> Reading:
    """`full`: bits, one for each piece; where it is set, nothing is taken until the next piece."""
    with Turns() as turns:
        connection = Listening()
        transport: Any = connection.transport
        for n, piece in enumerate(pieces):
            connection.full = bool(full >> n & 1)
            connection.go_on()
            if transport.closing:
                break
            before = len(connection.told)
            connection.data_received(piece)
            assert len(connection.told) - before <= FRAMES_PER_TURN
            turns.turn()
        connection.full = False
        connection.go_on()
        turns.run_out()
        if connection.is_open:
            assert connection._library is None or connection._library.current_size is not None
            assert len(connection._held) <= MAX_BYTES + 14, "more is kept than a frame may have"
            assert transport.reading
        else:
            assert connection.left
        assert len(connection._fragments or b"") <= MAX_BYTES
    return Reading(connection.told, transport.written, transport.closing)


# -- by the library -----------------------------------------------------------


def by_the_library(stream: bytes) -> Reading:
    """What the frames of RFC 6455 in `stream` ask for, with our one rule of our own: no binary messages."""
    library = ServerProtocol(state=OPEN, max_size=MAX_BYTES, logger=library_log)
    library.receive_data(stream)
    told: list[bytes] = []
    parts: list[bytes] = []
    written: list[Frame] = []
    open = True
    for frame in library.events_received():
        match frame.opcode:
            case Opcode.PING:
                written.append(Frame(Opcode.PONG, frame.data))
            case Opcode.BINARY if open:
                open = False
                written.append(Frame(Opcode.CLOSE, Close(NOT_UNDERSTOOD, "messages are text").serialize()))
            case Opcode.TEXT | Opcode.CONT if open:
                parts.append(bytes(frame.data))
                if frame.fin:
                    told.append(b"".join(parts))
                    parts = []
    if open:
        written += _last_word(library)
    return Reading(told, b"".join(bytes(f.serialize(mask=False)) for f in written), library.close_expected())


def _last_word(library: ServerProtocol) -> Iterator[Frame]:
    """A close frame amid fragments the library takes for a mistake; it is none (section 5.4 of RFC 6455)."""
    close = library.close_rcvd or library.close_sent
    if close is not None:
        yield Frame(Opcode.CLOSE, b"" if close.code == 1005 else close.serialize())


# -- the target ---------------------------------------------------------------


def try_one(data: bytes) -> None:
    """Raises AssertionError when the two readings differ."""
    if len(data) < 3:
        return
    cuts = data[0] % (MOST_CUTS + 1)
    full = int.from_bytes(data[1:3])
    places, stream = data[3 : 3 + 2 * cuts], data[3 + 2 * cuts :]
    expected = by_the_library(stream)
    at = sorted({int.from_bytes(places[n : n + 2]) % (len(stream) + 1) for n in range(0, len(places), 2)})
    pieces = [stream[a:b] for a, b in pairwise([0, *at, len(stream)])]
    assert by_us(pieces) == expected
    assert by_us(pieces, full=full) == expected
    if len(stream) <= 300:
        assert by_us(stream[n : n + 1] for n in range(len(stream))) == expected


def text(payload: bytes, *, fin: bool = True, opcode: Opcode = Opcode.TEXT) -> bytes:
    return bytes(Frame(opcode, payload, fin=fin).serialize(mask=True))


def ping(payload: bytes = b"") -> bytes:
    return text(payload, opcode=Opcode.PING)


def pong(payload: bytes = b"") -> bytes:
    return text(payload, opcode=Opcode.PONG)


def close(code: int = 1000) -> bytes:
    return text(Close(code, "").serialize(), opcode=Opcode.CLOSE)


STREAMS = {
    "texts of every length form": b"".join(text(b"x" * n) for n in (0, 1, 125, 126, 127, MAX_BYTES)),
    "a ping amid texts": text(b"a") + ping(b"p") + text(b"b"),
    "an unasked pong": text(b"a") + pong(b"p") + text(b"b"),
    "a message in fragments": text(b"a", fin=False)
    + text(b"b", fin=False, opcode=Opcode.CONT)
    + text(b"c", opcode=Opcode.CONT)
    + text(b"d"),
    "control frames amid fragments": text(b"a", fin=False)
    + ping(b"1")
    + pong()
    + text(b"b", opcode=Opcode.CONT)
    + ping(b"2"),
    "a new message amid fragments": text(b"a", fin=False) + text(b"b"),
    "a continuation of nothing": text(b"a") + text(b"b", opcode=Opcode.CONT),
    "a close": text(b"a") + close() + text(b"never read"),
    "a close amid fragments": text(b"a", fin=False) + close(),
    "an unmasked text": text(b"a") + bytes(Frame(Opcode.TEXT, b"b").serialize(mask=False)),
    "a reserved bit": text(b"a") + bytes([0xC1]) + text(b"b")[1:],
    "an unknown kind of frame": text(b"a") + bytes([0x83]) + text(b"b")[1:],
    "a fragmented ping": text(b"a") + bytes([0x09]) + ping(b"p")[1:],
    "a long ping": text(b"a") + bytes([0x89]) + text(b"x" * 126)[1:],
    "a text over the limit": text(b"a") + text(b"x" * (MAX_BYTES + 1)),
    "fragments over the limit": text(b"x" * MAX_BYTES, fin=False) + text(b"y", opcode=Opcode.CONT),
    "a length of 2**63": text(b"a") + b"\x81\xff" + b"\xff" * 8 + b"\0\0\0\0",
    "a short text in the longest form": text(b"a") + b"\x81\xff" + (3).to_bytes(8) + b"\0\0\0\0abc",
    "a short text in the middle form": text(b"a") + b"\x81\xfe" + (3).to_bytes(2) + b"\0\0\0\0abc",
    "a close with a code nobody may use": text(b"a") + text((1005).to_bytes(2), opcode=Opcode.CLOSE),
    "a binary message": text(b"a")
    + text(b"b", opcode=Opcode.BINARY)
    + ping()
    + text(b"never told")
    + close(),
    "a binary message in fragments": text(b"a", opcode=Opcode.BINARY, fin=False)
    + text(b"b", opcode=Opcode.CONT)
    + text(b"never told"),
    "more frames than a turn has": text(b"a") * (2 * FRAMES_PER_TURN + 1) + close(),
}


def seeds() -> Iterator[bytes]:
    for stream in STREAMS.values():
        yield b"\0\0\0" + stream
        cut = (len(stream) // 2).to_bytes(2)
        yield b"\1\0\1" + cut + stream


WORDS = (
    *(bytes((fin | opcode,)) for fin in (0, 0x80) for opcode in (0, 1, 2, 8, 9, 10)),
    *(bytes((0x80 | size,)) for size in (0, 1, 2, 125, 126, 127)),
    b"\x81\xfe\x03\xe8\0\0\0\0",
    b"\x81\x81\0\0\0\0x",
    b"\x01\x81\0\0\0\0x",
    b"\x80\x81\0\0\0\0x",
    b"\x88\x82\0\0\0\0\x03\xe8",
    b"\x89\x80\0\0\0\0",
)
