"""Requests over connections that stay open: one after the other on each, as HTTP/1.1 is used by everybody.

An open load does not wait, so a request that finds its connection busy stands in line, and its latency goes
on counting.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final, cast

import msgspec

from hubbub.bench.connections import Client, Refused
from hubbub.bench.ledger import Ledger
from hubbub.bench.refusals import refusal
from hubbub.bench.seats import Seat

_HEAD_END: Final = b"\r\n\r\n"
_LENGTH: Final = b"\r\ncontent-length: "

Answered = Callable[[int, bytes], None]
"""Told the status and the body; the status is 0 when the connection ended instead."""


class RestClient(asyncio.Protocol):
    """Always true: the first of `_line` was sent and not answered, the others were not sent."""

    __slots__ = ("_host", "_line", "_rest", "_seat", "ready", "transport")

    transport: asyncio.Transport

    def __init__(self, seat: Seat, host: str) -> None:
        self._seat = seat
        self._host = host
        self._line: deque[tuple[bytes, Answered]] = deque()
        self._rest = b""
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.ready.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.ready.done():
            self.ready.set_exception(Refused(f"the connection ended: {exc}"))
        line, self._line = self._line, deque()
        for _, answered in line:
            answered(0, b"")

    def leave(self) -> None:
        self.transport.abort()

    def ask(self, method: str, path: str, answered: Answered, *, key: str = "", body: str = "") -> None:
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: {self._host}\r\nAuthorization: Bearer {self._seat.token}\r\n"
        )
        if body:
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        if key:
            head += f"Idempotency-Key: {key}\r\n"
        request = f"{head}\r\n{body}".encode()
        self._line.append((request, answered))
        if len(self._line) == 1:
            self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._rest += data
        while (end := self._rest.find(_HEAD_END)) >= 0:
            head = self._rest[: end + 2]
            begin = head.lower().find(_LENGTH)
            length = 0
            if begin >= 0:
                begin += len(_LENGTH)
                length = int(head[begin : head.index(b"\r\n", begin)])
            after = end + 4 + length
            if len(self._rest) < after:
                return
            body, self._rest = self._rest[end + 4 : after], self._rest[after:]
            _, answered = self._line.popleft()
            if self._line:
                self.transport.write(self._line[0][0])
            answered(int(head[9:12]), body)


class _Stored(msgspec.Struct, gc=False):
    seq: int


_stored = msgspec.json.Decoder(_Stored).decode


class RestPoster(RestClient):
    """One that posts what stands in the ledger, and notes the answers there."""

    __slots__ = ("_client", "_ledger")

    def __init__(self, ledger: Ledger, client: Client, host: str) -> None:
        super().__init__(client.seat, host)
        self._client = client
        self._ledger = ledger

    def connection_lost(self, exc: Exception | None) -> None:
        if self._client.connection is self:
            self._client.connection = None
        super().connection_lost(exc)

    def post(self, number: int) -> None:
        ledger = self._ledger

        def answered(status: int, body: bytes) -> None:
            if status == 201:
                ledger.answered(number, _stored(body).seq)
            elif status:
                ledger.refuse(number, refusal(status, body))

        kind, _, name = ledger.logs[number].rpartition("/")
        path = f"/user/{name}/messages" if kind else f"/room/{name}/messages"
        self.ask("POST", path, answered, key=ledger.key(number), body=f'{{"text":"{ledger.text(number)}"}}')
