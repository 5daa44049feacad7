"""A client that says exactly the bytes it is told to, and reads what comes back by the letter of RFC 9112.

Everything is awaited under a deadline; nothing sleeps.
"""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, NamedTuple

from hubbub.knobs import Address
from support.deadline import deadline

_LIMIT_BYTES = 32 * 1024 * 1024


class Response(NamedTuple):
    version: str
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def code(self) -> str | None:
        """The last part of the problem's type; None when it is no problem."""
        if self.headers.get("content-type") != "application/problem+json":
            return None
        return str(json.loads(self.body)["type"]).rpartition("/")[2]


class Wire:
    """One TCP connection to the server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str) -> None:
        self.reader = reader
        self.writer = writer
        self.host = host

    # -- saying ---------------------------------------------------------------

    def say(self, data: bytes) -> None:
        """Without waiting for the other side to take it."""
        self.writer.write(data)

    async def push(self, data: bytes) -> None:
        """Until the other side has taken it, or will take no more."""
        self.writer.write(data)
        with suppress(ConnectionError):
            async with deadline():
                await self.writer.drain()

    def request(
        self,
        method: str,
        path: str,
        token: str | None = None,
        body: bytes = b"",
        version: str = "1.1",
        **fields: str,
    ) -> None:
        """A well-formed request. `fields` are header fields, with underscores for hyphens."""
        lines = [f"{method} {path} HTTP/{version}", f"Host: {self.host}"]
        if token is not None:
            lines.append(f"Authorization: Bearer {token}")
        if body:
            lines.append(f"Content-Length: {len(body)}")
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
        self.say("\r\n".join([*lines, "", ""]).encode() + body)

    def end(self) -> None:
        """Half-close: nothing more will be said, but an answer may still be read."""
        self.writer.write_eof()

    def cut(self) -> None:
        """Break the connection without a word (RST)."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.writer.transport.abort()

    def stop_reading(self) -> None:
        """Leave what comes in the kernel, until `read_on`."""
        self.writer.transport.pause_reading()

    def read_on(self) -> None:
        self.writer.transport.resume_reading()

    # -- hearing --------------------------------------------------------------

    async def response(self, *, to: str = "GET") -> Response:
        """The next whole answer. Raises EOFError when the connection ends instead."""
        async with deadline():
            try:
                return await self._response(to)
            except (asyncio.IncompleteReadError, ConnectionError) as cut:
                raise EOFError("the connection ended where an answer was due") from cut

    async def _response(self, to: str) -> Response:
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.removesuffix("\r\n\r\n").split("\r\n")
        version, status, *_ = first.split(" ")
        assert version.startswith("HTTP/"), head
        headers: dict[str, str] = {}
        for line in lines:
            name, colon, value = line.partition(":")
            assert colon, head
            assert name == name.strip(), head
            headers[name.lower()] = value.strip()
        body = b""
        if to != "HEAD" and int(status) >= 200 and int(status) not in (204, 304):
            if headers.get("transfer-encoding") == "chunked":
                body = b"".join([part async for part in self.chunks()])
            else:
                body = await self.reader.readexactly(int(headers["content-length"]))
        return Response(version, int(status), headers, body)

    async def head(self) -> Response:
        """The head alone of an answer that goes on for ever."""
        return await self.response(to="HEAD")

    async def chunk(self) -> bytes:
        """The next chunk of such an answer; b"" is its end."""
        async with deadline():
            size = int((await self.reader.readuntil(b"\r\n")).strip(), 16)
            data = await self.reader.readexactly(size + 2)
            assert data.endswith(b"\r\n")
            return data[:-2]

    async def chunks(self) -> AsyncIterator[bytes]:
        while part := await self.chunk():
            yield part

    async def rest(self) -> bytes:
        """All there is until the other side closes, however it does."""
        said = b""
        async with deadline():
            with suppress(ConnectionError):
                while part := await self.reader.read(1 << 16):
                    said += part
        return said

    async def is_closed(self) -> None:
        """The other side says nothing more, and closes."""
        rest = await self.rest()
        assert rest == b"", rest[:1000]

    async def asks(self, method: str, path: str, *words: Any, **more: Any) -> Response:
        self.request(method, path, *words, **more)
        return await self.response(to=method)


@asynccontextmanager
async def wire(
    address: Address, *, source: str | None = None, receive_buffer_bytes: int | None = None
) -> AsyncIterator[Wire]:
    """`source`: another address of the loopback to come from."""
    sock = socket.socket()
    if source is not None:
        sock.bind((source, 0))
    if receive_buffer_bytes is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, (address.host, address.port))
    reader, writer = await asyncio.open_connection(sock=sock, limit=_LIMIT_BYTES)
    try:
        yield Wire(reader, writer, str(address))
    finally:
        writer.transport.abort()
