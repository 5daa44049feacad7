"""One WebSocket at a lower level: post, subscribe, every event as it comes. For tests and load generators.

It neither reconnects nor checks the order: `Client.subscribe` does.
"""

import asyncio
import contextlib
import ssl
from typing import Any

from hubbub.client.errors import ClientError, ConnectionLost, problem_of_frame
from hubbub.client.places import Event, Log
from hubbub.client.wire import Wire
from hubbub.protocol.frames import (
    After,
    Bye,
    ErrorFrame,
    Hello,
    MarkFrame,
    Post,
    PostedFrame,
    Request,
    Subscribe,
    Subscribed,
    Unsubscribe,
    Unsubscribed,
)

MOST_UNREAD = 4096
"""Events held for a caller that does not read them. With more, nothing is read from the socket, replies to
requests included, and the server finds the reader slow."""


class Socket:
    """Use as an async context manager and as an async iterator of events.

    Always true: a request that was sent has one future, resolved by its reply or by the connection's end.
    """

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._refs = 0
        self._waiting: dict[Any, asyncio.Future[Any]] = {}
        self._events: asyncio.Queue[Event | Bye | None] = asyncio.Queue(MOST_UNREAD)
        self._end: ClientError | None = None
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def open(cls, url: str, token: str | None, *, tls: ssl.SSLContext | None = None) -> "Socket":
        """`url`: ws: or wss:, with a ticket in it or none. Raises Problem, SignedOut or ConnectionLost."""
        return cls(await Wire.open(url, token, tls=tls))

    @property
    def hello(self) -> Hello:
        return self._wire.hello

    async def post(
        self,
        text: str,
        *,
        room: str | None = None,
        to: str | None = None,
        key: str | None = None,
        if_head: After | None = None,
    ) -> PostedFrame:
        """Raises Problem, or ConnectionLost when it is not known whether it was stored: use a `key`."""
        reply = await self._ask(Post(text=text, room=room, to=to, key=key, if_head=if_head, ref=self._ref()))
        assert isinstance(reply, PostedFrame)
        return reply

    async def subscribe(self, log: Log, *, after: After | None = None) -> Subscribed:
        """Follow a room, or with None the inbox. Raises Problem or ConnectionLost."""
        reply = await self._ask(Subscribe(room=log, inbox=log is None, after=after, ref=self._ref()))
        assert isinstance(reply, Subscribed)
        return reply

    async def unsubscribe(self, log: Log) -> None:
        reply = await self._ask(Unsubscribe(room=log, inbox=log is None, ref=self._ref()))
        assert isinstance(reply, Unsubscribed)

    def __aiter__(self) -> "Socket":
        return self

    async def __anext__(self) -> Event | Bye:
        """The next event, or the server's `bye`. After the last one raises what ended the connection."""
        if self._end is None or not self._events.empty():
            event = await self._events.get()
            if event is not None:
                return event
        raise self._end or ConnectionLost("The socket is closed.")

    async def close(self) -> None:
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)
        await self._wire.close()

    async def abort(self) -> None:
        """End it without a word, as a broken network would."""
        self._wire.abort()
        await self.close()

    async def __aenter__(self) -> "Socket":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def _ref(self) -> int:
        self._refs += 1
        return self._refs

    async def _ask(self, request: Request) -> object:
        if self._end is not None:
            raise self._end
        reply = asyncio.get_running_loop().create_future()
        self._waiting[request.ref] = reply
        try:
            await self._wire.send(request)
            return await reply
        finally:
            self._waiting.pop(request.ref, None)
            if reply.done() and not reply.cancelled():
                reply.exception()  # the same end that sending has told of already: nobody else asks for it

    async def _read(self) -> None:
        """Owns the receiving side until the connection ends; `close` cancels it."""
        try:
            while True:
                match frame := await self._wire.receive():
                    case Subscribed() | Unsubscribed() | PostedFrame():
                        self._answer(frame.ref, frame)
                    case ErrorFrame():
                        self._answer(frame.ref, problem_of_frame(frame))
                    case Hello() | MarkFrame() | None:
                        pass
                    case _:
                        await self._events.put(frame)
        except ClientError as error:
            self._end = error
        finally:
            self._end = self._end or ConnectionLost("The socket was closed.")
            with contextlib.suppress(asyncio.QueueFull):  # then nobody waits for an event
                self._events.put_nowait(None)
            for ref in list(self._waiting):
                self._answer(ref, self._end)

    def _answer(self, ref: object, answer: object) -> None:
        reply = self._waiting.pop(ref, None)
        if reply is None or reply.done():
            return
        if isinstance(answer, Exception):
            reply.set_exception(answer)
        else:
            reply.set_result(answer)
