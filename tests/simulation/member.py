"""A machine that shares its store with others, and hears of them over a bus."""

from collections.abc import Callable
from random import Random
from typing import Any

from hubbub.app import Running
from hubbub.backends import Backend, Seams
from hubbub.membership import Membership
from hubbub.storage.postgres.clock import Clock
from simulation.carrier import Carrier, FaultyBus
from simulation.node import Node, run_at_once
from simulation.schedule import ProcessLoop, Schedule
from simulation.truth import SharedStore, Truth

_OWN_TASKS = 2
"""Looking after the relay and the spending."""


class Member(Node):
    """Its ground is a store on the way to the truth, and a bus."""

    def __init__(
        self,
        name: str,
        schedule: Schedule,
        truth: Truth,
        carrier: Carrier,
        chance: Random,
        happened: Callable[[str], None],
        tell: Callable[[str], None],
    ) -> None:
        super().__init__(schedule, chance, happened, tell)
        self.name = name
        self.truth = truth
        self.carrier = carrier
        self.store: SharedStore | None = None
        self.bus: FaultyBus | None = None

    def be_like(self, other: Node) -> None:
        """Nodes of one cluster have the same settings."""
        self.settings = other.settings
        self.session_seconds = other.session_seconds
        self._posts = other._posts

    def start(self) -> None:
        if self.truth.reaches(self.name):
            super().start()
        else:
            self.happened("a node could not start without the database")
            self.schedule.after(0.5, self.start)

    def freeze(self, seconds: float) -> None:
        """Stop the process, and let it go on after so long."""
        if self.loop is not None:
            self.happened("a node was frozen")
            self._tell(f"{self.name} is frozen for {seconds:.2f} s")
            self.loop.freeze(seconds)
            self._stalled_at = self.schedule.now + seconds

    def thaw(self) -> None:
        if self.loop is not None:
            self.loop.thaw()

    def stalled_within(self, seconds: float) -> bool:
        troubled = self.store is not None and self.store.troubled_since(self.schedule.now - seconds)
        return troubled or super().stalled_within(seconds)

    def own_tasks(self, running: Running) -> int:
        return super().own_tasks(running) + _OWN_TASKS

    # -- what it stands on --------------------------------------------------

    def _open(self, loop: ProcessLoop, ground: Any, chance: Random) -> tuple[Backend, Membership, Seams]:
        member: Membership | None = None

        def heard(channel: str, message: bytes) -> None:
            if member is not None:
                member.heard(channel, message)

        def changed(up: bool) -> None:
            if member is not None and member.relay is not None:
                member.relay.bus_changed(up)

        seams = Seams(now_ms=self.clock.now_ms, monotonic=loop.time, randomness=chance.randbytes)
        clock = Clock(seams.now_ms, seams.monotonic)

        def measure(theirs_ms: int) -> None:
            run_at_once(clock.measure(_Said(theirs_ms)))

        measure(self.truth.now_ms())
        self.store = SharedStore(self.truth, self.name, loop, chance, measure)
        self.bus = FaultyBus(self.carrier, self.name, loop, heard, changed)
        member = Membership(self.bus)
        store = self.store
        backend = Backend(store=store, now_ms=clock.now_ms, audit=lambda: None, is_up=lambda: store.up)
        return backend, member, seams

    def _fall(self, *, power: bool) -> None:
        if self.bus is not None:
            self.bus.gone()
        self.bus = self.store = None


class _Said:
    """The connection that a clock is measured over, as far as it needs it."""

    def __init__(self, theirs_ms: int) -> None:
        self._theirs_ms = theirs_ms

    async def fetchval(self, sql: str) -> int:
        return self._theirs_ms
