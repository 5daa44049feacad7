"""A server that gives back every message: hubbub's reading and writing of frames, with no talk on top.

What a frame is, who reads it, what is answered and how it ends is all `FramedConnection`'s. Only the
handshake and the echo are here, and binary messages, which hubbub itself refuses: they come as texts do.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from websockets.frames import Frame, Opcode
from websockets.server import ServerProtocol

from hubbub.api.framed import FramedConnection
from hubbub.api.outbox import Outbox
from hubbub.api.settings import Settings
from hubbub.knobs import Address
from hubbub.protocol.dialogue import NOT_UTF8
from hubbub.protocol.framing import text_frame

PRODUCT_LIMIT_BYTES = Settings().max_frame_bytes
SUITE_LIMIT_BYTES = 16 * 1024 * 1024
"""The largest message of the suite."""

_FIRST_OF_BINARY = b"\x82"


class Echo(FramedConnection):
    """Always true: until `_handshake` is None, no frame is read."""

    __slots__ = ("_binary", "_handshake", "received_bytes")

    def __init__(self) -> None:
        super().__init__()
        self._binary = False
        self._handshake: ServerProtocol | None = ServerProtocol()
        self.received_bytes = 0

    def data_received(self, data: bytes) -> None:
        self.received_bytes += len(data)
        if self._handshake is None:
            super().data_received(data)
            return
        handshake = self._handshake
        handshake.receive_data(data)
        for request in handshake.events_received():
            handshake.send_response(handshake.accept(request))
            self._handshake = None
            self._send_library(handshake)

    def _take_frame(self, frame: Any) -> None:
        if frame.opcode is Opcode.BINARY:
            self._binary = True
            frame = Frame(Opcode.TEXT, frame.data, frame.fin)
        super()._take_frame(frame)

    def take_text(self, text: bytes) -> None:
        if not self.is_open:
            return
        if self._binary:
            self._binary = False
            self.write(_FIRST_OF_BINARY + text_frame(text)[1:])
            return
        try:
            str(text, "utf-8")
        except UnicodeDecodeError:
            self.close(NOT_UTF8, "a text message is UTF-8")
        else:
            self.say(text)

    def is_full(self) -> bool:
        return self.paused

    def leave(self) -> None:
        pass


class Echoing:
    """A listening echo: where it is, and who is connected."""

    def __init__(self, max_frame_bytes: int) -> None:
        self.address = Address("127.0.0.1", 0)
        self.connections: list[Echo] = []
        members = {
            "max_frame_bytes": max_frame_bytes,
            "outbox": Outbox(asyncio.get_running_loop().call_soon),
            "__slots__": (),
        }
        self._kind: type[Echo] = type("BoundEcho", (Echo,), members)

    def connect(self) -> Echo:
        connection = self._kind()
        self.connections.append(connection)
        return connection


@asynccontextmanager
async def echoing(max_frame_bytes: int = SUITE_LIMIT_BYTES) -> AsyncIterator[Echoing]:
    echoing = Echoing(max_frame_bytes)
    server = await asyncio.get_running_loop().create_server(echoing.connect, "127.0.0.1", 0)
    try:
        echoing.address = Address("127.0.0.1", server.sockets[0].getsockname()[1])
        yield echoing
    finally:
        server.close()
        for connection in echoing.connections:
            connection.transport.abort()
