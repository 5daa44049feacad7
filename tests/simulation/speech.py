"""What the simulated clients speak: bytes out, values in. No connection, no time."""

from collections.abc import Iterator
from typing import Any

import httptools
import msgspec

from hubbub.protocol.frames import LogFrame

decode_log_frame = msgspec.json.Decoder(LogFrame).decode
decode_page = msgspec.json.Decoder(list[LogFrame]).decode

LOG_FRAMES = ("message", "sent", "gap")


class Garbled(Exception):
    """The server said something that makes no sense."""


def request(method: str, path: str, *fields: tuple[str, str], body: bytes | None = None) -> bytes:
    lines = [
        f"{method} {path} HTTP/1.1",
        "Host: chat.example",
        *(f"{name}: {value}" for name, value in fields),
    ]
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + (body or b"")


def upgrade(path: str, token: str) -> bytes:
    return request(
        "GET",
        path,
        ("Authorization", f"Bearer {token}"),
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    )


class Answers:
    """The answers on one HTTP connection, in their order. Whoever uses it overrides the three below."""

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self.fields: dict[str, str] = {}
        self.status = 0

    def feed(self, data: bytes) -> bytes:
        """Take `data` in; what came behind a 101 is given back."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgraded:
            return data[upgraded.args[0] :]
        except httptools.HttpParserError as error:
            raise Garbled(f"{error!r} in {data[:80]!r}") from error
        return b""

    def on_message_begin(self) -> None:
        self.fields = {}

    def on_header(self, name: bytes, value: bytes) -> None:
        self.fields[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self.status = self._parser.get_status_code()
        self.head(self.status)

    def on_body(self, data: bytes) -> None:
        self.body(bytes(data))

    def on_message_complete(self) -> None:
        self.end()

    def head(self, status: int) -> None: ...
    def body(self, data: bytes) -> None: ...
    def end(self) -> None: ...


class Lines:
    """A body as it comes, cut at `end`."""

    def __init__(self, end: bytes) -> None:
        self._end = end
        self._held = b""

    def feed(self, data: bytes) -> Iterator[bytes]:
        self._held += data
        while self._end in self._held:
            line, _, self._held = self._held.partition(self._end)
            yield line


def sse_fields(block: bytes) -> dict[str, str]:
    """One event of an event stream. A comment is an event without fields."""
    fields = {}
    for line in block.decode().split("\n"):
        name, _, value = line.partition(":")
        if name:
            fields[name] = value.removeprefix(" ")
    return fields


# -- WebSocket --------------------------------------------------------------


def frame(opcode: int, payload: bytes, mask: bytes, *, fin: bool = True) -> bytes:
    """From a client: masked."""
    size = len(payload)
    head = bytes((opcode | (0x80 if fin else 0),))
    if size < 126:
        head += bytes((0x80 | size,))
    elif size < 1 << 16:
        head += bytes((0x80 | 126,)) + size.to_bytes(2)
    else:
        head += bytes((0x80 | 127,)) + size.to_bytes(8)
    stream = (mask * (size // 4 + 1))[:size]
    masked = (int.from_bytes(payload) ^ int.from_bytes(stream)).to_bytes(size)
    return head + mask + masked


class Frames:
    """What a server sends, frame by frame."""

    def __init__(self) -> None:
        self._held = b""

    @property
    def amid(self) -> bool:
        return bool(self._held)

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        self._held += data
        while len(self._held) >= 2:
            first, size, at = self._held[0], self._held[1], 2
            if size & 0x80 or not first & 0x80 or first & 0x70:
                raise Garbled(f"a server's frame begins {self._held[:2]!r}")
            if size > 125:
                wide = 2 if size == 126 else 8
                at, size = 2 + wide, int.from_bytes(self._held[2 : 2 + wide])
                if len(self._held) < at:
                    return
            if len(self._held) < at + size:
                return
            payload, self._held = self._held[at : at + size], self._held[at + size :]
            yield first & 0x0F, payload


def as_json(value: dict[str, Any]) -> bytes:
    return msgspec.json.encode({name: each for name, each in value.items() if each is not None})
