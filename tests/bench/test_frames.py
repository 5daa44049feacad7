"""Frames as a client cuts them, however the bytes arrive."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from hubbub.bench.frames import CLOSE, EVENTS, PING, TEXT, cut, frame, payloads
from hubbub.protocol.framing import text_frame

EVENT = b'{"type":"message","room":"r","seq":1}'
REPLY = b'{"type":"posted","ref":1,"seq":1}'

lengths = st.sampled_from([0, 1, 60, 125, 126, 300, 65_535, 65_536, 70_000])


def event(size):
    return EVENT + b" " * size


def test_events_that_follow_one_another_stay_together():
    run = text_frame(EVENT) + text_frame(event(200))
    assert cut(run) == ([(EVENTS, run)], len(run))


def test_a_reply_parts_the_events_before_it_from_those_after():
    data = text_frame(EVENT) + text_frame(REPLY) + text_frame(EVENT)
    assert [kind for kind, _ in cut(data)[0]] == [EVENTS, TEXT, EVENTS]
    assert cut(data)[0][1].data == REPLY


def test_control_frames_are_told_by_what_they_are():
    assert cut(b"\x89\x00\x88\x02\x03\xf4")[0] == [(PING, b""), (CLOSE, b"\x03\xf4")]


@given(st.lists(lengths, max_size=4), st.data())
def test_wherever_the_bytes_are_parted_the_same_is_understood(sizes, data):
    whole = b"".join(text_frame(event(size)) for size in sizes) + text_frame(REPLY)
    at = data.draw(st.integers(0, len(whole)))
    understood, rest = [], b""
    for part in (whole[:at], whole[at:]):
        pieces, used = cut(rest + part)
        rest = (rest + part)[used:]
        for kind, piece in pieces:
            understood += payloads(piece) if kind is EVENTS else [piece]
    assert understood == [*(event(size) for size in sizes), REPLY]
    assert rest == b""


@given(lengths)
def test_what_a_client_sends_is_a_masked_text_frame(size):
    reader = StreamReader()
    reader.feed_data(frame(b"x" * size))
    parsing = Frame.parse(reader.read_exact, mask=True)
    with pytest.raises(StopIteration) as parsed:
        next(parsing)
    read = parsed.value.value
    assert (read.opcode, bytes(read.data)) == (Opcode.TEXT, b"x" * size)


@given(st.lists(lengths, min_size=1, max_size=4), st.integers(0, 3), st.booleans())
def test_a_run_that_is_known_is_taken_whole_behind_replies_and_means_the_same(sizes, replies, torn):
    run = b"".join(text_frame(event(size)) for size in sizes)
    data = text_frame(REPLY) * replies + run + (b"\x81" if torn else b"")
    assert cut(data, lambda rest: True if rest == run else None) == cut(data)
