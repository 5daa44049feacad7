"""The network between the people and the machines: seeded latency, pieces of any size, and every way to fail.

A connection is two pipes. A pipe holds so many bytes and no more, the buffers of both systems together; what
is in it comes out in order, each piece when it has travelled.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from random import Random
from typing import Any, Protocol

from simulation.schedule import ProcessLoop, Schedule

DEAD_PEER_SECONDS = 20.0
"""How long sent bytes may lie about before the system gives the other side up (TCP_USER_TIMEOUT)."""

_READ_BYTES = 64 * 1024


class Pipe:
    """One direction of a connection.

    Always true: no more than `window` bytes are in it, on their way or waiting to be read.
    """

    def __init__(self, wire: "Wire", window: int) -> None:
        self._wire = wire
        self._schedule = wire.network.schedule
        self._chance = wire.chance
        self.window = window
        self.inside = 0
        self._arrived: deque[bytes] = deque()
        self.waiting = 0
        """Bytes that have arrived and were not read."""
        self._last_arrival = 0.0
        self._held: list[bytes] = []
        self.stopped = False
        """A black hole: nothing arrives until it is over."""
        self.ended = False
        """No more will be sent."""
        self.readable: Callable[[], None] = lambda: None
        self.writable: Callable[[], None] = lambda: None
        self.passes: int | None = None
        """How many bytes more come through before the connection is reset."""
        self._stuck_at: float | None = None
        self.moved = 0

    def send(self, data: bytes, when: float) -> int:
        """Put in as much of `data` as there is room for; how much that was."""
        taken = data[: max(0, self.window - self.inside)]
        self.inside += len(taken)
        if len(taken) < len(data) or (taken and self.stopped):
            self._stuck()
        chance = self._chance
        start = 0
        while start < len(taken):
            left = len(taken) - start
            size = left if left < 2 or chance.random() < 0.7 else chance.randint(1, left)
            self._travel(taken[start : start + size], when)
            start += size
        return len(taken)

    def end(self, when: float) -> None:
        """Nothing follows what was sent."""
        self._travel(b"", when)

    def _travel(self, piece: bytes, when: float) -> None:
        self._last_arrival = max(self._last_arrival, when + self._wire.latency())
        self._schedule.at(self._last_arrival, self._arrive, piece)

    def _arrive(self, piece: bytes) -> None:
        if self._wire.broken:
            return
        if self.stopped or self._held:
            self._held.append(piece)
            return
        if self.passes is not None:
            if len(piece) >= self.passes:
                piece = piece[: self.passes]
                self._schedule.after(0, self._wire.reset)
                if not piece:
                    return
            self.passes -= len(piece)
        if piece:
            self._arrived.append(piece)
            self.waiting += len(piece)
        else:
            self.ended = True
        self.readable()

    def let_through(self) -> None:
        """The black hole is over."""
        self.stopped = False
        held, self._held = self._held, []
        for piece in held:
            self._arrive(piece)

    def read(self, most: int) -> bytes:
        """What has arrived, up to so many bytes; room for more is known at the other end a little later."""
        parts = []
        left = most
        while left and self._arrived:
            piece = self._arrived.popleft()
            if len(piece) > left:
                self._arrived.appendleft(piece[left:])
                piece = piece[:left]
            parts.append(piece)
            left -= len(piece)
        data = b"".join(parts)
        self.waiting -= len(data)
        self.moved += len(data)
        if data:
            self._stuck_at = None
            self._schedule.after(self._wire.latency(), self._room, len(data))
        return data

    def _room(self, size: int) -> None:
        if not self._wire.broken:
            self.inside -= size
            if self.inside <= self.window // 2:  # as systems do: no silly window (RFC 9293, section 3.8.6.2)
                self.writable()

    def _stuck(self) -> None:
        if self._stuck_at is None:
            self._stuck_at = self._schedule.now
            self._schedule.after(DEAD_PEER_SECONDS, self._give_up, self._stuck_at)

    def _give_up(self, stuck_at: float) -> None:
        if self._stuck_at == stuck_at and not self._wire.broken:
            self._wire.network.happened("the system gave a peer up")
            self._wire.reset()


class Owner(Protocol):
    """Who has the client's end of a connection."""

    def connected(self) -> None: ...
    def received(self, data: bytes) -> None: ...
    def lost(self, why: str) -> None: ...


