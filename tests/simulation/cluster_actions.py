"""What is done to a world of several machines, beside what is done to one: to the machines, to the roads to
their database, and to the bus."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from simulation.actions import READ, ROAD, TALK, Director
from simulation.people import NAMES, ROOMS, Person

if TYPE_CHECKING:
    from simulation.cluster_world import ClusterWorld
    from simulation.member import Member

MACHINES = ("kill", "kill", "doom", "doom", "stop", "freeze", "freeze", "clock")
MARKS = ("mark", "mark", "mark")
DATABASE = (
    "away_from_one",
    "away_from_all",
    "lose_answers",
    "lose_answers",
    "slow_database",
    "fill_database",
)
BUS = ("bus_away", "bus_away_from_one", "part", "part", "lose", "lose", "double", "delay", "delay")
TIME = ("trim", "trim")


class ClusterDirector(Director):
    world: ClusterWorld
    GROUPS = (
        (TALK, 0.7),
        (READ, 0.8),
        (MARKS, 0.4),
        (ROAD, 0.4),
        (MACHINES, 0.5),
        (DATABASE, 0.4),
        (BUS, 0.7),
        (TIME, 0.4),
    )

    _words_due = 0

    def _node(self) -> Member:
        return self.chance.choice(self.world.nodes)

    def heal(self) -> None:
        """The bus may be the last to get well: what was said meanwhile is found by comparing heads alone."""
        super().heal()
        if self.chance.random() < 0.4:
            self.world.carrier.loses = 0.9
            for room in ROOMS:
                self._post_new(self._someone(), room=room)
            self._later(0.5, self.world.carrier.make_good)

    def last_words(self) -> None:
        """Over a bus that loses nothing, but has its ways; and many come anew just then."""
        chance, carrier = self.chance, self.world.carrier
        carrier.slowest_seconds = max(carrier.slowest_seconds, chance.choice((0.0, 0.05, 0.2)))
        carrier.delays, carrier.longest_delay_seconds = 0.5, chance.choice((0.01, 0.1))
        carrier.doubles = 0.3
        come_anew = chance.choice((0.3, 1.0))
        for device in self.world.devices:
            if device.wire is not None and chance.random() < come_anew:
                device.wire.reset()
        places: list[tuple[str | None, str | None]] = [*((room, None) for room in ROOMS)]
        places += [(None, name) for name in NAMES]
        for room, to in places:
            when = chance.random() * 0.5
            for speaker in chance.sample(self.world.people, 2):
                self._words_due += 1
                self._later(when + chance.random() * 0.01, partial(self._speak, speaker, room, to))

    def _speak(self, person: Person, room: str | None, to: str | None) -> None:
        self._words_due -= 1
        self._post_new(person, room=room, to=to)

    @property
    def is_about_to_speak(self) -> bool:
        return self._words_due > 0

    # -- marks --------------------------------------------------------------

    def _mark(self) -> None:
        """Of what was read on any device."""
        person, room = self._someone(), self.chance.choice(ROOMS)
        seqs = [seq for device in person.devices if (seq := device.stands_at(room))]
        if seqs:
            self.world.mark(person, room, self.chance.choice(seqs))

    # -- machines -----------------------------------------------------------

    def _doom(self) -> None:
        self._node().dooms(self._doomed(("callback", "send")))

    def _freeze(self) -> None:
        self._node().freeze(self.chance.choice((0.05, 0.5, 4.0)))

    # -- the database -------------------------------------------------------

    def _away_from_one(self) -> None:
        truth, node = self.world.truth, self._node().name
        truth.cut_off[node] = None
        self._later(self.chance.random() * 6, lambda: truth.cut_off.pop(node, None))

    def _away_from_all(self) -> None:
        self.world.truth.away = True
        self._later(self.chance.random() * 4, self._database_back)

    def _database_back(self) -> None:
        self.world.truth.away = False

    def _lose_answers(self) -> None:
        truth = self.world.truth
        truth.loses_answers = self.chance.choice((0.05, 0.3, 1.0))
        self._later(self.chance.random() * 3, lambda: setattr(truth, "loses_answers", 0.0))

    def _slow_database(self) -> None:
        truth = self.world.truth
        truth.slowest_seconds = self.chance.choice((0.05, 0.4))
        self._later(self.chance.random() * 3, truth.be_quick)

    def _fill_database(self) -> None:
        truth = self.world.truth
        truth.full = True
        self._later(self.chance.random() * 2, lambda: setattr(truth, "full", False))

    # -- the bus ------------------------------------------------------------

    def _bus_away(self) -> None:
        carrier = self.world.carrier
        carrier.away = True
        carrier.looked_at()
        self._later(self.chance.random() * 5, self._bus_back)

    def _bus_back(self) -> None:
        self.world.carrier.away = False
        self.world.carrier.looked_at()

    def _bus_away_from_one(self) -> None:
        carrier, node = self.world.carrier, self._node().name
        carrier.cut_off[node] = None
        carrier.looked_at()
        self._later(self.chance.random() * 5, lambda: self._bus_back_for(node))

    def _bus_back_for(self, node: str) -> None:
        self.world.carrier.cut_off.pop(node, None)
        self.world.carrier.looked_at()

    def _part(self) -> None:
        carrier = self.world.carrier
        carrier.part([node.name for node in self.world.nodes], self.chance)
        self._later(self.chance.random() * 5, carrier.apart.clear)

    def _lose(self) -> None:
        self.world.carrier.loses = self.chance.choice((0.1, 0.5, 0.9))
        self._later(self.chance.random() * 5, self.world.carrier.make_good)

    def _double(self) -> None:
        self.world.carrier.doubles = self.chance.choice((0.3, 1.0))
        self._later(self.chance.random() * 5, self.world.carrier.make_good)

    def _delay(self) -> None:
        self.world.carrier.delays = self.chance.choice((0.1, 0.5))
        self._later(self.chance.random() * 5, self.world.carrier.make_good)
