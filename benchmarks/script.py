"""What `load.c` is told: for each client the bytes of its handshake and of its post. Pure.

A post is written once, with a place-holder where its number belongs; the generator puts each post's number
there. The number follows the marker, which is how a post is known again in whatever comes back.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

NUMBER = "=number="
"""Stands for a number's eight hexadecimal digits, and is just as long."""


def new_marker() -> str:
    """Of one run. It may stand in JSON, XML and IRC as it is, and begins with a byte that is rare there."""
    return f"~{os.urandom(3).hex()}~"


def text(marker: str, size_bytes: int) -> str:
    """What a post says: so many bytes, the number among them."""
    said = marker + NUMBER
    if len(said) > size_bytes:
        raise ValueError(f"a text has {len(said)} bytes at least, for its marker and number")
    return said.ljust(size_bytes, "x")


@dataclass(frozen=True, kw_only=True)
class Send:
    said: bytes


@dataclass(frozen=True, kw_only=True)
class Wait:
    for_bytes: bytes


@dataclass(frozen=True, kw_only=True)
class Answer:
    """To `seen`, at any time: `said`, and after it as many bytes as `echoed` of what followed."""

    seen: bytes
    said: bytes
    echoed: int = 0


@dataclass(frozen=True, kw_only=True)
class Client:
    address: str
    """Which it connects from."""
    room: int
    """Whose posts it is to be told, its own among them."""
    steps: Sequence[Send | Wait]
    post: bytes = b""
    """With NUMBER in it; empty for somebody who only listens."""


@dataclass(frozen=True, kw_only=True)
class Script:
    port: int
    marker: str
    clients: Iterable[Client]
    answers: Sequence[Answer] = ()
    at_once: int = 64
    """Clients in the middle of their handshake."""
    connect_seconds: int = 60
    """For all of them."""

    def lines(self) -> Iterator[bytes]:
        yield b"port %d\nconnecting %d %d\n" % (self.port, self.at_once, self.connect_seconds)
        yield b"marker %d\n%b\n" % (len(self.marker), self.marker.encode())
        for answer in self.answers:
            sizes = len(answer.seen), answer.echoed, len(answer.said)
            yield b"answer %d %d %d\n%b%b\n" % (*sizes, answer.seen, answer.said)
        for client in self.clients:
            yield from self._client(client)

    def _client(self, client: Client) -> Iterator[bytes]:
        yield b"client %b %d\n" % (client.address.encode(), client.room)
        for step in client.steps:
            match step:
                case Send(said=said):
                    yield b"send %d\n%b\n" % (len(said), said)
                case Wait(for_bytes=awaited):
                    yield b"wait %d\n%b\n" % (len(awaited), awaited)
        if client.post:
            places = list(_places(client.post))
            listed = b" ".join(b"%d" % place for place in places)
            yield b"post %d %d %b\n%b\n" % (len(client.post), len(places), listed, client.post)


def _places(post: bytes) -> Iterator[int]:
    """Where numbers belong."""
    wanted = NUMBER.encode()
    at = post.find(wanted)
    while at >= 0:
        yield at
        at = post.find(wanted, at + len(wanted))
