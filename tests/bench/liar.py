"""A server made of a few lines, which can be told to break a promise: in the bytes it writes.

It knows as much of HTTP and of WebSocket as the load generator needs, stores in memory, and acknowledges at
once.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec.structs import replace

from hubbub.domain.ids import room_log
from hubbub.protocol.frames import Message, decode_request, encode
from hubbub.protocol.framing import (
    Entry,
    NdjsonFraming,
    SseFraming,
    WebSocketFraming,
    frame_size,
    sse_opening,
    text_frame,
)

EPOCH = "e"
WS, SSE, NDJSON = WebSocketFraming(), SseFraming(EPOCH), NdjsonFraming()


@dataclass(frozen=True, kw_only=True)
class Lie:
    """What is not done as promised; by default everything is."""

    stores: Callable[[Message], Sequence[Message]] = lambda message: [message]
    """What of a post is put in the logs, each under the next number of its room."""
    acknowledges: Callable[[int], int | None] = lambda seq: seq
    """The number the author is told; None to turn the post away."""
    tells: Callable[[int, Message], Sequence[Message]] = lambda reader, message: [message]
    """What reader number so is told in place of a stored event."""
    shows: Callable[[Sequence[Message]], Sequence[Message]] = lambda messages: messages
    """What of a room somebody is shown who reads it later."""
    repeats: Callable[[int], int] = lambda seq: seq
    """The number that is told to whoever posts again under a key."""


def answer(writer: asyncio.StreamWriter, body: bytes, status: str = "200 OK") -> None:
    writer.write(f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body)


class Reader:
    def __init__(self, number, framing, writer):
        self.number = number
        self.framing = framing
        self.writer = writer


class Liar:
    def __init__(self, lie: Lie) -> None:
        self._lie = lie
        self.heads: dict[str, int] = {}
        self.stored: dict[str, list[Message]] = {}
        self._readers: dict[str, list[Reader]] = {}
        self._count = 0
        self._serving: dict[asyncio.Task[None] | None, asyncio.StreamWriter] = {}
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._serving[asyncio.current_task()] = writer
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                path = head.split()[1]
                room = path.split("/")[2] if path.startswith("/room/") else ""
                if "upgrade: websocket" in head:
                    return await self._converse(reader, writer, room)
                if "/subscribe" in path:
                    writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
                    framing = SSE if "event-stream" in head else NDJSON
                    if framing is SSE:
                        writer.write(sse_opening(f"{EPOCH}:0", 1000))
                    self._listens(room, framing, writer)
                elif path.startswith("/health"):
                    answer(writer, b"{}")
                elif head.startswith("post "):
                    await self._posted_over_rest(reader, writer, head, room)
                elif "after=" in path:
                    after = int(path.partition("after=")[2].partition("&")[0])
                    limit = int(path.partition("limit=")[2].partition("&")[0])
                    shown = [each for each in self._lie.shows(self.stored.get(room, ())) if each.seq > after]
                    answer(writer, encode(shown[:limit]))
                else:
                    etag = f'etag: "{EPOCH}:{self.heads.get(room, 0)}"\r\n'
                    writer.write(f"HTTP/1.1 200 OK\r\n{etag}content-length: 2\r\n\r\n[]".encode())
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _posted_over_rest(self, reader, writer, head: str, room: str) -> None:
        body = await reader.readexactly(int(head.partition("content-length:")[2].split()[0]))
        key = head.partition("idempotency-key:")[2].split()[0]
        was = next((each for each in self.stored.get(room, ()) if (each.key or "").lower() == key), None)
        if was is not None:
            answer(writer, encode(replace(was, seq=self._lie.repeats(was.seq))), "201 Created")
            return
        text = msgspec.json.decode(body)["text"]
        new = Message(id="m", room=room, seq=0, sender="ada", text=text, sent_at="", key=key)
        self._store(new)
        answer(writer, encode(self.stored[room][-1]), "201 Created")

    async def end(self) -> None:
        for writer in self._serving.values():
            writer.transport.abort()
        await asyncio.wait([task for task in self._serving if task])

    def _listens(self, room: str, framing: Any, writer: asyncio.StreamWriter) -> None:
        self._readers.setdefault(room, []).append(Reader(self._count, framing, writer))
        self._count += 1

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, room: str) -> None:
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\n\r\n" + text_frame(b'{"type":"hello"}'))
        if room:
            writer.write(text_frame(b'{"type":"subscribed"}'))
            self._listens(room, WS, writer)
        held = b""
        while data := await reader.read(1 << 16):
            held += data
            while (size := frame_size(held, 0)) is not None and size <= len(held):
                frame, held = held[:size], held[size:]
                start = 6 if frame[1] & 0x7F < 126 else 8
                self._posted(decode_request(frame[start:]), writer)  # the generator's mask is zero

    def _posted(self, post: Any, author: asyncio.StreamWriter) -> None:
        message = Message(
            id="m", room=post.room, seq=0, sender="ada", text=post.text, sent_at="", key=post.key
        )
        seq = self.heads.get(post.room, 0) + 1
        told = self._lie.acknowledges(seq)
        if told is None:
            answer = {"type": "error", "ref": post.ref, "status": 503, "problem": "/problems/overloaded"}
        else:
            answer = {"type": "posted", "ref": post.ref, "seq": told}
        author.write(text_frame(encode(answer)))
        for stored in self._lie.stores(message):
            self._store(stored)

    def _store(self, message: Message) -> None:
        seq = self.heads[message.room] = self.heads.get(message.room, 0) + 1
        self.stored.setdefault(message.room, []).append(replace(message, seq=seq))
        self._tell(replace(message, seq=seq))

    def _tell(self, message: Message) -> None:
        for reader in self._readers.get(message.room, ()):
            for told in self._lie.tells(reader.number, message):
                entry = Entry(told.seq, "message", encode(told))
                reader.writer.write(reader.framing.join(room_log(told.room), [entry]))


@asynccontextmanager
async def lying(lie: Lie) -> AsyncIterator[Liar]:
    liar = Liar(lie)
    server = await asyncio.start_server(liar.serve, "127.0.0.1", 0)
    liar.port = server.sockets[0].getsockname()[1]
    try:
        yield liar
    finally:
        server.close()
        await liar.end()
