"""The client's side of RFC 6455, as far as a load generator needs it. Pure: bytes in, pieces out.

Runs of event frames are left whole, because all readers of a room are told the same run. The masking key is
zero: the server has the same work with it, and the generator has none.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

from hubbub.protocol.framing import frame_size

EVENTS: Final = "events"
"""Whole text frames, one or more, each of which holds an event."""
TEXT: Final = "text"
"""The payload of any other text frame."""
PING: Final = "ping"
CLOSE: Final = "close"
OTHER: Final = "other"

_TEXT_FRAME: Final = 0x81
_KINDS: Final = {0x89: PING, 0x88: CLOSE}
_MASKED: Final = 0x80
_NO_MASK: Final = bytes(4)
_EVENTS: Final = (b'{"type":"message"', b'{"type":"sent"', b'{"type":"gap"')

PONG: Final = bytes((0x8A, _MASKED)) + _NO_MASK
"""An answer to a ping that carried nothing, as the server's do."""


class Piece(NamedTuple):
    kind: str
    data: bytes


def frame(payload: bytes) -> bytes:
    """A text frame as a client sends it."""
    size = len(payload)
    if size < 126:
        return bytes((_TEXT_FRAME, _MASKED | size)) + _NO_MASK + payload
    if size < 1 << 16:
        return bytes((_TEXT_FRAME, _MASKED | 126)) + size.to_bytes(2) + _NO_MASK + payload
    return bytes((_TEXT_FRAME, _MASKED | 127)) + size.to_bytes(8) + _NO_MASK + payload


def _head_size(data: bytes, at: int) -> int:
    short = data[at + 1]
    return 2 if short < 126 else 4 if short == 126 else 10


def cut(data: bytes, known: Callable[[bytes], object] = lambda run: None) -> tuple[list[Piece], int]:
    """The pieces of what a server has sent, and how many bytes of it they are; the rest is no whole frame.

    `known` tells, by anything but None, a run that was met before: that is not looked at frame by frame.
    """
    pieces: list[Piece] = []
    at, begin, end = 0, -1, len(data)
    while (size := frame_size(data, at)) is not None and at + size <= end:
        start = at + _head_size(data, at)
        if data[at] == _TEXT_FRAME and data.startswith(_EVENTS, start):
            if begin < 0:
                if known(data[at:]) is not None:
                    pieces.append(Piece(EVENTS, data[at:]))
                    return pieces, end
                begin = at
        else:
            if begin >= 0:
                pieces.append(Piece(EVENTS, data[begin:at]))
                begin = -1
            kind = TEXT if data[at] == _TEXT_FRAME else _KINDS.get(data[at], OTHER)
            pieces.append(Piece(kind, data[start : at + size]))
        at += size
    if begin >= 0:
        pieces.append(Piece(EVENTS, data[begin:at]))
    return pieces, at


def payloads(run: bytes) -> list[bytes]:
    """What is in the frames of a run."""
    found: list[bytes] = []
    at = 0
    while at < len(run):
        size = frame_size(run, at)
        assert size is not None, "a run holds whole frames"
        found.append(run[at + _head_size(run, at) : at + size])
        at += size
    return found
