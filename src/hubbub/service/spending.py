"""What people did on one node, told to the others, so that limits hold for all of them together.

Nobody is asked before something is allowed: nodes tell each other ten times a second what they allowed, and
count it as if it had been asked of them. So within such a moment each node allows by itself; and while the
bus is away, for as long.
"""

import asyncio
from collections import Counter

import msgspec

from hubbub.bus.base import MAX_MESSAGE_BYTES, Bus
from hubbub.service.limits import Limits

CHANNEL = "limits"

TELL_SECONDS = 0.1

_MOST_AT_ONCE = MAX_MESSAGE_BYTES // 256
"""Keys in one message: each has fewer bytes than that, names being short."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[tuple[str, str, int]]).decode


class Spending:
    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._limits: Limits | None = None
        self._untold: Counter[tuple[str, str]] = Counter()

    def charge_to(self, limits: Limits) -> None:
        """Where that is counted which others allowed."""
        self._limits = limits

    def taken(self, policy: str, key: str, cost: int) -> None:
        """Something was allowed here."""
        if self._bus.up:
            self._untold[policy, key] += cost

    def heard(self, message: bytes) -> None:
        """Something was allowed on another node."""
        if self._limits is None:
            return
        try:
            said = _decode(message)
        except msgspec.MsgspecError:
            return  # of a version that counts otherwise
        for policy, key, cost in said:
            self._limits.charge(policy, key, cost)

    def tell(self) -> None:
        """Tell the others now."""
        untold, self._untold = self._untold, Counter()
        said = [(policy, key, cost) for (policy, key), cost in untold.items() if cost]
        for first in range(0, len(said), _MOST_AT_ONCE):
            self._bus.send(CHANNEL, _encode(said[first : first + _MOST_AT_ONCE]))

    async def keep_telling(self) -> None:
        """For as long as the server runs."""
        await self._bus.listen(CHANNEL)
        while True:
            await asyncio.sleep(TELL_SECONDS)
            self.tell()