class Listener(Protocol):
    """A machine that connections can be made to."""

    @property
    def listening(self) -> ProcessLoop | None:
        """The loop of the process that listens; None while none does."""
        ...

    def accept(self) -> asyncio.Protocol: ...
    def join(self, end: "ServerEnd") -> None: ...
    def left(self, end: "ServerEnd") -> None: ...
    def writes(self, end: "ServerEnd", data: bytes) -> None:
        """Called before each write to a connection."""
        ...


class Network:
    """Who can reach whom, and how badly."""

    def __init__(self, schedule: Schedule, chance: Random, happened: Callable[[str], None]) -> None:
        self.schedule = schedule
        self.chance = chance
        self.happened = happened
        self.wires: dict[Wire, None] = {}
        self._dialled = 0
        self.slowest_seconds = chance.choice((0.001, 0.02, 0.3))
        self.windows = chance.choice(((200, 2000), (2000, 20_000), (64_000, 256_000)))
        self.lazy = chance.random() < 0.5
        """Whether transports write at the end of a turn, as uvloop's do, or at once, as asyncio's."""

    def dial(self, owner: Owner, to: Listener, address: str, window: int | None = None) -> "Wire":
        self._dialled += 1
        return Wire(self, owner, to, address, self._dialled, window or self.chance.randint(*self.windows))

    @property
    def open(self) -> int:
        return len(self.wires)

    def heal(self) -> None:
        """From now on it is a good one."""
        self.slowest_seconds = min(self.slowest_seconds, 0.01)
        self.windows = (64_000, 256_000)
        for wire in list(self.wires):
            for pipe in (wire.up, wire.down):
                pipe.passes = None
                pipe.window = max(pipe.window, 64_000)
                if pipe.stopped and not wire.gone:
                    pipe.let_through()
            wire.pace(0, 0.0)


