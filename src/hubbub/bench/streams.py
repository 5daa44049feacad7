"""Listening over HTTP: server-sent events and lines of JSON, from the chunks of the answer.

A server writes everybody in a room the same chunk, so a chunk is the piece that is looked up whole. Where
chunks do not end with an event, as behind some proxies, what is left over is joined with what follows.
"""

from typing import ClassVar, Final

from hubbub.bench import frames
from hubbub.bench.connections import Listening, address
from hubbub.bench.frames import Piece
from hubbub.bench.seats import Seat
from hubbub.protocol.framing import chunk

_LINE_END: Final = b"\r\n"


class BadChunk(Exception):
    """An answer's body that is not what RFC 9112, section 7.1 has."""


def chunks(data: bytes) -> tuple[list[bytes], int]:
    """The bodies of the whole chunks that `data` begins with, and how many bytes these chunks are."""
    bodies: list[bytes] = []
    at = 0
    while (end := data.find(_LINE_END, at)) >= 0:
        try:
            size = int(data[at:end], 16)
        except ValueError:
            raise BadChunk(repr(data[at : end + 2])) from None
        after = end + 2 + size + 2
        if after > len(data):
            break
        bodies.append(data[end + 2 : after - 2])
        at = after
    return bodies, at


def sse_payloads(body: bytes) -> list[bytes]:
    """The data of the events in a whole number of blocks; comments and bare ids have none."""
    return [line[6:] for line in body.split(b"\n") if line.startswith(b"data: ")]


def lines(body: bytes) -> list[bytes]:
    return [line for line in body.split(b"\n") if line]


class StreamClient(Listening):
    __slots__ = ()

    accepted = b"HTTP/1.1 200 "
    accepts: ClassVar[str]
    ending: ClassVar[bytes]
    """What ends an event."""

    def head(self, seat: Seat, host: str, stands: dict[str, int]) -> bytes:
        return (
            f"GET {address(seat, stands)} HTTP/1.1\r\nHost: {host}\r\n"
            f"Authorization: Bearer {seat.token}\r\nAccept: {self.accepts}\r\n\r\n"
        ).encode()

    def opened(self) -> None:
        self.is_ready()

    def cut(self, data: bytes) -> tuple[list[Piece], bytes]:
        bodies, used = chunks(data)
        whole = b"".join(bodies)
        end = whole.rfind(self.ending) + len(self.ending)
        if end < len(self.ending):
            return [], data
        if end == len(whole) and used == len(data) and len(bodies) == 1:
            return [Piece(frames.EVENTS, data)], b""  # looked up whole the next time
        begun = chunk(whole[end:]) if end < len(whole) else b""
        return [Piece(frames.EVENTS, chunk(whole[:end]))], begun + data[used:]

    def told(self, kind: str, data: bytes) -> None:
        pass

    def post(self, number: int) -> None:
        raise NotImplementedError("a stream only listens: posts go over REST")


class SseClient(StreamClient):
    __slots__ = ()

    accepts = "text/event-stream"
    ending = b"\n\n"

    @staticmethod
    def payloads(run: bytes) -> list[bytes]:
        (body,), _ = chunks(run)
        return sse_payloads(body)


class NdjsonClient(StreamClient):
    __slots__ = ()

    accepts = "application/x-ndjson"
    ending = b"\n"

    @staticmethod
    def payloads(run: bytes) -> list[bytes]:
        (body,), _ = chunks(run)
        return lines(body)
