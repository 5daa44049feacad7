"""A world with several machines, which share a store and hear of each other over a bus."""

from collections.abc import Iterator
from random import Random

from hubbub.check.promises import Stored
from hubbub.domain.ids import LogId, UserId, room_log
from simulation.carrier import Carrier
from simulation.cluster_actions import ClusterDirector
from simulation.devices import Device, Socket, Stream
from simulation.member import Member
from simulation.network import Wire
from simulation.node import Node, Scale, read_all, run_at_once
from simulation.people import ROOMS, Person
from simulation.truth import Truth
from simulation.world import LOGS, Outcome, World

_HOUR_MS = 3_600_000


PROMPT_SECONDS = 1.5
"""How soon the others hear of a message, at worst: half of what passes between comparisons of heads."""


WAITED_MS = 60_000
"""How long a message may wait for the database, at most."""


class ClusterWorld(World):
    KIND = "cluster"
    AT_ONCE = False
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
        """With a bus that loses nothing everybody hears at once what was posted anywhere, and not only when
        heads are compared."""
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

    # -- marks --------------------------------------------------------------

    def afterwards(self) -> None:
        """Everyone marks what they have read, at any node, and all their devices are told of it wherever they
        are connected."""
        if self.faults:
            return
        self.carrier.make_good()
        heads = self.heads()
        marked: list[tuple[Person, str, int]] = []
        for person in self.people:
            for room in ROOMS:
                seq = heads[room_log(room)]
                if person.marks_asked.get(room, 0) < seq:
                    self.mark(person, room, seq)
                    marked.append((person, room, seq))
        wires = {device: device.wire for device in self.devices if device.ready}
        self.go(PROMPT_SECONDS)
        for person, room, seq in marked:
            if person.marks_known.get(room) == seq:
                self._were_told(person, room, seq, wires)

    def _were_told(self, person: Person, room: str, seq: int, wires: dict[Device, Wire | None]) -> None:
        for device in person.devices:
            stayed = device.wire is not None and device.wire is wires.get(device)
            listens = isinstance(device, Socket | Stream) and None in device.wanted
            if stayed and listens and device.marks.get(room) != seq:
                self.fault("I8", f"{device.name} was not told of the mark {seq} in {room}")

    def stored_after_all(self) -> Stored:
        for person in self.people:
            rooms, _ = self.truth.call("followed", UserId(person.name), after=None, limit=100)
            stored_marks = {each.room: each.seq for each in rooms}
            for room, known in person.marks_known.items():
                if not known <= stored_marks.get(room, -1) <= person.marks_asked[room]:
                    self.fault("I1", f"{person.name}'s mark {known} in {room} is stored as {stored_marks}")
        was_put = any(what.startswith("the clock was put") for what in self.situations)
        if not was_put and not -WAITED_MS <= self.truth.earliest_ms <= self.truth.latest_ms <= 10:
            off = f"between {self.truth.earliest_ms} and {self.truth.latest_ms} ms"
            self.fault("clock", f"messages bore times that were {off} off when they were stored")
        for node in self.nodes:
            node.end()
        self.go(0)
        stored: Stored = run_at_once(read_all(self.truth.store, LOGS))
        return stored


def simulate(seed: int, *, trace: bool = False, first: bool = False) -> Outcome:
    return ClusterWorld(seed, trace=trace, first=first).run()
