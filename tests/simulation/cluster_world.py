"""A world with several machines, which share a store and hear of each other over a bus."""

from collections.abc import Iterator
from random import Random

from hubbub.check.promises import Stored
from hubbub.domain.ids import LogId
from simulation.carrier import Carrier
from simulation.cluster_actions import ClusterDirector
from simulation.member import Member
from simulation.node import Node, Scale, read_all, run_at_once
from simulation.truth import Truth
from simulation.world import LOGS, Outcome, World

_HOUR_MS = 3_600_000


PROMPT_SECONDS = 1.5
"""How soon the others hear of a message, at worst: half of what passes between comparisons of heads."""


class ClusterWorld(World):
    LOOK_SECONDS = 0.1
    nodes: list[Member]
    director: ClusterDirector

    def machines(self) -> list[Member]:
        chance = self.chance_for("cluster")
        self.truth = Truth(
            self.schedule, self.root / "truth", self.image, self.chance_for("truth"), self.happened
        )
        self.carrier = Carrier(self.schedule, self.chance_for("carrier"), self.happened)
        self._said_at: float | None = None
        """Since when all that is being said has been said."""
        self._was_late = False
        self._clings = chance.random() < 0.3
        """Whether who comes back comes back to the same node, while it is there."""
        nodes = [self._machine(f"node {number}", chance) for number in range(1, chance.choice((2, 2, 3)) + 1)]
        for node in nodes[1:]:
            node.be_like(nodes[0])
        return nodes

    def _machine(self, name: str, chance: Random) -> Member:
        node = Member(
            name, self.schedule, self.truth, self.carrier, self.chance_for(name), self.happened, self.tell
        )
        node.clock.ahead_ms = chance.choice((0, 0, -_HOUR_MS, 40, 90_000))
        return node

    def sizes(self) -> Scale:
        return Scale.of_a_cluster(self.chance_for("scale"))

    def fate(self) -> ClusterDirector:
        return ClusterDirector(self, self.chance_for("actions"))

    def node_for(self, chance: Random) -> Node:
        if self._clings:
            up = [node for node in self.nodes if node.up]
            if up:
                return up[0]
        return chance.choice(self.nodes)

    def heads(self) -> dict[LogId, int]:
        return {log: self.truth.call("head", log) for log in LOGS}

    def heal(self) -> None:
        self.truth.heal()
        self.carrier.heal()
        for node in self.nodes:
            node.thaw()

    def begin(self) -> None:
        self.truth.open()

    def finish(self) -> None:
        self.truth.close()

    def unsettled(self) -> Iterator[str]:
        if self.director.is_about_to_speak:
            yield "the last word is not said yet"
        for node in self.nodes:
            if node.bus is None or not node.bus.settled:
                yield f"{node.name} does not hear all it wants to"

    # -- how soon it is heard -----------------------------------------------

    def look(self) -> None:
        """With a bus that loses nothing everybody hears at once what was posted to any node, not only when heads
        are compared."""
        if self.director.is_about_to_speak or not self._is_all_said():
            self._said_at = None
        elif self._said_at is None:
            self._said_at = self.schedule.now
        elif self.schedule.now > self._said_at + PROMPT_SECONDS and not self._was_late:
            for what in self.behind(self.heads()):
                self._was_late = True
                self.fault("I8", f"{what}, {PROMPT_SECONDS} s after all was said, and the bus lost nothing")

    def _is_all_said(self) -> bool:
        return not any(
            saying.under_way or not saying.settled for each in self.people for saying in each.sayings
        )

    def stored_after_all(self) -> Stored:
        for node in self.nodes:
            node.end()
        self.go(0)
        stored: Stored = run_at_once(read_all(self.truth.store, LOGS))
        return stored


def simulate(seed: int, *, trace: bool = False, first: bool = False) -> Outcome:
    return ClusterWorld(seed, trace=trace, first=first).run()
