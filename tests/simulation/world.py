"""One world: machines, a network, people, and everything that is done to them, all from one seed."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from random import Random
from typing import TYPE_CHECKING

import msgspec

from hubbub.check import Fault, broken
from hubbub.check.promises import Stored, first, last
from hubbub.domain.errors import HubbubError
from hubbub.domain.ids import LogId, UserId, inbox_log, room_log
from hubbub.protocol.frames import GapFrame, LogFrame
from hubbub.storage.errors import StoreUnusable
from simulation import probes, speech
from simulation.actions import Director
from simulation.devices import Asking, Device, Polling, Socket, Stream, log_paths
from simulation.hearing import listening
from simulation.image import image, place
from simulation.network import Network
from simulation.node import Node, Scale, troubles_of
from simulation.people import NAMES, ROOMS, Person
from simulation.schedule import Endless, Schedule

if TYPE_CHECKING:
    from hubbub.check.ledger import Receipt
    from hubbub.hub import Subscription

SETTLING_SECONDS = 60.0
"""Within so long after the last fault everybody has caught up."""

LEAVING_SECONDS = 45.0
"""Within so long after everybody left, also without a word, nothing of them is left."""

_STEPS = 200_000

LOGS: list[LogId] = [*(room_log(room) for room in ROOMS), *(inbox_log(UserId(name)) for name in NAMES)]


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a seed."""

    seed: int
    kind: str
    """Of world."""
    faults: list[Fault]
    situations: Counter[str]
    actions: int
    deliveries: int
    acknowledged: int
    virtual_seconds: float
    digest: str
    """Of the trace."""


class _Enough(Exception):
    """A fault was found, and one is enough."""


