"""The bus over a NATS server, or a cluster of them: core NATS, which keeps nothing.

One connection after the other: whatever happens to one, it is given up and another is made, to whichever
server answers. The client library could do that by itself, but waits then for a server that hangs.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Coroutine, Sequence
from typing import Any, Self

import nats.errors
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from hubbub.bus.base import Changed, Heard

OPENING_SECONDS = 2.0
"""How long a start waits for the bus before it goes on without."""

CONNECT_SECONDS = 2
RETRY_SECONDS = 0.5

PING_SECONDS = 1.0
"""Between questions to the server, and how long each may take: one that hangs is given up after two."""

LISTEN_SECONDS = 0.5
"""How long a server may take to confirm a subscription before who asked for it goes on: what is missed
meanwhile is found by comparing heads."""

MAX_UNSENT_BYTES = 8 << 20
"""What may wait to be sent; beyond it the oldest goes."""

_TROUBLE = (nats.errors.Error, OSError, TimeoutError)

_log = structlog.get_logger("hubbub.bus")


class NatsBus:
    """A Bus.

    Always true: while `up`, every channel that is listened to is subscribed to at the server, or about to be.
    """

    def __init__(
        self, servers: Sequence[str], prefix: str, name: str, heard: Heard, changed: Changed
    ) -> None:
        """`prefix` keeps clusters apart that share a server; `name` is what the server shows of this node."""
        self._servers = list(servers)
        self._prefix = f"{prefix}."
        self._name = name
        self._heard = heard
        self._changed = changed
        self._client: Client | None = None
        self._channels: dict[str, Subscription | None] = {}
        self._unsent: deque[tuple[str, bytes]] = deque()
        self._unsent_bytes = 0
        self._something = asyncio.Event()
        self._has_risen = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False
        self.dropped = 0
        """Messages that were not sent because too much waited."""

    @classmethod
    async def open(
        cls, servers: Sequence[str], *, prefix: str, name: str, heard: Heard, changed: Changed
    ) -> Self:
        """Connected, or, where that takes too long, still trying."""
        bus = cls(servers, prefix, name, heard, changed)
        bus._start(bus._live())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(OPENING_SECONDS):
                await bus._has_risen.wait()
        if not bus.up:
            _log.warning("the bus cannot be reached: nodes hear of each other by asking the database")
        return bus

    @property
    def up(self) -> bool:
        return self._client is not None

    async def close(self) -> None:
        self._closing = True
        while tasks := [task for task in self._tasks if not task.done()]:
            for task in tasks:
                task.cancel()
            # Again, where that was lost: `asyncio.wait_for`, which the client library uses, swallows it up to
            # Python 3.11 when what it waits for has come in the same turn.
            await asyncio.wait(tasks, timeout=PING_SECONDS)

    # -- one connection after the other -------------------------------------

    async def _live(self) -> None:
        told = False
        while not self._closing:
            client = Client()
            gone = asyncio.Event()
            try:
                await self._connect(client, gone)
                await self._subscribe_all(client)
            except Exception as error:  # also what the client library makes of a server that is none
                if not told:
                    _log.warning("the bus cannot be connected to", reason=str(error) or type(error).__name__)
                told = True
            else:
                told = False
                await self._use(client, gone)
            finally:
                await self._leave(client)
            await asyncio.sleep(RETRY_SECONDS)

    async def _connect(self, client: Client, gone: asyncio.Event) -> None:
        async def is_gone() -> None:
            gone.set()

        async def troubled(error: Exception) -> None:
            _log.debug("the bus has trouble", reason=str(error) or type(error).__name__)

        await client.connect(
            servers=self._servers,
            name=self._name,
            no_echo=True,
            allow_reconnect=False,
            connect_timeout=CONNECT_SECONDS,
            error_cb=troubled,
            disconnected_cb=is_gone,
            closed_cb=is_gone,
            skip_subject_validation=True,  # they are made here, and looked at once for each message
        )

    async def _subscribe_all(self, client: Client) -> None:
        self._channels = dict.fromkeys(self._channels)
        while missing := [channel for channel, there in self._channels.items() if there is None]:
            for channel in missing:
                subscription = await self._subscribe(client, channel)
                if channel in self._channels:  # they come and go meanwhile
                    self._channels[channel] = subscription
                else:
                    await subscription.unsubscribe()
            await client.flush(timeout=CONNECT_SECONDS)

    async def _use(self, client: Client, gone: asyncio.Event) -> None:
        """Until it is lost."""
        self._client = client
        sending = self._start(self._send_all(client))
        _log.info("the bus is there", server=_where(client))
        self._has_risen.set()
        self._changed(True)
        try:
            await self._answers(client, gone)
        finally:
            self._client = None
            self._unsent.clear()
            self._unsent_bytes = 0
            sending.cancel()
        _log.warning("the bus is away: nodes hear of each other by asking the database")
        self._changed(False)

    async def _answers(self, client: Client, gone: asyncio.Event) -> None:
        missed = 0
        while missed < 2 and not gone.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PING_SECONDS):
                    await gone.wait()
            try:
                await client.flush(timeout=PING_SECONDS)  # type: ignore[arg-type]  # it takes any number
                missed = 0
            except _TROUBLE:
                missed += 1

    async def _leave(self, client: Client) -> None:
        with contextlib.suppress(Exception):
            async with asyncio.timeout(PING_SECONDS):
                await client.close()

    # -- sending ------------------------------------------------------------

    def send(self, channel: str, message: bytes) -> None:
        if self._client is None:
            return
        self._unsent.append((channel, message))
        self._unsent_bytes += len(message)
        while self._unsent_bytes > MAX_UNSENT_BYTES:
            _, oldest = self._unsent.popleft()
            self._unsent_bytes -= len(oldest)
            self.dropped += 1
        self._something.set()

    async def _send_all(self, client: Client) -> None:
        while self._client is client:
            await self._something.wait()
            self._something.clear()
            while self._unsent and self._client is client:
                channel, message = self._unsent.popleft()
                self._unsent_bytes -= len(message)
                with contextlib.suppress(*_TROUBLE):
                    await client.publish(self._prefix + channel, message)

    # -- hearing ------------------------------------------------------------

    async def listen(self, channel: str) -> None:
        self._channels.setdefault(channel, None)
        client = self._client
        if client is None:
            return  # it is asked for as soon as there is one
        with contextlib.suppress(*_TROUBLE):
            async with asyncio.timeout(LISTEN_SECONDS):
                subscription = await self._subscribe(client, channel)
                # It may have been left meanwhile, and even taken up again and subscribed to by somebody else.
                if self._client is client and self._channels.get(channel, subscription) is None:
                    self._channels[channel] = subscription
                    await client.flush(timeout=CONNECT_SECONDS)
                else:
                    await subscription.unsubscribe()

    async def _subscribe(self, client: Client, channel: str) -> Subscription:
        async def heard(message: Msg) -> None:
            self._heard(channel, message.data)

        return await client.subscribe(self._prefix + channel, cb=heard)

    def unlisten(self, channel: str) -> None:
        subscription = self._channels.pop(channel, None)
        if subscription is not None:
            self._start(_unsubscribe(subscription))

    def _start(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


async def _unsubscribe(subscription: Subscription) -> None:
    with contextlib.suppress(*_TROUBLE):
        await subscription.unsubscribe()


def _where(client: Client) -> str:
    """The server, without the password that may be in its address."""
    url = client.connected_url
    return "" if url is None else f"{url.hostname}:{url.port}"
