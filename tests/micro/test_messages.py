"""A message on its way in and out: read from frames, decoded, encoded, put in the bytes of each transport."""

import pytest

from hubbub.api.framed import FramedConnection
from hubbub.bench.frames import frame
from hubbub.protocol.dialogue import Dialogue
from hubbub.protocol.framing import NdjsonFraming, SseFraming, WebSocketFraming, entry
from micro.events import ROOM, TEXT, event
from performance.crowd import Transport

POST = f'{{"type":"post","ref":7,"room":"lounge","text":"{TEXT}","key":"a1b2c3d4.0.7"}}'.encode()
FRAMINGS = {"ws": WebSocketFraming(), "sse": SseFraming("epoch"), "ndjson": NdjsonFraming()}


class Reading(FramedConnection):
    """Counts the texts it is told."""

    __slots__ = ("texts",)
    max_frame_bytes = 65_536

    def __init__(self):
        super().__init__()
        self.texts = 0
        self.connection_made(Transport())

    def take_text(self, text):
        self.texts += 1

    def is_full(self):
        return False

    def leave(self):
        pass


@pytest.mark.parametrize("count", [1, 10, 100])
def test_read_frames(benchmark, count):
    connection, data = Reading(), frame(POST) * count
    benchmark(connection.data_received, data)
    assert connection.texts % count == 0


def test_decode_a_post(benchmark):
    ask = benchmark(lambda: Dialogue().receive(POST))
    assert ask.request.text == TEXT


def test_encode_an_event(benchmark):
    assert benchmark(entry, event(1)).seq == 1


@pytest.mark.parametrize("count", [1, 10, 100])
@pytest.mark.parametrize("framing", FRAMINGS)
def test_join_events(benchmark, framing, count):
    entries = [entry(event(seq)) for seq in range(1, count + 1)]
    joined = benchmark(FRAMINGS[framing].join, ROOM, entries)
    assert joined.count(b'"type":"message"') == count
