"""What a server hears of the others that share its store, and they of it."""

import asyncio
from contextlib import AsyncExitStack
from typing import Self

from hubbub.backends import Backend, Seams, open_bus
from hubbub.bus.alone import NoBus
from hubbub.bus.base import Bus
from hubbub.config import Config
from hubbub.hub import Hub
from hubbub.hub.relay import Relay
from hubbub.service.limits import Limits, Taken, uncounted
from hubbub.service.spending import CHANNEL as LIMITS_CHANNEL
from hubbub.service.spending import Spending
from hubbub.service.tokens import opaque_id

_NAME_CHARACTERS = 6


class Membership:
    """One node of a cluster; or of none, where a server has its store for itself.

    Always true: with a store that is shared there are a relay and a spending from `begin` on.
    """

    def __init__(self, bus: Bus | None = None) -> None:
        """Of a bus that calls `heard` and `changed`; None where the store is not shared."""
        self.bus = bus
        self.relay: Relay | None = None
        self._spending = Spending(bus) if bus else None

    @classmethod
    async def join(cls, stack: AsyncExitStack, config: Config, epoch: str, seams: Seams) -> Self:
        """Be heard of by those who share the store. What is heard before `begin` is passed over.

        Raises StoreUnusable where the bus's client is not installed.
        """
        if config.database is None:
            return cls()
        if not config.bus:
            return cls(NoBus())
        name = f"hubbub-{opaque_id(seams.randomness, _NAME_CHARACTERS)}"
        member: Self | None = None

        def heard(channel: str, message: bytes) -> None:
            if member is not None:
                member.heard(channel, message)

        def changed(up: bool) -> None:
            if member is not None and member.relay is not None:
                member.relay.bus_changed(up)

        member = cls(await open_bus(stack, config, epoch, name, heard=heard, changed=changed))
        return member

    @property
    def taken(self) -> Taken:
        """Told of what limits allow here."""
        return self._spending.taken if self._spending else uncounted

    def begin(self, hub: Hub, limits: Limits, backend: Backend, seams: Seams) -> None:
        """From here on others hear what this hub says, and this hub what they do."""
        if self.bus is None or self._spending is None:
            return
        self._spending.charge_to(limits)
        self.relay = Relay(
            hub,
            self.bus,
            backend.store,
            monotonic=seams.monotonic,
            soon=asyncio.get_running_loop().call_soon,
        )

    def heard(self, channel: str, message: bytes) -> None:
        """Something was said on the bus."""
        if channel == LIMITS_CHANNEL:
            if self._spending is not None:
                self._spending.heard(message)
        elif self.relay is not None:
            self.relay.heard(message)

    async def keep(self) -> None:
        """Look after it, for as long as the server runs."""
        if self.relay is not None and self._spending is not None:
            await asyncio.gather(self.relay.watch(), self._spending.keep_telling())
