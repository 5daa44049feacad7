"""A bus that loses, doubles, delays and reorders what it is given, and is away, or apart, for a while."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from itertools import combinations
from random import Random

from hubbub.bus.base import Changed, Heard
from simulation.schedule import ProcessLoop, Schedule

LISTEN_SECONDS = 0.5
"""How long who listens waits for that to be confirmed."""

NOTICED_SECONDS = 2.0
"""Within so long a node knows that the bus is away; and that it is back."""


class Carrier:
    """The bus's servers, and who is connected to them."""

    def __init__(self, schedule: Schedule, chance: Random, happened: Callable[[str], None]) -> None:
        self.schedule = schedule
        self.chance = chance
        self.happened = happened
        self.buses: dict[FaultyBus, None] = {}
        self._quick_seconds = chance.choice((0.0003, 0.003))
        self.away = False
        self.cut_off: dict[str, None] = {}
        """Nodes that cannot reach it."""
        self.apart: set[frozenset[str]] = set()
        """Nodes that do not hear each other, though both reach it: its own servers have lost each other."""
        self.make_good()

    def make_good(self) -> None:
        """It loses, doubles and delays nothing any more."""
        self.slowest_seconds = self._quick_seconds
        self.loses = self.doubles = self.delays = 0.0
        self.longest_delay_seconds = 0.4

    def heal(self) -> None:
        self.make_good()
        self.away = False
        self.cut_off.clear()
        self.apart.clear()
        self.looked_at()

    def part(self, nodes: list[str], chance: Random) -> None:
        """Some are on one side, the others on the other."""
        side = {node: chance.random() < 0.5 for node in nodes}
        self.apart = {frozenset(pair) for pair in combinations(nodes, 2) if side[pair[0]] != side[pair[1]]}

    def join(self, bus: "FaultyBus") -> None:
        self.buses[bus] = None

    def leave(self, bus: "FaultyBus") -> None:
        self.buses.pop(bus, None)

    def reaches(self, node: str) -> bool:
        return not self.away and node not in self.cut_off

    def latency(self) -> float:
        return 0.0001 + self.chance.random() * self.slowest_seconds

    def looked_at(self) -> None:
        """Something has changed, which is noticed some time."""
        for bus in self.buses:
            self.schedule.after(self.chance.random() * NOTICED_SECONDS, bus.look)

    def publish(self, sender: "FaultyBus", channel: str, message: bytes) -> None:
        """It has arrived here."""
        if not self.reaches(sender.node):
            self.happened("a message was sent to a bus that was away")
            return
        for bus in self.buses:
            if bus is sender or channel not in bus.subscribed:
                continue
            if frozenset((sender.node, bus.node)) in self.apart:
                self.happened("a message was for a node that was apart")
                continue
            for _ in range(self._copies()):
                late = (
                    self.chance.random() * self.longest_delay_seconds
                    if self.chance.random() < self.delays
                    else 0.0
                )
                self.schedule.after(self.latency() + late, bus.deliver, channel, message)

    def _copies(self) -> int:
        if self.chance.random() < self.loses:
            self.happened("the bus lost a message")
            return 0
        if self.chance.random() < self.doubles:
            self.happened("the bus doubled a message")
            return 2
        return 1


class FaultyBus:
    """A Bus, as one process has it.

    Always true: `subscribed` are the channels the servers know of, `wanted` those they are to know of.
    """

    def __init__(
        self, carrier: Carrier, node: str, loop: ProcessLoop, heard: Heard, changed: Changed
    ) -> None:
        self._carrier = carrier
        self.node = node
        self._loop = loop
        self._heard = heard
        self._changed = changed
        self.wanted: dict[str, None] = {}
        self.subscribed: dict[str, None] = {}
        self.up = carrier.reaches(node) and carrier.chance.random() < 0.7
        carrier.join(self)
        if not self.up:
            carrier.schedule.after(carrier.chance.random() * NOTICED_SECONDS, self.look)

    @property
    def settled(self) -> bool:
        """Whether it hears all that it wants to."""
        return self.up and self.wanted.keys() == self.subscribed.keys()

    async def close(self) -> None:
        self.gone()

    def gone(self) -> None:
        self._carrier.leave(self)

    # -- saying and hearing -------------------------------------------------

    def send(self, channel: str, message: bytes) -> None:
        if self.up:
            carrier = self._carrier
            carrier.schedule.after(carrier.latency(), carrier.publish, self, channel, message)

    def deliver(self, channel: str, message: bytes) -> None:
        if self._carrier.reaches(self.node):
            self._loop.poke(self._heard, channel, message)

    async def listen(self, channel: str) -> None:
        self.wanted[channel] = None
        if not self.up:
            return
        confirmed: asyncio.Future[None] = self._loop.create_future()
        self._carrier.schedule.after(self._carrier.latency(), self._listens, channel, confirmed)
        with suppress(TimeoutError):
            async with asyncio.timeout(LISTEN_SECONDS):
                await confirmed

    def _listens(self, channel: str, confirmed: asyncio.Future[None]) -> None:
        if self._carrier.reaches(self.node) and channel in self.wanted:
            self.subscribed[channel] = None
            self._carrier.schedule.after(self._carrier.latency(), self._loop.poke, _confirm, confirmed)

    def unlisten(self, channel: str) -> None:
        self.wanted.pop(channel, None)
        self._carrier.schedule.after(self._carrier.latency(), self._listens_no_more, channel)

    def _listens_no_more(self, channel: str) -> None:
        if channel not in self.wanted:
            self.subscribed.pop(channel, None)

    # -- up and away --------------------------------------------------------

    def look(self) -> None:
        """See whether the servers are there, if nobody has noticed yet."""
        there = self._carrier.reaches(self.node)
        if there:
            self.subscribed = dict(self.wanted)  # by a new connection, or by what the old one sends again
        else:
            self.subscribed = {}
        if there != self.up:
            self._loop.poke(self._turns, there)

    def _turns(self, up: bool) -> None:
        if up != self.up:
            self.up = up
            self.subscribed = dict(self.wanted) if up else {}
            self._carrier.happened("a node " + ("found the bus again" if up else "lost the bus"))
            self._changed(up)


def _confirm(confirmed: asyncio.Future[None]) -> None:
    if not confirmed.done():
        confirmed.set_result(None)
