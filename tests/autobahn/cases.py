"""Every case of the Autobahn test suite, by its number: what is sent, in which pieces, and what comes back.

Derived from RFC 6455 and from what the suite says of each case. Sections 12 and 13 are of compression, which
is not offered; the suite has no sections 8 and 11.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import NamedTuple

from websockets.frames import Opcode

from autobahn.utf8 import GREEK, SECTIONS
from conformance.sockets import Heard, closing, frame

Step = bytes | Heard
"""A packet that is sent, or a frame that has to be heard before anything else is sent."""

CONT, TEXT, BINARY, CLOSE, PING, PONG = (int(code) for code in Opcode)
NORMAL, PROTOCOL_ERROR, NOT_UTF8 = 1000, 1002, 1007


class Case(NamedTuple):
    steps: Callable[[], Iterable[Step]]
    """Made when they are needed: some are of many megabytes."""
    ends: tuple[int | None, ...] = (NORMAL,)
    """What the close frame after the last step may say; None: nothing. Then the connection ends."""
    largest: int = 0
    """The largest message in it that is not small, in bytes."""


def raw(opcode: int, payload: bytes = b"", *, fin: bool = True, reserved: int = 0) -> bytes:
    """Any frame that can be written down, masked."""
    return bytes((fin << 7 | reserved << 4 | opcode,)) + frame(payload)[1:]


def text(payload: bytes = b"", *, fin: bool = True) -> bytes:
    return raw(TEXT, payload, fin=fin)


def more(payload: bytes = b"", *, fin: bool = True) -> bytes:
    return raw(CONT, payload, fin=fin)


def ping(payload: bytes = b"") -> bytes:
    return raw(PING, payload)


def pong(payload: bytes = b"") -> bytes:
    return raw(PONG, payload)


def echoed(payload: bytes, opcode: int = TEXT) -> Heard:
    return Heard(True, 0, opcode, payload)


def ponged(payload: bytes = b"") -> Heard:
    return Heard(True, 0, PONG, payload)


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


def fragments(payload: bytes, size: int, opcode: int = TEXT) -> Iterator[bytes]:
    """A message in frames of `size` bytes."""
    last = max(0, len(payload) - 1) // size * size
    starts = range(0, last + 1, size)
    return (raw(CONT if at else opcode, payload[at : at + size], fin=at == last) for at in starts)


# -- what cases have in common ------------------------------------------------


def heard(*steps: Step) -> Case:
    """All of it is lawful; then it is we who close."""
    return Case(lambda: (*steps, closing(NORMAL)))


def broken(*steps: Step) -> Case:
    """The last packet is unlawful."""
    return Case(lambda: steps, ends=(PROTOCOL_ERROR,))


def closed(*frames: bytes, ends: tuple[int | None, ...] = (NORMAL,)) -> Case:
    """A close frame is among `frames`, which are sent in one packet."""
    return Case(lambda: (b"".join(frames),), ends=ends)


def echo(payload: bytes, opcode: int = TEXT, *, piece: int | None = None) -> Case:
    """A message in one frame, sent whole or in pieces of `piece` bytes."""

    def steps() -> Iterator[Step]:
        whole = raw(opcode, payload)
        yield from pieces(whole, piece) if piece else (whole,)
        yield echoed(payload, opcode)
        yield closing(NORMAL)

    return Case(steps, largest=len(payload))


def in_fragments(payload: bytes, size: int, opcode: int = TEXT) -> Case:
    def steps() -> Iterator[Step]:
        yield b"".join(fragments(payload, size, opcode))
        yield echoed(payload, opcode)
        yield closing(NORMAL)

    return Case(steps, largest=len(payload))


def one_after_another(payload: bytes, count: int, opcode: int = TEXT) -> Case:
    def steps() -> Iterator[Step]:
        for _ in range(count):
            yield raw(opcode, payload)
            yield echoed(payload, opcode)
        yield closing(NORMAL)

    return Case(steps, largest=len(payload))


def no_text(*packets: bytes) -> Case:
    return Case(lambda: packets, ends=(NOT_UTF8,))


def octets(*frames: bytes) -> Iterator[bytes]:
    """All of `frames`, a byte a packet."""
    return pieces(b"".join(frames), 1)


def numbered(section: str, cases: Iterable[Case], first: int = 1) -> dict[str, Case]:
    return {f"{section}.{number}": case for number, case in enumerate(cases, first)}


# -- 1 to 5: framing, pings, reserved bits, opcodes, fragments ----------------

HELLO = b"Hello, world!"
ODD = b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff"
SIZES = (0, 125, 126, 127, 128, 65535, 65536)
CHOP = 997
TEN = [b"payload-%d" % n for n in range(10)]
PAIR = (text(b"fragment1", fin=False), more(b"fragment2"))
PAIRED = echoed(b"fragment1fragment2")
STRAY = more(b"non-continuation payload")
STRAY_OPEN = more(b"non-continuation payload", fin=False)
FIVE = [b"fragment%d" % n for n in range(1, 6)]


def _behind_hello(frame: bytes) -> bytes:
    """An echo, then what is unlawful, then what must not be answered."""
    return text(HELLO) + frame + ping()


def _with_a_wait(first: Iterable[bytes], second: Iterable[bytes]) -> Case:
    return heard(*first, ponged(b"1"), *second, ponged(b"2"), echoed(b"".join(FIVE)))


_FIRST = (text(FIVE[0], fin=False), more(FIVE[1], fin=False), ping(b"1"))
_SECOND = (more(FIVE[2], fin=False), more(FIVE[3], fin=False), ping(b"2"), more(FIVE[4]))

FRAMING = {
    **numbered("1.1", (*(echo(b"*" * size) for size in SIZES), echo(b"*" * 65536, piece=CHOP))),
    **numbered(
        "1.2", (*(echo(b"\xfe" * size, BINARY) for size in SIZES), echo(b"\xfe" * 65536, BINARY, piece=CHOP))
    ),
    "2.1": heard(ping(), ponged()),
    "2.2": heard(ping(HELLO), ponged(HELLO)),
    "2.3": heard(ping(ODD), ponged(ODD)),
    "2.4": heard(ping(b"\xfe" * 125), ponged(b"\xfe" * 125)),
    "2.5": broken(ping(b"\xfe" * 126)),
    "2.6": heard(*octets(ping(b"\xfe" * 125)), ponged(b"\xfe" * 125)),
    "2.7": heard(pong()),
    "2.8": heard(pong(b"unsolicited pong payload")),
    "2.9": heard(pong(b"unsolicited pong payload") + ping(b"ping payload"), ponged(b"ping payload")),
    "2.10": heard(b"".join(map(ping, TEN)), *map(ponged, TEN)),
    "2.11": heard(*octets(*map(ping, TEN)), *map(ponged, TEN)),
    "3.1": broken(raw(TEXT, HELLO, reserved=1)),
    "3.2": broken(_behind_hello(raw(TEXT, HELLO, reserved=2)), echoed(HELLO)),
    "3.3": broken(text(HELLO), echoed(HELLO), raw(TEXT, HELLO, reserved=3), ping()),
    "3.4": broken(*octets(_behind_hello(raw(TEXT, HELLO, reserved=4))), echoed(HELLO)),
    "3.5": broken(raw(BINARY, ODD, reserved=5)),
    "3.6": broken(raw(PING, HELLO, reserved=6)),
    "3.7": broken(raw(CLOSE, reserved=7)),
    "4.1.1": broken(raw(3)),
    "4.1.2": broken(raw(4, HELLO)),
    "4.1.3": broken(_behind_hello(raw(5)), echoed(HELLO)),
    "4.1.4": broken(_behind_hello(raw(6, HELLO)), echoed(HELLO)),
    "4.1.5": broken(*octets(_behind_hello(raw(7, HELLO))), echoed(HELLO)),
    "4.2.1": broken(raw(11)),
    "4.2.2": broken(raw(12, HELLO)),
    "4.2.3": broken(_behind_hello(raw(13)), echoed(HELLO)),
    "4.2.4": broken(_behind_hello(raw(14, HELLO)), echoed(HELLO)),
    "4.2.5": broken(*octets(_behind_hello(raw(15, HELLO))), echoed(HELLO)),
    "5.1": broken(raw(PING, b"fragment1", fin=False) + more(b"fragment2")),
    "5.2": broken(raw(PONG, b"fragment1", fin=False) + more(b"fragment2")),
    "5.3": heard(b"".join(PAIR), PAIRED),
    "5.4": heard(*PAIR, PAIRED),
    "5.5": heard(*octets(*PAIR), PAIRED),
    "5.6": heard(PAIR[0] + ping(HELLO) + PAIR[1], ponged(HELLO), PAIRED),
    "5.7": heard(PAIR[0], ping(HELLO), PAIR[1], ponged(HELLO), PAIRED),
    "5.8": heard(*octets(PAIR[0], ping(HELLO), PAIR[1]), ponged(HELLO), PAIRED),
    "5.9": broken(STRAY + text(HELLO)),
    "5.10": broken(STRAY, text(HELLO)),
    "5.11": broken(*octets(STRAY, text(HELLO))),
    "5.12": broken(STRAY_OPEN + text(HELLO)),
    "5.13": broken(STRAY_OPEN, text(HELLO)),
    "5.14": broken(*octets(STRAY_OPEN, text(HELLO))),
    "5.15": broken(b"".join((*PAIR, STRAY_OPEN, text(HELLO))), PAIRED),
    "5.16": broken((STRAY_OPEN + text(HELLO, fin=False) + more(HELLO)) * 2),
    "5.17": broken((STRAY + text(HELLO, fin=False) + more(HELLO)) * 2),
    "5.18": broken(PAIR[0] + text(b"fragment2")),
    "5.19": _with_a_wait((b"".join(_FIRST),), (b"".join(_SECOND),)),
    "5.20": _with_a_wait(_FIRST, _SECOND),
}

# -- 6: UTF-8 -----------------------------------------------------------------

MIXED = "Hello-µ@ßöäüàá-UTF-8!!".encode()
_HALF = MIXED.index("ü".encode())
SURROGATE = GREEK + b"\xed\xa0\x80edited"
BEYOND_UNICODE = GREEK + b"\xf4\x90\x80\x80edited"
_WRONG_AT = len(GREEK) + 1
"""The byte of it that no text goes on with."""

UTF8 = {
    "6.1.1": echo(b""),
    "6.1.2": heard(text(fin=False) + more(fin=False) + more(), echoed(b"")),
    "6.1.3": heard(text(fin=False) + more(HELLO, fin=False) + more(), echoed(HELLO)),
    "6.2.1": echo(MIXED),
    "6.2.2": heard(text(MIXED[:_HALF], fin=False) + more(MIXED[_HALF:]), echoed(MIXED)),
    "6.2.3": in_fragments(MIXED, 1),
    "6.2.4": in_fragments(GREEK, 1),
    "6.3.1": no_text(text(SURROGATE)),
    "6.3.2": no_text(b"".join(fragments(SURROGATE, 1))),
    # A message is judged once it is whole, which the suite calls non-strict: no sooner, and then at once.
    "6.4.1": no_text(text(GREEK, fin=False), more(BEYOND_UNICODE[11:15], fin=False), more(b"edited")),
    "6.4.2": no_text(
        text(BEYOND_UNICODE[:_WRONG_AT], fin=False),
        more(BEYOND_UNICODE[_WRONG_AT : _WRONG_AT + 1], fin=False),
        more(BEYOND_UNICODE[_WRONG_AT + 1 :]),
    ),
    "6.4.3": no_text(*pieces(text(BEYOND_UNICODE), 6 + len(GREEK))),
    "6.4.4": no_text(*pieces(text(BEYOND_UNICODE), 6 + _WRONG_AT)),
    **{
        number: case
        for section, (_, texts) in SECTIONS.items()
        for number, case in numbered(
            section, (echo(each) if valid else no_text(text(each)) for each, valid in texts.items())
        ).items()
    },
}

# -- 7: closing ---------------------------------------------------------------

VALID_CODES = (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999)
INVALID_CODES = (0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999)
LARGE = b"BAsd7&jh23" * 26215  # a little more than 256 KiB


def close_with(code: int, reason: bytes = b"") -> bytes:
    return raw(CLOSE, code.to_bytes(2) + reason)


CLOSING = {
    "7.1.1": echo(HELLO),
    "7.1.2": closed(closing(), closing(None)),
    "7.1.3": closed(closing(), ping()),
    "7.1.4": closed(closing(), text(HELLO)),
    "7.1.5": closed(PAIR[0], closing(), PAIR[1]),
    "7.1.6": Case(
        lambda: (text(LARGE) + text(HELLO) + closing() + ping(), echoed(LARGE), echoed(HELLO)),
        largest=len(LARGE),
    ),
    "7.3.1": closed(closing(None), ends=(None,)),
    "7.3.2": closed(raw(CLOSE, b"a"), ends=(PROTOCOL_ERROR,)),
    "7.3.3": closed(closing()),
    "7.3.4": closed(closing(reason="Hello World!")),
    "7.3.5": closed(closing(reason="*" * 123)),
    "7.3.6": closed(close_with(NORMAL, b"*" * 124), ends=(PROTOCOL_ERROR,)),
    "7.5.1": closed(close_with(NORMAL, SURROGATE), ends=(PROTOCOL_ERROR, NOT_UTF8)),
    **numbered("7.7", (closed(closing(code), ends=(code,)) for code in VALID_CODES)),
    **numbered("7.9", (closed(close_with(code), ends=(PROTOCOL_ERROR,)) for code in INVALID_CODES)),
    # RFC 6455 leaves these open; they are what every other code nobody may use is.
    **numbered("7.13", (closed(close_with(code), ends=(PROTOCOL_ERROR,)) for code in (5000, 65535))),
}

# -- 9 and 10: large messages and many ----------------------------------------

KIB, MIB = 1024, 1024 * 1024
LARGE_SIZES = (64 * KIB, 256 * KIB, MIB, 4 * MIB, 8 * MIB, 16 * MIB)
FRAGMENT_SIZES = (64, 256, KIB, 4 * KIB, 16 * KIB, 64 * KIB, 256 * KIB, MIB, 4 * MIB)
CHOP_SIZES = (64, 128, 256, 512, KIB, 2 * KIB)
SMALL_SIZES = (0, 16, 64, 256, KIB, 4 * KIB)
MANY = 1000

LARGE_AND_MANY = {
    **numbered("9.1", (echo(b"*" * size) for size in LARGE_SIZES)),
    **numbered("9.2", (echo(b"\xfe" * size, BINARY) for size in LARGE_SIZES)),
    **numbered("9.3", (in_fragments(b"*" * 4 * MIB, size) for size in FRAGMENT_SIZES)),
    **numbered("9.4", (in_fragments(b"\xfe" * 4 * MIB, size, BINARY) for size in FRAGMENT_SIZES)),
    **numbered("9.5", (echo(b"*" * MIB, piece=size) for size in CHOP_SIZES)),
    **numbered("9.6", (echo(b"\xfe" * MIB, BINARY, piece=size) for size in CHOP_SIZES)),
    **numbered("9.7", (one_after_another(b"*" * size, MANY) for size in SMALL_SIZES)),
    **numbered("9.8", (one_after_another(b"\xfe" * size, MANY, BINARY) for size in SMALL_SIZES)),
    "10.1.1": in_fragments(b"*" * 65536, 1300),
}

CASES: dict[str, Case] = {**FRAMING, **UTF8, **CLOSING, **LARGE_AND_MANY}

# -- what the suite does not ask ----------------------------------------------

MORE: dict[str, Case] = {
    **{f"reserved bits {bits:03b}": broken(raw(TEXT, HELLO, reserved=bits)) for bits in range(1, 8)},
    **{f"opcode {code}": broken(raw(code, HELLO)) for code in (*range(3, 8), *range(11, 16))},
    "a reserved bit on a pong": broken(raw(PONG, reserved=4)),
    "a reserved bit amid fragments": broken(PAIR[0] + raw(CONT, HELLO, reserved=2)),
    "no mask": broken(frame(HELLO, mask=False)),
    "a ping without a mask": broken(frame(b"", Opcode.PING, mask=False)),
    "a close without a mask": broken(frame(b"", Opcode.CLOSE, mask=False)),
    "no mask amid fragments": broken(PAIR[0] + frame(HELLO, Opcode.CONT, mask=False)),
    "a pong of 126 bytes": broken(pong(b"x" * 126)),
    "a close in fragments": broken(raw(CLOSE, fin=False)),
    "the end of nothing": broken(more()),
    "a text amid fragments, in fragments": broken(text(fin=False) + text(fin=False)),
    "a binary amid fragments": broken(PAIR[0] + raw(BINARY, HELLO)),
    "a message in fragments after another": heard(b"".join(PAIR) * 2, PAIRED, PAIRED),
    "a message in fragments after one of no frames but its last": heard(
        text(fin=False) + more() + b"".join(PAIR), echoed(b""), PAIRED
    ),
    "a close amid fragments, in pieces": Case(lambda: octets(PAIR[0], closing(4000)), ends=(4000,)),
    "a close in fragments amid fragments": broken(PAIR[0] + raw(CLOSE, fin=False)),
    "a length in two bytes more than it needs": heard(
        b"\x81\xfe" + len(HELLO).to_bytes(2) + bytes(4) + HELLO, echoed(HELLO)
    ),
    "a length in eight bytes more than it needs": heard(
        b"\x81\xff" + len(HELLO).to_bytes(8) + bytes(4) + HELLO, echoed(HELLO)
    ),
    **{
        f"a close with the code {code}": closed(close_with(code), ends=(PROTOCOL_ERROR,))
        for code in (1, 1015, 1017, 5001)
    },
    **{
        f"a length of {name}": Case(lambda size=size: (b"\x81\xff" + size.to_bytes(8) + bytes(4),), ends=ends)
        for name, size, ends in (
            ("a gigabyte", 1 << 30, (1009,)),
            ("2**63 - 1", (1 << 63) - 1, (1009,)),
            ("2**63", 1 << 63, (1009, PROTOCOL_ERROR)),
            ("2**64 - 1", (1 << 64) - 1, (1009, PROTOCOL_ERROR)),
        )
    },
    "every size up to the second length": Case(
        lambda: (
            *chain.from_iterable((text(b"*" * size), echoed(b"*" * size)) for size in range(300)),
            closing(),
        )
    ),
}
