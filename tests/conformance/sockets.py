"""A WebSocket client that sends the frames it is told to, lawful or not, and reads by RFC 6455, section 5."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from websockets.frames import Close, Frame, Opcode

from conformance.wire import Response, Wire, wire
from hubbub.knobs import Address
from support.deadline import deadline

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="  # RFC 6455, section 1.3
UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec_WebSocket_Key": KEY,
    "Sec_WebSocket_Version": "13",
}


class Heard(NamedTuple):
    fin: bool
    reserved: int
    opcode: int
    payload: bytes


def frame(
    payload: bytes | str = b"", opcode: Opcode = Opcode.TEXT, *, fin: bool = True, mask: bool = True
) -> bytes:
    data = payload.encode() if isinstance(payload, str) else payload
    return bytes(Frame(opcode, data, fin=fin).serialize(mask=mask))


def said(**members: Any) -> bytes:
    """One request of the protocol, as a frame."""
    return frame(json.dumps(members))


def closing(code: int | None = 1000, reason: str = "") -> bytes:
    return frame(b"" if code is None else Close(code, reason).serialize(), Opcode.CLOSE)


class Talk:
    """An open WebSocket."""

    def __init__(self, wire: Wire, opening: Response) -> None:
        self.wire = wire
        self.opening = opening
        self.hello: dict[str, Any] = {}

    def say(self, *frames: bytes) -> None:
        """All in one packet, as far as the network allows."""
        self.wire.say(b"".join(frames))

    async def frame(self) -> Heard:
        """Raises EOFError."""
        async with deadline():
            try:
                first, second = await self.wire.reader.readexactly(2)
                assert not second & 0x80, "a server never masks (RFC 6455, section 5.1)"
                size = second & 0x7F
                if size > 125:
                    wide = 2 if size == 126 else 8
                    size = int.from_bytes(await self.wire.reader.readexactly(wide))
                    assert size > (125 if wide == 2 else 0xFFFF), "a length in no more bytes than it needs"
                payload = await self.wire.reader.readexactly(size)
            except (asyncio.IncompleteReadError, ConnectionError) as cut:
                raise EOFError("the connection ended where a frame was due") from cut
        return Heard(bool(first & 0x80), first & 0x70, first & 0x0F, payload)

    async def json(self) -> dict[str, Any]:
        """The next text, which has to be a whole one. The server's pings are passed over."""
        while (heard := await self.frame()).opcode == Opcode.PING:
            pass
        assert heard[:3] == (True, 0, Opcode.TEXT), heard
        object: dict[str, Any] = json.loads(heard.payload)
        return object

    async def asks(self, **members: Any) -> dict[str, Any]:
        self.say(said(**members))
        return await self.json()

    async def closes(self) -> tuple[int, str]:
        """The code and reason of the close frame, which has to come next, and then the end."""
        heard = await self.frame()
        assert heard.opcode == Opcode.CLOSE, heard
        close = Close.parse(heard.payload)
        self.say(closing(close.code if close.code != 1005 else None))
        await self.wire.is_closed()
        return int(close.code), close.reason


@asynccontextmanager
async def talk(
    address: Address,
    token: str | None,
    path: str = "/ws",
    *,
    receive_buffer_bytes: int | None = None,
    **fields: str,
) -> AsyncIterator[Talk]:
    """Opened, and its `hello` heard."""
    async with wire(address, receive_buffer_bytes=receive_buffer_bytes) as way:
        opening = await way.asks("GET", path, token, **(UPGRADE | fields))
        assert opening.status == 101, opening
        assert opening.headers["sec-websocket-accept"] == ACCEPT
        opened = Talk(way, opening)
        opened.hello = await opened.json()
        assert opened.hello["type"] == "hello"
        yield opened
