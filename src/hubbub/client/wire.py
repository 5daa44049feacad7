"""One WebSocket: requests out, frames in, and closes told in the client's own errors."""

import asyncio
import ssl

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.typing import Subprotocol

from hubbub.client.errors import (
    ClientError,
    ConnectionLost,
    NotUnderstood,
    Problem,
    SignedOut,
    problem_of_answer,
)
from hubbub.client.known import known
from hubbub.protocol.frames import SUBPROTOCOL, Hello, Request, ServerFrame, encode

_MAX_FRAME_BYTES = 1 << 20  # a text of 16,384 bytes is at most six times that as JSON
_CLOSE_SECONDS = 2.0  # a reader that is far behind need not wait for all that is on its way

_decoder: msgspec.json.Decoder[ServerFrame] = msgspec.json.Decoder(ServerFrame)


class Wire:
    """An open connection, after the server's `hello`."""

    __slots__ = ("_connection", "hello")

    def __init__(self, connection: ClientConnection, hello: Hello) -> None:
        self._connection = connection
        self.hello = hello

    @classmethod
    async def open(cls, url: str, token: str | None, *, tls: ssl.SSLContext | None = None) -> "Wire":
        """Connect to `url` (ws: or wss:). Raises Problem, SignedOut or ConnectionLost."""
        try:
            connection = await connect(
                url,
                subprotocols=[Subprotocol(SUBPROTOCOL)],
                additional_headers={"Authorization": f"Bearer {token}"} if token else {},
                compression=None,
                max_size=_MAX_FRAME_BYTES,
                close_timeout=_CLOSE_SECONDS,
                ssl=(tls or True) if url.startswith("wss:") else None,
            )
        except InvalidStatus as refused:
            answer = refused.response
            headers = {name.lower(): value for name, value in answer.headers.raw_items()}
            raise problem_of_answer(answer.status_code, headers, bytes(answer.body or b"")) from None
        except (OSError, TimeoutError, WebSocketException) as error:
            raise ConnectionLost(f"No WebSocket to {url.partition('?')[0]}: {error}") from error
        try:
            hello = _frame(await _received(connection))
            if not isinstance(hello, Hello):
                raise NotUnderstood(f"The server began with {type(hello).__name__}, not with hello.")
        except BaseException:
            await connection.close()
            raise
        return cls(connection, hello)

    async def send(self, request: Request) -> None:
        """Raises ConnectionLost or SignedOut."""
        try:
            await self._connection.send(encode(request), text=True)
        except ConnectionClosed as closed:
            raise _why(closed) from None

    async def receive(self) -> ServerFrame | None:
        """The next frame; may be cancelled without loss. Raises ConnectionLost, SignedOut or Problem."""
        return _frame(await _received(self._connection))

    async def close(self) -> None:
        await self._connection.close()

    def abort(self) -> None:
        """End it without a word, as a broken network would."""
        self._connection.transport.abort()


async def _received(connection: ClientConnection) -> bytes:
    try:
        return await connection.recv(decode=False)
    except ConnectionClosed as closed:
        raise _why(closed) from None
    except asyncio.IncompleteReadError as error:
        raise ConnectionLost("The connection broke.") from error


def _frame(text: bytes) -> ServerFrame | None:
    try:
        return known(_decoder, text)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise NotUnderstood(f"The server sent what is no frame: {error}") from error


def _why(closed: ConnectionClosed) -> ClientError:
    """What a close means to whoever was using the connection."""
    code = closed.rcvd.code if closed.rcvd else None
    reason = closed.rcvd.reason if closed.rcvd else ""
    match code:
        case 4401:
            return SignedOut(reason if reason in ("expired", "disabled") else "signed-out")
        case 4400 | 1009:
            return Problem(
                status=400, code="bad-input", title="The server did not understand a frame", detail=reason
            )
        case None:
            return ConnectionLost("The connection broke.")
        case _:
            return ConnectionLost(f"The server closed: {code} {reason}".rstrip(), close_code=code)
