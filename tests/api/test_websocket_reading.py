"""Two readers of one stream, our short path and the library's, agree on every stream cut at every place.

The readers, and the streams that are looked at here, are those of the fuzzer: tests/fuzz/targets/frames.py.
"""

from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from websockets.frames import Opcode

from fuzz.targets.frames import STREAMS, Listening, by_the_library, by_us, close, ping, pong, rest_for, text


@pytest.mark.parametrize("stream", STREAMS.values(), ids=STREAMS.keys())
def test_a_stream_means_the_same_wherever_it_is_cut(stream: bytes) -> None:
    expected = by_the_library(stream)
    rest = rest_for(stream)
    expected.check(by_us([stream, *rest]))
    expected.check(by_us([*(stream[i : i + 1] for i in range(len(stream))), *rest]))
    for cut in range(1, min(len(stream), 200)):
        expected.check(by_us([stream[:cut], stream[cut:], *rest]))


frames = st.one_of(
    st.binary(max_size=200).map(text),
    st.binary(max_size=200).map(lambda p: text(p, fin=False)),
    st.binary(max_size=200).map(lambda p: text(p, opcode=Opcode.CONT)),
    st.binary(max_size=200).map(lambda p: text(p, fin=False, opcode=Opcode.CONT)),
    st.binary(max_size=200).map(lambda p: text(p, opcode=Opcode.BINARY)),
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
    expected = by_the_library(stream)
    expected.check(by_us([*pieces, *rest_for(stream)]))


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