class Wire:
    """One connection, and its client's end.

    Always true: once `broken` neither side is handed anything; `gone` says that the client has left without a
    word and the server does not know.
    """

    def __init__(
        self, network: Network, owner: Owner, to: Listener, address: str, number: int, window: int
    ) -> None:
        self.network = network
        self.chance = Random(network.chance.random())
        self._owner: Owner | None = owner
        self._to = to
        self.number = number
        self.address = (address, 10_000 + number)
        self.broken = False
        self.gone = False
        self.up = Pipe(self, 64 * 1024)
        self.down = Pipe(self, window)
        self.down.readable = self._readable
        self.server: ServerEnd | None = None
        self._unsent = b""
        self._closing = False
        self._at_once = _READ_BYTES
        self._every_seconds = 0.0
        self._reading = True
        self.up.writable = self._push
        network.schedule.after(self.latency(), self._arrive)

    def latency(self) -> float:
        return 0.0001 + self.chance.random() * self.network.slowest_seconds

    def _arrive(self) -> None:
        if self.broken or self.gone:
            return
        loop = self._to.listening
        if loop is None:
            self.network.happened("nobody listened")
            self.broken = True
            self._lose("refused")
            return
        self.network.wires[self] = None
        self.server = ServerEnd(self, self._to, loop)
        self.server.begin(self._to.accept())
        self.network.schedule.after(self.latency(), self._connected)

    def _connected(self) -> None:
        if self._owner is not None and not self.broken:
            self._owner.connected()

    # -- the client's end ---------------------------------------------------

    def write(self, data: bytes) -> None:
        if not (self.broken or self.gone or self._closing):
            self._unsent += data
            self._push()

    def _push(self) -> None:
        if self._unsent and not self.gone:
            taken = self.up.send(self._unsent, self.network.schedule.now)
            self._unsent = self._unsent[taken:]
            if self._closing and not self._unsent:
                self.up.end(self.network.schedule.now)

    def close(self) -> None:
        """Leave, as one does."""
        self._owner = None
        if not self._closing and not self.broken:
            self._closing = True
            if not self._unsent:
                self.up.end(self.network.schedule.now)
            self._every_seconds = 0.0
            self.read_on()

    def vanish(self) -> None:
        """Leave without a word: a laptop is shut, a train enters a tunnel."""
        self.gone = True
        self.up.stopped = self.down.stopped = True
        if self.down.inside:
            self.down._stuck()
        self._lose("vanished")

    def server_died(self) -> None:
        """What had left the machine still arrives; then there is nobody."""
        if self.down.stopped:
            self.reset()
        elif not self.broken:
            self.down.end(self.network.schedule.now)

    def reset(self) -> None:
        """Break, for both sides."""
        if not self.broken:
            self.broken = True
            self.network.wires.pop(self, None)
            if self.server is not None:
                self.server.reset()
            self.network.schedule.after(self.latency(), self._lose, "reset")

    def black_hole(self) -> None:
        self.up.stopped = self.down.stopped = True

    def let_through(self) -> None:
        if not self.gone:
            self.up.let_through()
            self.down.let_through()

    def pace(self, at_once: int, every_seconds: float) -> None:
        """Have the client read so many bytes every so many seconds; (0, 0): all, at once."""
        self._at_once = at_once or _READ_BYTES
        self._every_seconds = every_seconds
        self._readable()

    def stop_reading(self) -> None:
        self._reading = False

    def read_on(self) -> None:
        self._reading = True
        self._readable()

    def _readable(self) -> None:
        if self._every_seconds:
            if self._reading and not self.broken:
                self._reading = False
                self.network.schedule.after(self._every_seconds, self._paced)
            return
        self._read()

    def _paced(self) -> None:
        self._reading = True
        self._read()
        if self.down.waiting:
            self._readable()

    def _read(self) -> None:
        while self._reading and not self.broken and not self.gone and self.down.waiting:
            data = self.down.read(self._at_once)
            if self._owner is not None:
                self._owner.received(data)
            if self._every_seconds:
                break
        if self.down.ended and not self.down.waiting and not self.broken:
            self.broken = True
            self.network.wires.pop(self, None)
            if self.server is not None:
                self.server.reset()
            self._lose("closed")

    def _lose(self, why: str) -> None:
        owner, self._owner = self._owner, None
        if owner is not None:
            owner.lost(why)


