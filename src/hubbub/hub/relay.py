"""What the nodes of a cluster tell each other of their logs, over a bus that may lose, double and reorder it.

Every event that is stored here is told, as every transport sends it, on the channel of its log; a node
listens to a channel while somebody here listens to one of its logs. What was missed is noticed by its
number, or by comparing heads with the store, and read there: nothing depends on a message's arrival but
how soon it is seen.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from zlib import crc32

import msgspec
import structlog

from hubbub.bus.base import MAX_MESSAGE_BYTES, Bus
from hubbub.domain.errors import Unavailable
from hubbub.domain.ids import LogId
from hubbub.hub.hub import Hub
from hubbub.hub.source import Source
from hubbub.protocol.framing import Entry

CHANNELS = 128
"""Into which all logs are hashed. Every node has to use the same number. More of them spare a node messages
it has no listeners for; fewer let more events share a message, which costs as much as twenty events do."""

HEADS_SECONDS = 3.0
"""Between comparisons of heads with the store while the bus is up: how late the last event of a log is seen
whose message was lost."""

POLL_SECONDS = 0.1
"""… and while it is not, when this is how other nodes' events are seen at all."""

POLL_SHARE = 0.2
"""How much of the time comparing may take, where there are so many logs that it takes long."""

_LOGS_AT_ONCE = 2000

_FULL_BYTES = MAX_MESSAGE_BYTES // 2
"""A message is sent with the entry that reaches this. The longest has some 100 KB, all of it escaped."""


class Message(msgspec.Struct, array_like=True):
    """What one node tells on one channel. A newer one may put more behind this, which is passed over."""

    entries: list[tuple[LogId, int, str, bytes]] = msgspec.field(default_factory=list)
    """Log, seq, kind and JSON of events that were stored."""
    told: list[tuple[LogId, str, bytes]] = msgspec.field(default_factory=list)
    """Log, kind and JSON of what was said in passing."""
    cuts: list[tuple[LogId, int]] = msgspec.field(default_factory=list)
    """Logs, and up to where their events were removed."""


_log = structlog.get_logger("hubbub.hub")

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Message).decode


def channel_of(log: LogId) -> str:
    return f"log.{crc32(log.encode()) % CHANNELS}"


class _Outgoing:
    __slots__ = ("message", "size_bytes")

    def __init__(self) -> None:
        self.message = Message()
        self.size_bytes = 0


class _Joined:
    """A channel that is listened to, and for which logs."""

    __slots__ = ("listening", "logs")

    def __init__(self, listening: "asyncio.Task[None]") -> None:
        self.listening = listening
        self.logs: set[LogId] = set()


class Relay:
    """The Others of a hub.

    Always true: a channel is listened to exactly while a log is followed that is hashed into it.
    """

    def __init__(
        self,
        hub: Hub,
        bus: Bus,
        source: Source,
        *,
        monotonic: Callable[[], float],
        soon: Callable[[Callable[[], None]], object],
    ) -> None:
        """`soon` calls what it is given at the end of the loop's turn."""
        self._hub = hub
        self._bus = bus
        self._source = source
        self._monotonic = monotonic
        self._soon = soon
        self._joined: dict[str, _Joined] = {}
        self._outgoing: dict[str, _Outgoing] = {}
        self._flushing = False
        self._woken = asyncio.Event()
        self.sent = 0
        """Messages, as are the following."""
        self.heard_messages = 0
        self.not_understood = 0
        hub.meet(self)

    # -- what is heard ------------------------------------------------------

    async def follow(self, log: LogId) -> None:
        """See Others.follow."""
        channel = channel_of(log)
        joined = self._joined.get(channel)
        if joined is None:
            listening = asyncio.get_running_loop().create_task(self._bus.listen(channel))
            joined = self._joined[channel] = _Joined(listening)
        joined.logs.add(log)
        if not joined.listening.done():
            await asyncio.shield(joined.listening)

    def unfollow(self, log: LogId) -> None:
        channel = channel_of(log)
        joined = self._joined.get(channel)
        if joined is None:
            return
        joined.logs.discard(log)
        if not joined.logs:
            del self._joined[channel]
            self._bus.unlisten(channel)

    def heard(self, message: bytes) -> None:
        """Take what another node said. It is handed out at the end of the loop's turn, with all else."""
        try:
            said = _decode(message)
        except msgspec.MsgspecError:  # of a version that speaks otherwise; comparing heads finds what it said
            self.not_understood += 1
            return
        self.heard_messages += 1
        for log, seq, kind, json in said.entries:
            self._hub.hear(log, Entry(seq, kind, json))
        for log, kind, json in said.told:
            self._hub.hear_told(log, kind, json)
        for log, last in said.cuts:
            self._hub.hear_cut(log, last)
        if not self._flushing:
            self._flushing = True
            self._soon(self._flush_hub)

    def _flush_hub(self) -> None:
        self._flushing = False
        self._hub.flush()

    # -- what is told -------------------------------------------------------

    def grew(self, log: LogId, entry: Entry) -> None:
        if self._bus.up:
            self._put(log).entries.append((log, entry.seq, entry.kind, entry.json))
            self._weigh(log, len(entry.json))

    def cut(self, log: LogId, last: int) -> None:
        if self._bus.up:
            self._put(log).cuts.append((log, last))
            self._soon(self.flush)

    def told(self, log: LogId, kind: str, json: bytes) -> None:
        if self._bus.up:
            self._put(log).told.append((log, kind, json))
            self._weigh(log, len(json))
            self._soon(self.flush)

    def flush(self) -> None:
        if self._outgoing:
            outgoing, self._outgoing = self._outgoing, {}
            for channel, each in outgoing.items():
                self._send(channel, each)

    def _put(self, log: LogId) -> Message:
        channel = channel_of(log)
        outgoing = self._outgoing.get(channel)
        if outgoing is None:
            outgoing = self._outgoing[channel] = _Outgoing()
        return outgoing.message

    def _weigh(self, log: LogId, size_bytes: int) -> None:
        channel = channel_of(log)
        outgoing = self._outgoing[channel]
        outgoing.size_bytes += size_bytes
        if outgoing.size_bytes >= _FULL_BYTES:
            self._send(channel, self._outgoing.pop(channel))

    def _send(self, channel: str, outgoing: _Outgoing) -> None:
        self._bus.send(channel, _encode(outgoing.message))
        self.sent += 1

    # -- what was missed ----------------------------------------------------

    def bus_changed(self, up: bool) -> None:
        """The bus went or came back: heads are compared at once. Of removals nobody could tell meanwhile."""
        if up:
            self._hub.doubt_memory()
        self._woken.set()

    async def watch(self) -> None:
        """Compare heads with the store, for as long as the server runs."""
        took_seconds = 0.0
        while True:
            pause = HEADS_SECONDS if self._bus.up else POLL_SECONDS
            await self._rest(max(pause, took_seconds / POLL_SHARE))
            began = self._monotonic()
            try:
                await self.compare()
            except Unavailable:
                pass  # what they would say is asked again
            except Exception:
                _log.exception("heads could not be compared")  # it must not have been the last time
            took_seconds = self._monotonic() - began

    async def _rest(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        self._woken.clear()

    async def compare(self) -> None:
        """Raises Unavailable."""
        held = self._hub.held()
        for first in range(0, len(held), _LOGS_AT_ONCE):
            self._hub.compare(await self._source.heads(held[first : first + _LOGS_AT_ONCE]))
