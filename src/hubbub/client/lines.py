"""One connection that brings events: WebSocket, server-sent events, or a JSON object a line.

A line brings what the server sends and says where reading starts; whether that is complete and in order,
and what happens when it breaks, is the subscription's to judge.
"""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress
from typing import ClassVar, Literal, Protocol, Self

import httpx2
import msgspec

from hubbub.client.errors import (
    ConnectionLost,
    NotUnderstood,
    Problem,
    SignedOut,
    problem_of_answer,
    problem_of_frame,
)
from hubbub.client.known import known
from hubbub.client.places import Event, Log, Places
from hubbub.client.requests import Requests, lost, read
from hubbub.client.wire import Wire
from hubbub.protocol.frames import (
    Bye,
    ErrorFrame,
    GapFrame,
    MarkFrame,
    Message,
    Sent,
    StreamFrame,
    Subscribe,
    Subscribed,
    SubscriptionOffer,
)

Transport = Literal["ws", "sse", "ndjson"]

SILENCE_SECONDS = 60.0
"""A stream without a byte for this long is dead: the server sends a heartbeat every 20 s."""

_AT_ONCE = 64  # subscribe requests on their way; a server may leave more of them unread for a while
_MAX_LINE_BYTES = 1 << 20

_events: msgspec.json.Decoder[StreamFrame] = msgspec.json.Decoder(StreamFrame)
_decode_offer = msgspec.json.Decoder(SubscriptionOffer).decode


Heard = Event | MarkFrame | Bye | None


class Line(Protocol):
    """Every method raises Problem, SignedOut or ConnectionLost."""

    survives_cancel: bool
    """Whether `receive` may be cancelled without losing what comes next."""

    async def receive(self) -> Heard:
        """The next event; None when only the places were told, or what this client does not know."""
        ...

    async def close(self) -> None: ...


# -- WebSocket --------------------------------------------------------------


class WebSocketLine:
    def __init__(self, wire: Wire, places: Places) -> None:
        self.survives_cancel = True
        self._wire = wire
        self._places = places
        # Those that start at the head come first: what they bring until all are known is only what is new.
        self._to_ask = deque(sorted(places, key=lambda log: places.cursor(log) is not None))

    @classmethod
    async def open(cls, wire: Wire, places: Places) -> "WebSocketLine":
        line = cls(wire, places)
        places.in_epoch(wire.hello.epoch)
        for _ in range(min(_AT_ONCE, len(places))):
            await line._ask()
        return line

    async def receive(self) -> Heard:
        match frame := await self._wire.receive():
            case Message() | Sent() | GapFrame() | MarkFrame() | Bye():
                return frame
            case Subscribed():
                self._places.start(frame.room, frame.head, self._wire.hello.epoch)
                await self._ask()
            case ErrorFrame():
                raise problem_of_frame(frame)
            case _:
                pass
        return None

    async def close(self) -> None:
        await self._wire.close()

    async def _ask(self) -> None:
        if self._to_ask:
            log = self._to_ask.popleft()
            self.survives_cancel = False  # nobody could tell whether it was sent
            await self._wire.send(Subscribe(room=log, inbox=log is None, after=self._places.cursor(log)))
            self.survives_cancel = True


# -- HTTP -------------------------------------------------------------------


def address(places: Places) -> tuple[str, httpx2.QueryParams]:
    """The path and the query of the stream that follows exactly these logs."""
    match logs := list(places):
        case [log]:
            cursor = places.cursor(log)
            path = "/inbox/subscribe" if log is None else f"/room/{log}/subscribe"
            return path, httpx2.QueryParams({} if cursor is None else {"after": cursor})
        case _:
            return "/subscribe", httpx2.QueryParams([_named(log, places.cursor(log)) for log in logs])


def _named(log: Log, cursor: str | None) -> tuple[str, str]:
    if log is None:
        return "inbox", cursor or ""
    return "room", log if cursor is None else f"{log}@{cursor}"


async def ask_offer(request: Callable[..., Awaitable[httpx2.Response]], places: Places) -> SubscriptionOffer:
    """The 202: where these logs can be listened to, and where they stand."""
    path, query = address(places)
    answer = await request("GET", path, query=query, headers={"Accept": "application/json"})
    return read(answer, _decode_offer)


class HttpLine(ABC):
    """A response that does not end."""

    survives_cancel = False
    accept: ClassVar[str]

    def __init__(self, answer: httpx2.Response, places: Places) -> None:
        self._answer = answer
        self._places = places
        self._items = self._read()

    @classmethod
    async def open(cls, requests: Requests, places: Places) -> Self:
        path, query = address(places)
        request = requests.http.build_request(
            "GET",
            path,
            params=query,
            headers={"Accept": cls.accept, "Cache-Control": "no-store"},
            timeout=httpx2.Timeout(10.0, read=SILENCE_SECONDS),
        )
        try:
            answer = await requests.http.send(request, stream=True)
        except httpx2.RequestError as error:
            raise lost(error) from error
        try:
            if answer.status_code == 204:
                raise SignedOut(detail="The server told this stream to stop.")
            if answer.status_code != 200:
                raise problem_of_answer(answer.status_code, answer.headers, await answer.aread())
            if not answer.headers.get("content-type", "").startswith(cls.accept):
                raise Problem(status=406, code="no-stream", title="The server answered with no stream")
        except BaseException:
            await answer.aclose()
            raise
        return cls(answer, places)

    async def receive(self) -> Heard:
        try:
            return await anext(self._items)
        except StopAsyncIteration:
            raise ConnectionLost("The stream ended.") from None
        except httpx2.RequestError as error:
            raise lost(error) from error
        except ValueError as error:  # no JSON, no event, no UTF-8, or no cursor
            raise NotUnderstood(f"The server sent what is no event: {error}") from error

    async def close(self) -> None:
        await self._answer.aclose()
        with suppress(RuntimeError):  # another task reads, and hears that it was closed
            await self._items.aclose()

    @abstractmethod
    def _read(self) -> AsyncGenerator[Heard]:
        """Each thing that is told on `_answer`, as it comes."""


class EventStreamLine(HttpLine):
    accept = "text/event-stream"

    async def _read(self) -> AsyncGenerator[Heard]:
        async for item in aiter(httpx2.EventSource(self._answer, _MAX_LINE_BYTES)):
            if item.data:
                yield known(_events, item.data)
            elif item.id:
                self._places.start_at(item.id)
                yield None


class NdjsonLine(HttpLine):
    accept = "application/x-ndjson"

    @classmethod
    async def open(cls, requests: Requests, places: Places) -> Self:
        if not places.anchored:  # these lines carry no cursor, so it is asked for beforehand
            places.start_at((await ask_offer(requests.once, places)).cursor)
        return await super().open(requests, places)

    async def _read(self) -> AsyncGenerator[Heard]:
        rest = b""
        async for chunk in self._answer.aiter_bytes():
            *lines, rest = (rest + chunk).split(b"\n")
            if len(rest) > _MAX_LINE_BYTES:
                raise ConnectionLost("The server sent a line that does not end.")
            for line in lines:
                yield known(_events, line) if line.strip() else None