class ServerEnd(asyncio.Transport):
    """A connection as a process has it: asyncio's stream transport, to the letter of what may be relied on.

    Always true: once the process is dead nothing it does here reaches anybody.
    """

    def __init__(self, wire: Wire, to: Listener, loop: ProcessLoop) -> None:
        super().__init__({"peername": wire.address})
        self.wire = wire
        self._to = to
        self._loop = loop
        self._protocol: Any = None
        self._buffer = bytearray()
        self._high, self._low = 64 * 1024, 16 * 1024
        self._write_paused = False
        self._read_paused = False
        self._read_asked = False
        self._flush_asked = False
        self._closing = False
        self._lost = False
        self._eof_told = False
        self.most_buffered = 0
        self.biggest_write = 0
        self.written = 0

    def begin(self, protocol: asyncio.Protocol) -> None:
        self._protocol = protocol
        self._to.join(self)
        self.wire.up.readable = self._ask_to_read
        self.wire.down.writable = self._ask_to_flush
        self._loop.poke(protocol.connection_made, self)

    # -- reading ------------------------------------------------------------

    def _ask_to_read(self) -> None:
        if not (self._read_asked or self._read_paused or self._closing):
            self._read_asked = True
            self._loop.poke(self._read)

    def _read(self) -> None:
        self._read_asked = False
        if self._closing or self._read_paused or self.wire.broken:
            return
        chance = self.wire.chance
        most = _READ_BYTES if chance.random() < 0.7 else chance.randint(1, 200)
        data = self.wire.up.read(most)
        if data:
            self._protocol.data_received(data)
            if self.wire.up.waiting or self.wire.up.ended:
                self._ask_to_read()
        elif self.wire.up.ended and not self._eof_told:
            self._eof_told = True
            if not self._protocol.eof_received():
                self.close()

    def pause_reading(self) -> None:
        self._read_paused = True

    def resume_reading(self) -> None:
        if self._read_paused:
            self._read_paused = False
            if self.wire.up.waiting or self.wire.up.ended:
                self._ask_to_read()

    def is_reading(self) -> bool:
        return not (self._read_paused or self._closing)

    # -- writing ------------------------------------------------------------

    def write(self, data: bytes) -> None:
        if not data:
            return
        self._to.writes(self, data)
        if self._loop.dead:
            return
        if self._lost:
            raise RuntimeError("this connection has been closed")
        if self._closing and not self._buffer:
            return
        self.written += len(data)
        self.biggest_write = max(self.biggest_write, len(data))
        if self.wire.network.lazy:
            self._buffer += data
            if not self._write_paused and len(self._buffer) > self._high:
                self._send()
            elif not self._flush_asked:
                self._flush_asked = True
                self._loop.call_soon(self._flush)
        else:
            if not self._buffer:
                data = data[self._down(data) :]
            self._buffer += data
        self.most_buffered = max(self.most_buffered, len(self._buffer))
        if len(self._buffer) > self._high and not self._write_paused:
            self._write_paused = True
            self._protocol.pause_writing()

    def _down(self, data: bytes) -> int:
        return 0 if self.wire.broken else self.wire.down.send(bytes(data), self._loop.time())

    def _send(self) -> None:
        del self._buffer[: self._down(self._buffer)]

    def _ask_to_flush(self) -> None:
        if self._buffer and not self._flush_asked:
            self._flush_asked = True
            self._loop.poke(self._flush)

    def _flush(self) -> None:
        self._flush_asked = False
        if self._lost or self.wire.broken:
            return
        self._send()
        if self._write_paused and len(self._buffer) <= self._low:
            self._write_paused = False
            self._protocol.resume_writing()
        if self._closing and not self._buffer and not self._lost:
            self._loop.call_soon(self._lose, None)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._high = 64 * 1024 if high is None else high
        self._low = self._high // 4 if low is None else low

    def get_write_buffer_limits(self) -> tuple[int, int]:
        return self._low, self._high

    def get_write_buffer_size(self) -> int:
        return len(self._buffer)

    # -- ending -------------------------------------------------------------

    def get_protocol(self) -> Any:
        return self._protocol

    def set_protocol(self, protocol: Any) -> None:
        self._protocol = protocol

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        if not self._closing:
            self._closing = True
            if not self._buffer:
                self._loop.call_soon(self._lose, None)

    def abort(self) -> None:
        self._closing = True
        self._buffer.clear()
        self._loop.call_soon(self._lose, None)

    def reset(self) -> None:
        """The other side, or the road to it, has broken."""
        self._loop.poke(self._reset)

    def _reset(self) -> None:
        self._closing = True
        self._buffer.clear()
        self._lose(ConnectionResetError("the connection was reset"))

    def _lose(self, why: Exception | None) -> None:
        if self._lost:
            return
        self._lost = True
        wire = self.wire
        if not wire.broken:
            wire.down.end(self._loop.time())
            if wire.gone or wire.down.stopped:  # nobody will read that
                wire.broken = True
                wire.network.wires.pop(wire, None)
                wire.network.schedule.after(wire.latency(), wire._lose, "reset")
        self._to.left(self)
        self._protocol.connection_lost(why)

    @property
    def over(self) -> bool:
        """Whether the process was told that it has ended."""
        return self._lost
