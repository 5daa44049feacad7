"""Events as a server under load would tell them."""

from hubbub.bench import words
from hubbub.bench.frames import cut, payloads
from hubbub.bench.hearing import Hearing
from hubbub.bench.places import Places
from hubbub.protocol.frames import Message, encode
from hubbub.protocol.framing import text_frame

RUN = "run1"
DUE_NS = 1_000_000_000


class Clock:
    """Monotonic nanoseconds that pass when they are told to."""

    def __init__(self, now_ns=DUE_NS):
        self.now_ns = now_ns

    def __call__(self):
        return self.now_ns


def message(seq, *, room="room", number=None, process=0, run=RUN, due_ns=DUE_NS, text=None, key=None):
    """The event `seq` of a room; by default post number `seq` - 1 of the first process."""
    key = key or words.key(run, process, seq - 1 if number is None else number)
    return Message(
        id=f"m{seq}",
        room=room,
        seq=seq,
        sender="user-00001",
        text=words.text(key, due_ns, 80) if text is None else text,
        sent_at="2026-01-31T09:30:00.125Z",
        key=key,
    )


def written(*messages):
    """As a server writes them to a WebSocket."""
    return b"".join(text_frame(encode(each)) for each in messages)


def hearing(clock=None):
    return Hearing(RUN, clock or Clock())


def hear(heard, places, data):
    """A reader is given these bytes."""
    ((_, piece),) = cut(data)[0]
    heard.take_run(places, heard.run(piece, payloads))


def reader(*rooms):
    return Places(dict.fromkeys(rooms or ("room",), 0))
