"""A WebSocket's bytes, read by us and by the `websockets` library alone: they have to agree.

The first bytes of an input say when the reader is full and where it is cut; the rest is what the client
sends.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from websockets.frames import Close, Frame, Opcode
from websockets.protocol import OPEN
from websockets.server import ServerProtocol

from fuzz.targets import cut, halved, whole
from hubbub.api.framed import FRAMES_PER_TURN, FramedConnection, library_log
from hubbub.protocol.dialogue import NOT_UNDERSTOOD

MAX_BYTES = 1000
"""The largest message here: one over the limit is soon found."""


TOO_BIG, PROTOCOL_ERROR = 1009, 1002


class Reading(NamedTuple):
    told: list[bytes]
    """The whole texts."""
    pongs: list[bytes]
    codes: frozenset[int]
    """What the close frame says, if there is one; or what it may say."""
    ended: bool
    """Whether the connection is over, and not only said to be."""

    def check(self, other: "Reading") -> None:
        """Raises AssertionError unless `other` is one of the readings this one allows."""
        assert other.told == self.told
        assert other.pongs == self.pongs
        assert other.codes == self.codes or (other.codes and other.codes < self.codes)
        assert other.ended == self.ended


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
    pongs, codes = _answered(transport.written)
    return Reading(connection.told, pongs, codes, transport.closing)


def _answered(written: bytes) -> tuple[list[bytes], frozenset[int]]:
    """The pongs, and the code of the close frame: all that is answered by one who tells nothing."""
    pongs: list[bytes] = []
    codes: list[int] = []
    while written:
        first, size = written[:2]
        assert size < 126, "a control frame, unmasked"
        payload, written = written[2 : 2 + size], written[2 + size :]
        assert len(payload) == size
        if first == 0x8A:
            pongs.append(payload)
        else:
            assert first == 0x88
            codes.append(int(Close.parse(payload).code))
    assert len(codes) <= 1, "two close frames"
    return pongs, frozenset(codes)


# -- by the library -----------------------------------------------------------


def by_the_library(stream: bytes) -> Reading:
    """What `stream` asks for by RFC 6455, and two rules of our own: no binary messages, none too large.

    The library is asked for no more than what a frame is. It has a limit too, but charges a message for the
    control frames amid it; and a close amid fragments it takes for a mistake, which it is not (section 5.4).
    """
    library = ServerProtocol(state=OPEN, max_size=None, logger=library_log)
    at, too_large = _too_large(stream)
    library.receive_data(stream if at is None else stream[: at + 2])
    told: list[bytes] = []
    parts: list[bytes] = []
    pongs: list[bytes] = []
    codes: frozenset[int] = frozenset()
    for frame in library.events_received():
        match frame.opcode:
            case Opcode.PING:
                pongs.append(bytes(frame.data))
            case Opcode.BINARY if not codes:
                codes = frozenset({NOT_UNDERSTOOD})
            case Opcode.TEXT | Opcode.CONT if not codes:
                parts.append(bytes(frame.data))
                if frame.fin:
                    told.append(b"".join(parts))
                    parts = []
    if codes:
        pass
    elif close := library.close_rcvd or library.close_sent:
        codes = frozenset({int(close.code)})
    elif at is not None:
        codes = too_large
    return Reading(told, pongs, codes, library.close_expected() or at is not None)


def _too_large(stream: bytes) -> tuple[int | None, frozenset[int]]:
    """Where a frame begins with which a message is too large, and what may be said of it.

    It is refused when it is announced. Of a frame that is unlawful besides, either may be said.
    """
    at = message = 0
    while len(stream) - at >= 2:
        first, second = stream[at], stream[at + 1]
        wide = {126: 2, 127: 8}.get(second & 0x7F, 0)
        if len(stream) - at < 2 + wide:
            break
        size = int.from_bytes(stream[at + 2 : at + 2 + wide]) if wide else second & 0x7F
        control = first & 0x08
        if message + size > MAX_BYTES and not (control and first & 0xF0 == 0x80 and size < 126):
            goes_on = not control and (first & 0x0F == 0 or not message)
            return at, frozenset({TOO_BIG} if goes_on else {TOO_BIG, PROTOCOL_ERROR})
        if not control:
            message = 0 if first & 0x80 else message + size
        at += 2 + wide + 4 + size
    return None, frozenset()


def rest_for(stream: bytes) -> list[bytes]:
    """What more is to be sent before we have to have come so far.

    We too refuse a message that is too large once it is announced, unless the frame is hardly larger than one
    may be, or not at all and the last of several: then it is waited for.
    """
    at, _ = _too_large(stream)
    return [] if at is None else [bytes(MAX_BYTES + 14)]


# -- the target ---------------------------------------------------------------


def try_one(data: bytes) -> None:
    """Raises AssertionError when the two readings differ."""
    full, pieces = int.from_bytes(data[:2]), cut(data[2:])
    stream = b"".join(pieces)
    expected = by_the_library(stream)
    rest = rest_for(stream)
    expected.check(by_us([*pieces, *rest]))
    expected.check(by_us([*pieces, *rest], full=full))
    if len(stream) <= 300:
        expected.check(by_us([*(stream[n : n + 1] for n in range(len(stream))), *rest]))


def text(payload: bytes = b"", *, fin: bool = True, opcode: Opcode = Opcode.TEXT) -> bytes:
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
    "a ping amid fragments that are all a message may be": text(b"x" * MAX_BYTES, fin=False)
    + ping(b"p" * 125)
    + pong(b"p" * 125)
    + text(opcode=Opcode.CONT)
    + text(b"a"),
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
        yield b"\0\0" + whole(stream)
        yield b"\0\1" + halved(stream)


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
