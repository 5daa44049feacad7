"""Two readers of one stream, our short path and the library's, agree on every stream cut at every place."""

from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from websockets.frames import Close, Frame, Opcode
from websockets.protocol import OPEN
from websockets.server import ServerProtocol

from hubbub.api.framed import FramedConnection

MAX = 1000


class Transport:
    def __init__(self) -> None:
        self.written = b""
        self.closing = False
        self.reading = True

    def write(self, data: bytes) -> None:
        self.written += data

    def is_closing(self) -> bool:
        return self.closing

    def close(self) -> None:
        self.closing = True

    abort = close

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def get_extra_info(self, name: str) -> None:
        return None


class Listening(FramedConnection):
    """An open connection that notes what it was told, and does nothing about it."""

    __slots__ = ("full", "left", "told")
    max_frame_bytes = MAX

    def __init__(self) -> None:
        super().__init__()
        self.connection_made(Transport())  # type: ignore[arg-type]
        self.told: list[bytes] = []
        self.full = False
        self.left = False

    def take_text(self, text: bytes) -> None:
        self.told.append(bytes(text))

    def is_full(self) -> bool:
        return self.full

    def leave(self) -> None:
        self.left = True


def by_the_library(stream: bytes) -> tuple[list[bytes], bytes, bool]:
    """The whole messages in `stream`, what is answered, and whether the connection ends."""
    library = ServerProtocol(state=OPEN, max_size=MAX)
    library.receive_data(stream)
    messages: list[bytes] = []
    parts: list[bytes] = []
    for frame in library.events_received():
        if frame.opcode in (Opcode.TEXT, Opcode.CONT):
            parts.append(bytes(frame.data))
            if frame.fin:
                messages.append(b"".join(parts))
                parts = []
    written = b"".join(library.data_to_send())
    return messages, written, library.close_expected()


def has_binary(stream: bytes) -> bool:
    library = ServerProtocol(state=OPEN, max_size=MAX)
    library.receive_data(stream)
    return any(frame.opcode is Opcode.BINARY for frame in library.events_received())


def by_us(pieces: Iterator[bytes]) -> tuple[list[bytes], bytes, bool]:
    connection = Listening()
    for piece in pieces:
        if not connection.transport.is_closing():
            connection.data_received(piece)
    return connection.told, connection.transport.written, connection.transport.closing  # type: ignore[attr-defined]


def text(payload: bytes, *, fin: bool = True, opcode: Opcode = Opcode.TEXT) -> bytes:
    return bytes(Frame(opcode, payload, fin=fin).serialize(mask=True))


def ping(payload: bytes = b"") -> bytes:
    return text(payload, opcode=Opcode.PING)


def pong(payload: bytes = b"") -> bytes:
    return text(payload, opcode=Opcode.PONG)


def close(code: int = 1000) -> bytes:
    return text(Close(code, "").serialize(), opcode=Opcode.CLOSE)


STREAMS = {
    "texts of every length form": b"".join(text(b"x" * n) for n in (0, 1, 125, 126, 127, MAX)),
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
    "a text over the limit": text(b"a") + text(b"x" * (MAX + 1)),
    "fragments over the limit": text(b"x" * MAX, fin=False) + text(b"y", opcode=Opcode.CONT),
    "a length of 2**63": text(b"a") + b"\x81\xff" + b"\xff" * 8 + b"\0\0\0\0",
    "a short text in the longest form": text(b"a") + b"\x81\xff" + (3).to_bytes(8) + b"\0\0\0\0abc",
    "a short text in the middle form": text(b"a") + b"\x81\xfe" + (3).to_bytes(2) + b"\0\0\0\0abc",
    "a close with a code nobody may use": text(b"a") + text((1005).to_bytes(2), opcode=Opcode.CLOSE),
}


@pytest.mark.parametrize("stream", STREAMS.values(), ids=STREAMS.keys())
def test_a_stream_means_the_same_wherever_it_is_cut(stream: bytes) -> None:
    expected = by_the_library(stream)
    assert by_us(iter([stream])) == expected
    assert by_us(iter([stream[i : i + 1] for i in range(len(stream))])) == expected
    for cut in range(1, min(len(stream), 200)):
        assert by_us(iter([stream[:cut], stream[cut:]])) == expected


frames = st.one_of(
    st.binary(max_size=200).map(text),
    st.binary(max_size=200).map(lambda p: text(p, fin=False)),
    st.binary(max_size=200).map(lambda p: text(p, opcode=Opcode.CONT)),
    st.binary(max_size=200).map(lambda p: text(p, fin=False, opcode=Opcode.CONT)),
    st.binary(max_size=125).map(ping),
    st.binary(max_size=125).map(pong),
    st.sampled_from([close(), close(4000)]),
    st.binary(min_size=1, max_size=20),
)


@settings(max_examples=500, deadline=None)
@given(st.lists(frames, max_size=8), st.lists(st.integers(0, 1600), max_size=8))
@example([b"\x02\x80\0\0\0\0"], [])  # bytes at random that are a frame
def test_any_stream_cut_anywhere_means_what_the_library_says(parts: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(parts)
    places = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    pieces = [stream[a:b] for a, b in pairwise(places)]
    assume(not has_binary(stream))  # which we do not take, and the library does
    assert by_us(iter(pieces)) == by_the_library(stream)


def test_one_who_is_not_listened_to_now_is_heard_later_and_loses_nothing() -> None:
    connection = Listening()
    connection.full = True
    stream = (
        b"".join(text(b"%d" % n) for n in range(5)) + text(b"x", fin=False) + text(b"y", opcode=Opcode.CONT)
    )
    connection.data_received(stream)
    assert connection.told == []
    assert not connection.transport.reading  # type: ignore[attr-defined]
    connection.full = False
    connection.resume_writing()
    assert connection.transport.reading  # type: ignore[attr-defined]
    assert connection.told == [b"0", b"1", b"2", b"3", b"4", b"xy"]


def test_no_parser_outlives_what_it_was_called_for() -> None:
    connection = Listening()
    connection.data_received(ping() + text(b"a"))
    assert connection._library is None
    connection.data_received(text(b"a", fin=False))
    assert connection._library is not None
    connection.data_received(text(b"b", opcode=Opcode.CONT))
    assert connection._library is None
    assert connection._held == b""


async def test_binary_messages_are_not_understood() -> None:
    connection = Listening()
    connection.data_received(text(b"a", opcode=Opcode.BINARY))
    assert (4400).to_bytes(2) in connection.transport.written  # type: ignore[attr-defined]
    assert connection.told == []
