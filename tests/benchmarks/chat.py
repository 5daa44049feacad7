"""A tiny chat of lines that can be told to misbehave, so that the generator's checks are checked."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Mischief = Callable[[int, int, bytes], bytes]
"""What reader n (from 0) is sent instead of line m (from 0)."""


def honest(_reader: int, _line: int, said: bytes) -> bytes:
    return said


class _Room:
    """One room, whose members are told every line in one order."""

    def __init__(self, mischief: Mischief) -> None:
        self._mischief = mischief
        self._members: list[socket.socket] = []
        self._lines = 0
        self._lock = threading.Lock()

    def enter(self, who: socket.socket, greeting: bytes) -> None:
        with self._lock:
            self._members.append(who)
            who.sendall(greeting)

    def say(self, line: bytes) -> None:
        with self._lock:
            for reader, member in enumerate(self._members):
                member.sendall(self._mischief(reader, self._lines, line))
            self._lines += 1


def _serve(who: socket.socket, room: _Room) -> None:
    with who, who.makefile("rb") as lines:
        try:
            room.enter(who, lines.readline())
            for line in lines:
                room.say(line)
        except OSError:
            pass  # the generator has left


@contextmanager
def chat(mischief: Mischief = honest) -> Iterator[int]:
    """The port on which it listens; everybody is in the same room."""
    room = _Room(mischief)
    threads: list[threading.Thread] = []

    def welcome(listener: socket.socket) -> None:
        while True:
            try:
                who = listener.accept()[0]
            except OSError:
                return
            threads.append(threading.Thread(target=_serve, args=(who, room)))
            threads[-1].start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threads.append(threading.Thread(target=welcome, args=(listener,)))
        threads[0].start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            for thread in threads:
                thread.join()
