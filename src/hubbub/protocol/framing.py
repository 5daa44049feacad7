"""One event's JSON in the bytes of each transport.

An event is encoded once, as an `Entry`. A framing joins any run of entries into one `bytes`, and everyone
who reads that log by that framing is written the same object.

The WebSocket framing is of RFC 6455 section 5.2, server to client: unmasked text frames. Event streams are
of the HTML standard section 9.2. Both stream framings come as chunks of RFC 9112 section 7.1, because
they are written to the connection itself, below the HTTP library.
"""

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

import msgspec

from hubbub.domain.events import Event, Gap
from hubbub.domain.ids import LogId
from hubbub.protocol.cursor import format_cursor, format_place
from hubbub.protocol.frames import encode, event_frame, gap_frame


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One event as every transport sends it."""

    seq: int
    """Where a reader stands after it: for a gap, its last seq."""
    kind: str
    json: bytes


def entry(event: Event) -> Entry:
    return Entry(event.seq, event.kind, encode(event_frame(event)))


def gap_entry(gap: Gap) -> Entry:
    return Entry(gap.last, "gap", encode(gap_frame(gap)))


class Framing(Protocol):
    """How the readers of one kind are written to. Compared by identity."""

    overhead: int
    """About how many bytes an event takes beside its JSON, where that is worth counting; else 0."""

    def join(self, log: LogId, entries: Sequence[Entry]) -> bytes:
        """The bytes of `entries`, which are about to be written: never empty."""
        ...

    def aside(self, kind: str, json: bytes) -> bytes:
        """The bytes of something that is no entry of any log: it moves no cursor."""
        ...


# -- WebSocket --------------------------------------------------------------

_SHORT: Final = tuple(bytes((0x81, size)) for size in range(126))


def text_frame(payload: bytes) -> bytes:
    """`payload`, which is UTF-8, as one whole text frame."""
    size = len(payload)
    if size < 126:
        return _SHORT[size] + payload
    if size < 1 << 16:
        return b"\x81\x7e" + size.to_bytes(2) + payload
    return b"\x81\x7f" + size.to_bytes(8) + payload


def frame_size(data: bytes, at: int) -> int | None:
    """The size of the frame that begins at `at`, head and payload; None when its head is not all there."""
    if len(data) < at + 2:
        return None
    masked = 4 if data[at + 1] & 0x80 else 0
    size = data[at + 1] & 0x7F
    if size < 126:
        return 2 + masked + size
    wide = 2 if size == 126 else 8
    if len(data) < at + 2 + wide:
        return None
    return 2 + wide + masked + int.from_bytes(data[at + 2 : at + 2 + wide])


class WebSocketFraming:
    overhead = 0

    def aside(self, kind: str, json: bytes) -> bytes:
        return text_frame(json)

    def join(self, log: LogId, entries: Sequence[Entry]) -> bytes:
        if len(entries) == 1:
            return text_frame(entries[0].json)
        return b"".join([text_frame(entry.json) for entry in entries])


# -- event streams and lines ------------------------------------------------


def chunk(body: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(body), body)


def sse_event(cursor: str, kind: str, json: bytes) -> bytes:
    return b"id: %b\nevent: %b\ndata: %b\n\n" % (cursor.encode(), kind.encode(), json)


SSE_HEARTBEAT: Final = chunk(b": still here\n\n")
NDJSON_HEARTBEAT: Final = chunk(b"\n")


def sse_opening(cursor: str, retry_ms: int) -> bytes:
    """What a stream begins with: how long to wait before coming back, and the cursor to come back with."""
    return chunk(b"retry: %d\nid: %b\n\n" % (retry_ms, cursor.encode()))


def sse_aside(kind: str, json: bytes) -> bytes:
    """An event without an id: a reader that comes back does so with the last cursor before it."""
    return chunk(b"event: %b\ndata: %b\n\n" % (kind.encode(), json))


def sse_bye(json: bytes) -> bytes:
    return sse_aside("bye", json)


def ndjson_line(json: bytes) -> bytes:
    return chunk(json + b"\n")


class SseFraming:
    """For streams of one log: the id is the cursor in it."""

    overhead = 0

    def __init__(self, epoch: str) -> None:
        self._epoch = epoch

    def aside(self, kind: str, json: bytes) -> bytes:
        return sse_aside(kind, json)

    def join(self, log: LogId, entries: Sequence[Entry]) -> bytes:
        epoch = self._epoch
        return chunk(b"".join([sse_event(format_cursor(epoch, e.seq), e.kind, e.json) for e in entries]))


class SseOverManyFraming:
    """For one stream of many logs: the id is a cursor over all of them, so no two streams share bytes.

    Always true: `cursor` is where the client will stand when it has read what was joined so far.
    """

    def __init__(self, epoch: str, positions: Mapping[LogId, int]) -> None:
        self._epoch = epoch
        # Each part as it is said: to say all of a thousand anew for each event took half a millisecond.
        self._places = {log: format_place(log, seq) for log, seq in positions.items()}
        self.overhead = len(self.cursor)  # twenty kilobytes for a thousand rooms

    @property
    def cursor(self) -> str:
        return f"{self._epoch}:{','.join(self._places.values())}"

    def aside(self, kind: str, json: bytes) -> bytes:
        return sse_aside(kind, json)

    def join(self, log: LogId, entries: Sequence[Entry]) -> bytes:
        events = []
        for e in entries:
            self._places[log] = format_place(log, e.seq)
            events.append(sse_event(self.cursor, e.kind, e.json))
        return chunk(b"".join(events))


class NdjsonFraming:
    overhead = 0

    def aside(self, kind: str, json: bytes) -> bytes:
        return ndjson_line(json)

    def join(self, log: LogId, entries: Sequence[Entry]) -> bytes:
        return chunk(b"\n".join([*(e.json for e in entries), b""]))