class World:
    """Of some kind: how many machines there are, and what they stand on, is told by who builds on this."""

    KIND = ""
    AT_ONCE = True
    """Whether the store's answers take no time."""
    LOOK_SECONDS = 0.5

    def __init__(self, seed: int, *, trace: bool = False, first: bool = False) -> None:
        """`first`: the first fault is enough."""
        self.seed = seed
        self._trace = trace
        self._first = first
        self._digest = hashlib.blake2b(digest_size=16)
        self.faults: list[Fault] = []
        self.situations: Counter[str] = Counter()
        self.schedule = Schedule()
        self.root = place()
        self.image, self.epoch = image()
        self.network = Network(self.schedule, self.chance_for("network"), self.happened)
        self.nodes = self.machines()
        self.scale = self.sizes()
        self.people = [Person(self, name) for name in NAMES]
        self.deliveries = 0
        self.calm = False
        """No more is done to anybody: all there is to do is to settle."""
        self._unread: list[tuple[Person, Receipt]] = []
        self._pages: list[tuple[str, LogId, list[LogFrame]]] = []
        self._chance = self.chance_for("world")
        self.director = self.fate()

    def chance_for(self, what: str) -> Random:
        return Random(f"{self.seed} {what}")

    # -- for those who build on this ----------------------------------------

    def machines(self) -> Sequence[Node]:
        raise NotImplementedError

    def sizes(self) -> Scale:
        return Scale.chosen(self.chance_for("scale"))

    def begin(self) -> None:
        """Before any machine starts."""

    def unsettled(self) -> Iterator[str]:
        """What else has not come to rest."""
        return iter(())

    def afterwards(self) -> None:
        """When all has settled."""

    def look(self) -> None:
        """After each little while that the last words take."""

    def finish(self) -> None:
        """At the very end."""

    def fate(self) -> Director:
        """What is done to it."""
        raise NotImplementedError

    def node_for(self, chance: Random) -> Node:
        """Whom a client turns to."""
        raise NotImplementedError

    def heads(self) -> dict[LogId, int]:
        """How far the logs have come. Raises HubbubError."""
        raise NotImplementedError

    def heal(self) -> None:
        """All is well with what the machines stand on."""
        raise NotImplementedError

    def stored_after_all(self) -> Stored:
        """What is there when the machines go down for good."""
        raise NotImplementedError

    @property
    def starts(self) -> int:
        """Of all machines together."""
        return sum(node.starts for node in self.nodes)

    def subscriptions(self) -> Iterator[Subscription]:
        return (sub for node in self.nodes for sub in node.subscriptions())

    # -- what is noted ------------------------------------------------------

    def tell(self, text: str) -> None:
        line = f"{self.schedule.now:11.6f}  {text}"
        self._digest.update(line.encode() + b"\n")
        if self._trace:
            print(line)

    def happened(self, what: str) -> None:
        """A situation was met."""
        self.situations[what] += 1
        self.tell(f"- {what}")

    def fault(self, invariant: str, text: str) -> None:
        if len(self.faults) < 20:
            self.faults.append(Fault(invariant, text))
        self.tell(f"FAULT {invariant}: {text}")
        self.schedule.halted = self._first

    def delivered(self, device: Device, frame: LogFrame) -> None:
        self.deliveries += 1
        if isinstance(frame, GapFrame):
            self.happened(f"a gap was told to a {type(device).__name__.lower()}")
        self.tell(f"{device.name} < {frame.room if hasattr(frame, 'room') else None} {last(frame)}")

    # -- devices ------------------------------------------------------------

    @property
    def devices(self) -> Iterator[Device]:
        return (device for person in self.people for device in person.devices)

    def of_kind(self, kind: type) -> list:
        return [device for device in self.devices if type(device) is kind]

    def asking_of(self, person: Person) -> Asking:
        return next(device for device in person.devices if type(device) is Asking)

    def reads_back(self, person: Person, receipt: Receipt) -> None:
        """What was acknowledged can be read at once."""
        if self._chance.random() > 0.15:
            return

        def answered(status: int, fields: dict[str, str], body: bytes) -> None:
            if status == 200:
                found = speech.decode_log_frame(body)
                person.ledger.reads_back(receipt, found)
                self.happened("what was acknowledged was read back")
            elif status == 404:
                self._unread.append((person, receipt))
            elif status not in (401, 429, 503, 408):
                self.fault("I6", f"reading {receipt} back was answered {status}")

        self.asking_of(person).ask("GET", f"{log_paths(receipt.log)}/{receipt.seq}", answered)

    def pages(self, person: Person, room: str, query: str) -> None:
        """Read a page of the past."""

        def answered(status: int, fields: dict[str, str], body: bytes) -> None:
            if status == 200:
                frames = speech.decode_page(body)
                self._pages.append((f"{person.name}'s page {query} of {room}", room_log(room), frames))
                self.happened("a page of the past was read")
                if "before" in query and frames and first(frames[0]) > 1 and self._chance.random() < 0.7:
                    self.pages(person, room, f"before={first(frames[0])}&limit=3")
            elif status not in (401, 409, 429, 503, 408):
                self.fault("wire", f"page {query} of {room} was answered {status}")

        self.asking_of(person).ask("GET", f"/room/{room}/messages?{query}", answered)

    def mark(self, person: Person, room: str, seq: int) -> None:
        """Say that it was read."""
        person.marks_asked[room] = max(seq, person.marks_asked.get(room, 0))

        def answered(status: int, fields: dict[str, str], body: bytes) -> None:
            if status == 200:
                now = msgspec.json.decode(body)["seq"]
                least = max(seq, person.marks_known.get(room, 0))
                if not seq <= now <= person.marks_asked[room]:
                    self.fault("I3", f"{person.name}'s mark in {room} is {now}, {seq} was asked for")
                person.marks_known[room] = max(least, now)
            elif status not in (401, 429, 503, 408):
                self.fault("wire", f"{person.name}'s mark {seq} in {room} was answered {status} {body!r}")

        self.asking_of(person).ask("PUT", f"/room/{room}/mark", answered, body=speech.as_json({"seq": seq}))

    # -- the course of it ---------------------------------------------------

    def run(self) -> Outcome:
        try:
            with (
                self.scale.applied(),
                probes.watching(self.happened, self.fault, self.subscriptions, at_once=self.AT_ONCE),
                listening(self._bug),
            ):
                self._begin()
                self._suffer()
                self._settle()
                self.afterwards()
                self._leave()
                self._judge()
        except _Enough:
            pass
        except Endless as error:
            self.fault("I8", f"no rest: {error}")
        except StoreUnusable as error:
            self.fault("I1", f"the store cannot be opened: {error}")
        except Exception as error:
            error.add_note(f"in seed {self.seed}")
            raise
        finally:
            with listening(lambda text: None):
                for node in self.nodes:
                    node.cut_short()
            self.finish()
            shutil.rmtree(self.root, ignore_errors=True)
        return Outcome(
            seed=self.seed,
            kind=self.KIND,
            faults=self.faults,
            situations=self.situations,
            actions=self.director.done,
            deliveries=self.deliveries,
            acknowledged=sum(len(person.ledger.receipts) for person in self.people),
            virtual_seconds=self.schedule.now,
            digest=self._digest.hexdigest(),
        )

    def _bug(self, text: str) -> None:
        """The server logged something that should not be."""
        loop = asyncio._get_running_loop()
        speaks = next((node.running for node in self.nodes if node.loop is loop), None)
        if speaks is None or speaks.broken is None:
            self.fault("bug", text)

    def _begin(self) -> None:
        self.begin()
        for node in self.nodes:
            node.start()
        self.director.gather()

    def _suffer(self) -> None:
        self.director.begin()
        while not self.director.over:
            self.go(0.5)

    def go(self, seconds: float) -> None:
        self.schedule.run(self.schedule.now + seconds, steps=_STEPS)
        if self.schedule.halted:
            raise _Enough

    def _settle(self) -> None:
        self.tell("all faults are over")
        self.calm = True
        self.director.heal()
        until = self.schedule.now + SETTLING_SECONDS
        while self.schedule.now < until:
            self.go(0.5)
            self.director.see_through()
            if self._settled():
                break
        else:
            for what in self._unsettled():
                self.fault("I8", f"after {SETTLING_SECONDS:.0f} s: {what}")
            return
        self.tell("all has settled; a last word to everyone")
        self.director.last_words()
        until = self.schedule.now + SETTLING_SECONDS
        while self.schedule.now < until:
            self.go(self.LOOK_SECONDS)
            self.look()
            self.director.see_through()
            if self._settled():
                return
        for what in self._unsettled():
            self.fault("I8", f"after the last word: {what}")

    def _settled(self) -> bool:
        return not any(True for _ in self._unsettled())

    def _unsettled(self) -> Iterator[str]:
        for node in self.nodes:
            if not node.up or node.running is None:
                yield f"{node.name} is not up"
                return
        yield from self.unsettled()
        try:
            heads = self.heads()
        except HubbubError as error:
            yield f"the store cannot be read: {error!r} {error.__cause__!r}"
            return
        for person in self.people:
            for saying in person.sayings:
                if not saying.settled or saying.under_way:
                    yield f"nobody told {person.name} what became of {saying}"
        yield from self.behind(heads)
        for device in self.devices:
            if isinstance(device, Socket | Stream) and not device.ready:
                yield f"{device.name} is not connected"
            elif isinstance(device, Socket) and (device.asked or set(device.on) != set(device.wanted)):
                yield f"{device.name} waits for replies to {device.asked}"
            elif type(device) is Asking and not device.idle:
                yield f"{device.name} waits for answers"

    def behind(self, heads: dict[LogId, int]) -> Iterator[str]:
        for person in self.people:
            for reading in person.ledger.readings.values():
                if reading.stands_at is not None and reading.stands_at < heads[reading.log]:
                    yield f"{reading} stands at {reading.stands_at} of {heads[reading.log]}"

    def _leave(self) -> None:
        """Everybody goes, and nothing of them stays."""
        self.tell("everybody leaves")
        for device in self.devices:
            if self._chance.random() < 0.2 and device.wire is not None:
                device.stays = False
                if isinstance(device, Polling):
                    device.rest()
                device.wire.vanish()
            else:
                device.leave()
        until = self.schedule.now + LEAVING_SECONDS
        while self.schedule.now < until:
            self.go(1.0)
            if not any(True for _ in self._left_over()):
                return
        for what in self._left_over():
            self.fault("I9", f"left over after {LEAVING_SECONDS:.0f} s: {what}")

    def _left_over(self) -> Iterator[str]:
        for node in self.nodes:
            yield from (f"{what} of {node.name}" for what in node.left_over())

    # -- what is held against them ------------------------------------------

    def _judge(self) -> None:
        for node in self.nodes:
            for each in node.troubles:
                self.fault("bug", each)
            if node.loop is not None:
                for each in troubles_of(node.loop):
                    self.fault("bug", each)
        try:
            stored = self.stored_after_all()
        except HubbubError as error:
            self.fault("I1", f"what is stored cannot be read: {error!r}")
            return
        for person, receipt in self._unread:
            found = _at(stored[receipt.log], receipt.seq)
            if not isinstance(found, GapFrame):
                person.ledger.reads_back(receipt, None)
        for whose, log, frames in self._pages:
            for before, after in pairwise(frames):
                if first(after) != last(before) + 1:
                    self.fault("I2", f"{whose}: {first(after)} came after {last(before)}")
            for frame in frames:
                found = _at(stored[log], first(frame))
                if found != frame and not isinstance(found, GapFrame):
                    self.fault("I3", f"{whose}: {frame} was read, and {found} is stored")
        ledgers = [person.ledger for person in self.people]
        for fault in broken(ledgers, stored):
            self.fault(fault.invariant, fault.text)
        for node in self.nodes:
            for whose, most, bound in node.fullest:
                if most > bound:
                    self.fault("I7", f"{most} bytes waited for {whose}, and {bound} may")


def _at(events: list[LogFrame], seq: int) -> LogFrame | None:
    return next((each for each in events if first(each) <= seq <= last(each)), None)
