"""What is said to WebSocket clients in one turn of the loop: one write a connection, however many replies.

A write costs the kernel more than all else that a reply costs here. Who posts mostly listens as well, so most
replies go out together with the events that the same connection is about to be written.
"""

from collections.abc import Callable
from typing import Protocol


class Speaker(Protocol):
    """A connection that keeps what it is to say."""

    def send_unsaid(self) -> None:
        """Write it, unless something that was written since has taken it along."""
        ...


class Outbox:
    """Always true: who stands here is asked to `send_unsaid` in this turn of the loop or the next."""

    def __init__(self, soon: Callable[[Callable[[], None]], object]) -> None:
        """`soon` calls what it is given in the next turn of the loop."""
        self._soon = soon
        self._speakers: list[Speaker] = []

    def add(self, speaker: Speaker) -> None:
        if not self._speakers:
            self._soon(self.send)
        self._speakers.append(speaker)

    def send(self) -> None:
        """Have everyone write what is still unsaid."""
        speakers, self._speakers = self._speakers, []
        for speaker in speakers:
            speaker.send_unsaid()
