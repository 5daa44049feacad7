"""A connection that speaks WebSocket, once the handshake is over: frames in, whole texts out.

Nearly all frames that clients send are whole, short, masked text frames: those are read here. Everything
else of RFC 6455 (fragments, control frames, closing, limits, violations) is the `websockets` library's, one
whole frame at a time. It is called in at the boundary of a frame and leaves at the boundary of a message, and
no parser exists in between: ten thousand connections that only listen cost little.

Nothing here knows what the texts say.
"""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from typing import Any, ClassVar, Final, cast

from websockets.frames import Opcode
from websockets.protocol import OPEN
from websockets.server import ServerProtocol

try:
    from websockets.speedups import apply_mask
except ImportError:  # no compiled part for this platform
    from websockets.utils import apply_mask

from hubbub.api.outbox import Outbox
from hubbub.protocol.dialogue import NOT_UNDERSTOOD
from hubbub.protocol.framing import frame_size, text_frame

CLOSING_SECONDS: Final = 2.0
"""How long the other side may take to answer our close frame."""

FRAMES_PER_TURN: Final = 128
"""Frames of one connection that are read before the loop looks after everyone else again."""

LOOK_UP_FRAMES: Final = 16
"""After so many it is asked whether the turn is over."""

_TEXT: Final = 0x81
_CLOSE: Final = 0x88
_PING: Final = 0x89
_PONG: Final = 0x8A
_MASKED: Final = 0x80
_LONGEST_HEAD: Final = 14  # RFC 6455, section 5.2
_KINDS: Final = frozenset(Opcode)
_PING_FRAME: Final = b"\x89\x00"

library_log = logging.getLogger("hubbub.websocket.library")
library_log.setLevel(logging.WARNING)


