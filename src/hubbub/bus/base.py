"""What a bus promises, whichever it is.

A bus is a hint and never the truth: what is lost on it is found in the database, a moment later.
"""

from collections.abc import Callable
from typing import Protocol

Changed = Callable[[bool], None]
"""Told whether the bus is up now."""

Heard = Callable[[str, bytes], None]
"""Told the channel and the message. Must neither wait nor raise."""


class Bus(Protocol):
    """Channels on which every node hears the others.

    Promises (`tests/bus/test_contract.py` holds every bus to them):
      * `send` neither waits nor raises; whatever it is given may be lost, come twice, late or out of order;
      * a node never hears what it sent itself;
      * while the bus is `up`, what others send on a channel after `listen` has returned is mostly heard;
      * what it holds back for a server that is away is bounded: beyond that messages are lost.

    A bus calls the `heard` it was opened with for each message, in the loop it was opened in, and the
    `changed` whenever `up` changes.
    """

    @property
    def up(self) -> bool:
        """Whether there is anyone to carry messages, as far as is known now."""
        ...

    def send(self, channel: str, message: bytes) -> None:
        """`channel`: letters, digits, `-` and `.`. `message`: up to MAX_MESSAGE_BYTES."""
        ...

    async def listen(self, channel: str) -> None:
        """Hear this channel from now on. Does not wait for a bus that is away, and asks for it when it is
        back."""
        ...

    def unlisten(self, channel: str) -> None: ...

    async def close(self) -> None: ...


MAX_MESSAGE_BYTES = 512 * 1024
"""Half of what a NATS server takes by default."""
