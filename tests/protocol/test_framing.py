"""The bytes of each transport, read back by other people's parsers."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from hubbub.domain.events import Event, Gap
from hubbub.domain.ids import LogId, MessageId, UserId, inbox_log, room_log
from hubbub.protocol.framing import (
    NdjsonFraming,
    SseFraming,
    SseOverManyFraming,
    WebSocketFraming,
    chunk,
    entry,
    frame_size,
    gap_entry,
    text_frame,
)

ROOM = room_log("r1")
texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1)


def message(seq: int, text: str = "hi", log: LogId = ROOM) -> Event:
    return Event(
        log=log,
        seq=seq,
        id=MessageId(f"m{seq}"),
        kind="message",
        sender=UserId("ada"),
        to=UserId("bob") if log.startswith("inbox/") else None,
        text=text,
        key=None,
        sent_at_ms=1_700_000_000_123,
    )


def frames_in(data: bytes) -> list[Frame]:
    """As a WebSocket client reads them."""
    reader = StreamReader()
    reader.feed_data(data)
    reader.feed_eof()
    frames = []
    while reader.buffer:
        parser = Frame.parse(reader.read_exact, mask=False, max_size=None)
        with pytest.raises(StopIteration) as done:
            next(parser)
        frames.append(done.value.value)
    return frames


def events_in(data: bytes) -> list[dict[str, str]]:
    """As a browser reads an event stream: HTML standard, section 9.2.6."""
    events = []
    for block in unchunked(data).decode().split("\n\n")[:-1]:
        fields: dict[str, str] = {}
        for line in block.split("\n"):
            name, _, value = line.partition(": ")
            fields[name] = value
        events.append(fields)
    return events


def unchunked(data: bytes) -> bytes:
    body = b""
    while data:
        size, _, rest = data.partition(b"\r\n")
        length = int(size, 16)
        assert rest[length : length + 2] == b"\r\n"
        body += rest[:length]
        data = rest[length + 2 :]
    return body


@given(st.lists(texts, min_size=1, max_size=5))
def test_a_websocket_client_reads_every_event_in_order(said: list[str]) -> None:
    entries = [entry(message(seq, text)) for seq, text in enumerate(said, 1)]
    frames = frames_in(WebSocketFraming().join(ROOM, entries))
    assert [frame.opcode for frame in frames] == [Opcode.TEXT] * len(said)
    assert [json.loads(frame.data)["text"] for frame in frames] == said


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, 70_000])
def test_a_frame_of_any_size_is_what_the_standard_says(size: int) -> None:
    payload = b"x" * size
    assert text_frame(payload) == Frame(Opcode.TEXT, payload).serialize(mask=False)


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536])
@pytest.mark.parametrize("masked", [False, True])
def test_the_size_of_a_frame_is_known_as_soon_as_its_head_is_there(size: int, masked: bool) -> None:
    frame = bytes(Frame(Opcode.TEXT, b"x" * size).serialize(mask=masked))
    head = len(frame) - size - (4 if masked else 0)
    assert frame_size(b"??" + frame[:head], 2) == len(frame)
    assert [frame_size(frame[:cut], 0) for cut in range(head)] == [None] * head


@given(st.lists(texts, min_size=1, max_size=5))
def test_an_event_stream_gives_each_event_its_cursor(said: list[str]) -> None:
    entries = [entry(message(seq, text)) for seq, text in enumerate(said, 1)]
    events = events_in(SseFraming("e").join(ROOM, entries))
    assert [event["id"] for event in events] == [f"e:{seq}" for seq in range(1, len(said) + 1)]
    assert [event["event"] for event in events] == ["message"] * len(said)
    assert [json.loads(event["data"])["text"] for event in events] == said


@given(st.lists(texts, min_size=1, max_size=5))
def test_each_line_is_one_event(said: list[str]) -> None:
    entries = [entry(message(seq, text)) for seq, text in enumerate(said, 1)]
    lines = unchunked(NdjsonFraming().join(ROOM, entries)).split(b"\n")
    assert lines.pop() == b""
    assert [json.loads(line)["text"] for line in lines] == said


def test_a_stream_of_many_logs_says_where_it_stands_in_all_of_them() -> None:
    inbox = inbox_log("bob")
    framing = SseOverManyFraming("e", {ROOM: 4, inbox: 9})
    first = events_in(framing.join(ROOM, [entry(message(5)), entry(message(6))]))
    then = events_in(framing.join(inbox, [entry(message(10, log=inbox))]))
    assert [event["id"] for event in first + then] == ["e:r1=5,=9", "e:r1=6,=9", "e:r1=6,=10"]


def test_a_gap_names_its_range_and_moves_the_cursor_past_it() -> None:
    gap = gap_entry(Gap(log=ROOM, first=3, last=9, reason="retention"))
    (event,) = events_in(SseFraming("e").join(ROOM, [gap]))
    assert event["id"] == "e:9"
    assert json.loads(event["data"]) == {
        "type": "gap",
        "room": "r1",
        "first": 3,
        "last": 9,
        "reason": "retention",
    }


def test_what_is_told_in_passing_is_an_event_without_a_cursor() -> None:
    mark = b'{"type":"mark","seq":1}'
    many = SseOverManyFraming("e", {ROOM: 4})
    for framing in (SseFraming("e"), many):
        assert events_in(framing.aside("mark", mark)) == [{"event": "mark", "data": mark.decode()}]
    assert many.cursor == "e:r1=4"
    assert unchunked(NdjsonFraming().aside("mark", mark)) == mark + b"\n"
    assert [frame.data for frame in frames_in(WebSocketFraming().aside("mark", mark))] == [mark]


def test_an_empty_body_is_never_a_chunk() -> None:
    assert chunk(b"x") == b"1\r\nx\r\n"  # a chunk of size 0 would end the stream
