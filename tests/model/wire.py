"""Clients that show everything: each answer whole, each frame in its order, what ended a stream and how.

None of the product's own code is in here, so that a mistake there is not made twice. Nothing sleeps;
everything is awaited under a deadline.
"""

import asyncio
import json
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, NamedTuple

from support.deadline import deadline

Frame = dict[str, Any]


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body) if self.body else None


class Line(asyncio.Protocol):
    """One connection: what came and was not read yet, and a way to wait for more."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport
        self.held = b""
        self.over = False
        self._waiting: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self.held += data
        self.read()
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        self.over = True
        self._wake()

    def read(self) -> None:
        """Take what is whole from `held`."""

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    async def until(self, holds: Callable[[], bool], what: str) -> None:
        """Raises AssertionError when the connection ends first."""
        try:
            async with deadline():
                while not holds():
                    assert not self.over, f"the connection ended before {what}"
                    self._waiting = asyncio.get_running_loop().create_future()
                    await self._waiting
        except TimeoutError:
            raise AssertionError(f"waited in vain for {what}") from None

    async def answer(self, method: str) -> Answer:
        """The next answer on this connection; of a stream only its head."""
        await self.until(lambda: b"\r\n\r\n" in self.held, "the head of an answer")
        head, _, self.held = self.held.partition(b"\r\n\r\n")
        first, *fields = head.decode("latin-1").split("\r\n")
        status = int(first.split(" ")[1])
        headers = {name.lower(): value.strip() for name, _, value in (each.partition(":") for each in fields)}
        size = int(headers.get("content-length", "0"))
        if method == "HEAD" or "transfer-encoding" in headers or status in (101, 204, 304):
            size = 0
        await self.until(lambda: len(self.held) >= size, "the body of an answer")
        body, self.held = self.held[:size], self.held[size:]
        return Answer(status, headers, body)

    def request(
        self,
        method: str,
        target: str,
        host: str,
        token: str | None,
        body: bytes | None,
        fields: dict[str, str],
    ) -> None:
        lines = [f"{method} {target} HTTP/1.1", f"Host: {host}"]
        if token is not None:
            lines.append(f"Authorization: Bearer {token}")
        if body is not None:
            lines.append(f"Content-Length: {len(body)}")
        lines += [f"{name}: {value}" for name, value in fields.items()]
        self.transport.write("\r\n".join([*lines, "", ""]).encode() + (body or b""))


class Stream(Line):
    """Something live. `frames` is all that came, in order; after a `bye` nothing may."""

    def __init__(self) -> None:
        super().__init__()
        self.opened = False
        self.frames: list[Frame] = []
        self.last_id: str | None = None
        """Of server-sent events: what a browser would come back with."""
        self.opening_id: str | None = None
        self.ids: list[str] = []
        """Of server-sent events with data, one an event."""
        self.close_code: int | None = None
        self.ended_whole = False
        """Whether it was brought to an end as its transport has it, and not cut."""

    def begin(self) -> None:
        self.opened = True
        self.read()

    def take(self, text: bytes) -> None:
        self.frames.append(json.loads(text))


class Chunked(Stream, ABC):
    """Server-sent events or lines of JSON, in chunks."""

    def __init__(self) -> None:
        super().__init__()
        self._text = b""

    def read(self) -> None:
        if not self.opened:
            return
        while b"\r\n" in self.held:
            size_text, _, rest = self.held.partition(b"\r\n")
            size = int(size_text, 16)
            if len(rest) < size + 2:
                break
            assert rest[size : size + 2] == b"\r\n", "a chunk has another size than it says"
            self._text += rest[:size]
            self.held = rest[size + 2 :]
            if size == 0:
                self.ended_whole = True
        self.split()

    @abstractmethod
    def split(self) -> None:
        """Take apart what has come of the text."""


class EventStream(Chunked):
    accept = "text/event-stream"

    def split(self) -> None:
        *blocks, self._text = self._text.split(b"\n\n")
        for block in blocks:
            fields = dict(line.split(b": ", 1) for line in block.split(b"\n") if not line.startswith(b":"))
            if b"id" in fields:
                self.last_id = fields[b"id"].decode()
                self.opening_id = self.opening_id or self.last_id
            if b"data" in fields:
                self.take(fields[b"data"])
                assert fields[b"event"].decode() == self.frames[-1]["type"], block
                self.ids.append(self.last_id or "")


class Lines(Chunked):
    accept = "application/x-ndjson"

    def split(self) -> None:
        *lines, self._text = self._text.split(b"\n")
        for line in filter(None, lines):
            self.take(line)


class Socket(Stream):
    """A WebSocket. Its mask is all zeros, which is as good as any (RFC 6455, section 5.3)."""

    def say(self, frame: Frame) -> None:
        payload = json.dumps(frame).encode()
        size = len(payload)
        head = bytes((0x81, 0x80 | size)) if size < 126 else b"\x81\xfe" + size.to_bytes(2, "big")
        if size >= 1 << 16:
            head = b"\x81\xff" + size.to_bytes(8, "big")
        self.transport.write(head + bytes(4) + payload)

    async def ask(self, frame: Frame) -> Frame:
        """Say it and wait for the reply with its `ref`."""
        self.say(frame)
        found: list[Frame] = []

        def replied() -> bool:
            found.extend(each for each in self.frames if each.get("ref") == frame["ref"])
            return bool(found)

        await self.until(replied, f"the reply to {frame}")
        return found[0]

    def read(self) -> None:
        while self.opened and len(self.held) >= 2:
            opcode, size, at = self.held[0], self.held[1], 2
            if size > 125:
                wide = 2 if size == 126 else 8
                size, at = int.from_bytes(self.held[2 : 2 + wide], "big"), 2 + wide
            if len(self.held) < at + size:
                return
            payload, self.held = self.held[at : at + size], self.held[at + size :]
            if opcode == 0x81:
                self.take(payload)
            elif opcode == 0x89:
                self.transport.write(bytes((0x8A, 0x80 | size)) + bytes(4) + payload)
            elif opcode == 0x88:
                self.close_code = int.from_bytes(payload[:2], "big")
                self.ended_whole = True
                self.transport.write(bytes((0x88, 0x80 | size)) + bytes(4) + payload)
            else:
                raise AssertionError(f"a frame of an unexpected kind: {opcode:#x}")