class FramedConnection(ABC, asyncio.Protocol):
    """Always true:
    * `_held` is what came after the last frame that was read, and starts at a frame's boundary;
    * `_library` exists only within a fragmented message, and while closing;
    * `_unsaid` is what was said and not written yet: it goes out before anything that is written later;
    * a text is told to `take_text` once, in order, and none after the close frame was sent;
    * a turn of the loop reads `FRAMES_PER_TURN` frames at most, whatever they are.
    """

    __slots__ = (
        "_fragments",
        "_held",
        "_library",
        "_resting",
        "_stalled",
        "_unsaid",
        "heard",
        "paused",
        "transport",
    )

    max_frame_bytes: ClassVar[int]
    outbox: ClassVar[Outbox]

    transport: asyncio.Transport

    def __init__(self) -> None:
        self._library: ServerProtocol | None = None
        self._fragments: bytearray | None = None
        self._held = b""
        self._unsaid: list[bytes] | None = None
        self._stalled = False
        self._resting = False
        self.paused = False
        self.heard = True
        """Whether anything came since the last ping."""

    # -- for those who build on this ----------------------------------------

    @abstractmethod
    def take_text(self, text: bytes) -> None:
        """A whole text message came; whether it is UTF-8 is not known."""

    @abstractmethod
    def is_full(self) -> bool:
        """Whether no more texts can be taken now. `go_on` is to be called when that has changed."""

    def is_within_limit(self) -> bool:
        """One more frame came that says nothing by itself: a ping, or the next part of a text. Whether it is
        not too many; no ping is answered then (RFC 6455, section 5.5.3)."""
        return True

    def turn_is_over(self) -> bool:
        """Whether texts are to wait for the next turn of the loop, all of them and everybody's."""
        return False

    @abstractmethod
    def leave(self) -> None:
        """The conversation is over, though the connection may take a moment. Called more than once."""

    # -- the connection -----------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._unsaid = None
        self.leave()

    def pause_writing(self) -> None:
        self.paused = True

    def resume_writing(self) -> None:
        self.paused = False
        self.go_on()

    @property
    def is_open(self) -> bool:
        """Whether texts may still be sent: no close frame was."""
        return not self.transport.is_closing() and (self._library is None or self._library.state is OPEN)

    def write(self, data: bytes) -> None:
        """Send bytes that are whole frames."""
        if self._unsaid is not None:
            data, self._unsaid = b"".join((*self._unsaid, data)), None
        if not self.transport.is_closing():  # one that has closed raises, and others are still to be told
            self.transport.write(data)

    def say(self, text: bytes) -> None:
        """Send a text, in this turn of the loop or the next, together with what else is sent by then."""
        if self._unsaid is None:
            self._unsaid = [text_frame(text)]
            self.outbox.add(self)
        else:
            self._unsaid.append(text_frame(text))

    def send_unsaid(self) -> None:
        """Send what was said, if that was not done yet."""
        if self._unsaid is not None:
            self.write(b"")

    def ping(self) -> None:
        """Ask for a sign of life; whoever gave none since the last time is dropped.

        No ping gets through a full socket: the kernel watches over that one.
        """
        if self.paused:
            return
        if not self.heard:
            self.transport.abort()
            return
        self.heard = False
        self.write(_PING_FRAME)

    def close(self, code: int, reason: str) -> None:
        """Send a close frame and wait a moment for the other side's. Nothing more is taken or told."""
        self.leave()
        if self._library is None:
            self._library = self._new_library()
        if self._library.state is not OPEN:
            return
        self._library.send_close(code, reason)
        self._send_library(self._library)
        asyncio.get_running_loop().call_later(CLOSING_SECONDS, self.transport.abort)

    # -- reading frames -----------------------------------------------------

    def data_received(self, data: bytes) -> None:
        self.heard = True
        if self._held:
            data = self._held + data
        self._held = self._read(data)

    def _read(self, data: bytes) -> bytes:
        """Take in every whole frame of `data`; what is left is given back."""
        at, end, left = 0, len(data), FRAMES_PER_TURN
        while end - at >= 2:
            if not left or (not left % LOOK_UP_FRAMES and self.turn_is_over()):
                self._rest()
                break
            left -= 1
            first, second = data[at], data[at + 1]
            size, body = second & 0x7F, at + 6
            if size == 126 and end - at >= 4:
                size, body = int.from_bytes(data[at + 2 : at + 4]), at + 8
            if (
                (
                    (first == _TEXT and self._library is None)
                    or (first in (_PING, _PONG) and size < 126 and self.is_open)
                )
                and second & _MASKED
                and second & 0x7F != 127
                and size <= self.max_frame_bytes
            ):
                stop = body + size
                if stop > end:
                    break
                if first != _PONG:
                    if self.is_full():
                        self._stall()
                        break
                    payload = apply_mask(data[body:stop], data[body - 4 : body])
                    if first == _TEXT:
                        self.take_text(payload)
                    elif self.is_within_limit():
                        self.write(bytes((_PONG, size)) + payload)
            else:
                stop = self._read_uncommon(data, at)
                if stop == at:
                    break
            at = stop
        return data[at:] if at else data

    def _read_uncommon(self, data: bytes, at: int) -> int:
        """Let the library read the frame at `at`; where it ends, or `at` while it is not all there."""
        if self.transport.is_closing():
            return len(data)
        stop = len(data)
        if _may_be_whole(data[at], data[at + 1]):  # else its first two bytes are enough to fail it
            size = frame_size(data, at)
            if size is None or (at + size > stop and size <= self.max_frame_bytes + _LONGEST_HEAD):
                return at
            stop = min(at + size, stop)
        if self.is_full():
            self._stall()
            return at
        if self._library is None or (data[at] == _CLOSE and self._library.state is OPEN):
            # A close is lawful amid fragments too: it takes what was begun with it (RFC 6455, section 5.4).
            # The library has it fail the connection, so it is given to one that has seen no fragment.
            self._library = self._new_library()
        library = self._library
        library.receive_data(data[at:stop])
        for frame in library.events_received():
            self._take_frame(frame)
        self._send_library(library)
        if library.state is OPEN and library.current_size is None:
            self._library = None
        return stop

    def _new_library(self) -> ServerProtocol:
        return ServerProtocol(state=OPEN, max_size=self.max_frame_bytes, logger=library_log)

    def _take_frame(self, frame: Any) -> None:
        if frame.opcode is Opcode.CLOSE:
            self.leave()
        elif not self.is_open:
            self._fragments = None  # what comes behind our close frame is read, and is nobody's
        elif frame.opcode is Opcode.BINARY:
            self.close(NOT_UNDERSTOOD, "messages are text")
        elif frame.opcode in (Opcode.TEXT, Opcode.CONT):
            if self._fragments is None:
                self._fragments = bytearray()
            elif not self.is_within_limit() and not self.is_open:
                return
            self._fragments += frame.data
            if frame.fin:
                whole, self._fragments = bytes(self._fragments), None
                self.take_text(whole)

    def _send_library(self, library: ServerProtocol) -> None:
        for data in library.data_to_send():
            if data:
                self.write(data)
            else:  # the library's sign that the connection is over
                self.leave()
                self.send_unsaid()
                self.transport.close()

    # -- how much one client may have under way -----------------------------

    def _stall(self) -> None:
        self._stalled = True
        self.transport.pause_reading()

    def _rest(self) -> None:
        """Read on in the next turn of the loop."""
        self._resting = True
        self.transport.pause_reading()
        asyncio.get_running_loop().call_soon(self._rested)

    def _rested(self) -> None:
        self._resting = False
        if not self._stalled and not self.transport.is_closing():
            self.transport.resume_reading()
        self.go_on()

    def go_on(self) -> None:
        """Read what was held, if what held it up is over."""
        if self.transport.is_closing() or self._resting:
            return
        if self._stalled:
            if self.is_full():
                return
            self._stalled = False
            self.transport.resume_reading()
        if self._held:
            held, self._held = self._held, b""
            self._held = self._read(held)


def _may_be_whole(first: int, second: int) -> bool:
    """Whether a frame that begins so is worth waiting for: it is masked, of a kind there is."""
    return bool(second & _MASKED) and first & 0x0F in _KINDS
