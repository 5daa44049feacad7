"""What is fuzzed, a module each: `try_one` raises when something does not hold of an input, `seeds` gives
inputs to start from, and WORDS are what inputs of this kind are made of.

Nothing of hubbub is imported here: whoever measures coverage has to be there before it.
"""

from collections.abc import Iterator
from importlib import import_module
from itertools import pairwise
from typing import Protocol, cast

TARGETS = ("frames", "dialogue", "http", "cursors", "queries", "names")

MOST_CUTS = 15


class Target(Protocol):
    WORDS: tuple[bytes, ...]

    @staticmethod
    def try_one(data: bytes) -> None: ...

    @staticmethod
    def seeds() -> Iterator[bytes]: ...


def target(name: str) -> Target:
    """Imported when it is asked for: a fuzzer that measures coverage has to be there first."""
    return cast(Target, import_module(f"fuzz.targets.{name}"))


def cut(data: bytes) -> list[bytes]:
    """A stream in pieces: the first byte says in how many, the next ones where it is cut."""
    if not data:
        return []
    count = data[0] % (MOST_CUTS + 1)
    places, stream = data[1 : 1 + 2 * count], data[1 + 2 * count :]
    at = {int.from_bytes(places[n : n + 2]) % (len(stream) + 1) for n in range(0, len(places), 2)}
    return [stream[a:b] for a, b in pairwise([0, *sorted(at), len(stream)])]


def whole(stream: bytes) -> bytes:
    """The input that is `stream` in one piece."""
    return b"\0" + stream


def halved(stream: bytes) -> bytes:
    return cut_at(len(stream) // 2, stream)


def cut_at(place: int, stream: bytes) -> bytes:
    return b"\1" + place.to_bytes(2) + stream
