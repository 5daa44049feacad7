"""What is done to a world: people talk, come and go, and everything fails that can.

Each seed chooses which kinds of things happen in it at all, how often, and how fast they follow each other:
a world in which all happens at once meets less than many worlds of few kinds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from hubbub.domain.ids import LogId, room_of
from simulation.devices import Asking, Device, Polling, Socket, Stream
from simulation.people import NAMES, ROOMS, Person, Saying

if TYPE_CHECKING:
    from random import Random

    from simulation.node import Node
    from simulation.world import World

_DAY_MS = 86_400_000
_SIGN_OUT_SECONDS = 1.1
"""How long after a sign-out a stream may still live: a second, and what a turn takes."""

TALK = ("say", "say", "say", "burst", "burst", "say_at_head", "say_twice", "retry", "reuse_key", "keyless")
READ = ("page", "unsubscribe", "listen", "beyond", "leave", "come", "sign_out", "sign_out")
ROAD = ("reset", "cut_amid", "black_hole", "vanish", "slow", "slow", "stop_reading", "mute")
MACHINE = ("kill", "kill", "cut_power", "cut_power", "doom", "doom", "doom", "stop", "doom_start")
DISK = ("bad_sync", "bad_write", "full_disk", "slow_disk", "slow_disk")
TIME = ("clock", "trim", "trim")


class Director:
    GROUPS: tuple[tuple[tuple[str, ...], float], ...] = (
        (READ, 0.8),
        (ROAD, 0.6),
        (MACHINE, 0.5),
        (DISK, 0.35),
        (TIME, 0.5),
    )
    """Kinds of things, and how likely a world is to have some of them."""

    def __init__(self, world: World, chance: Random) -> None:
        self.world = world
        self.chance = chance
        self.done = 0
        self.planned = chance.randint(30, 80)
        self._pause_seconds = chance.choice((0.02, 0.08, 0.25))
        self._keys = 0
        kinds: list[str] = list(TALK)
        for group, likely in self.GROUPS:
            if chance.random() < likely:
                kinds += chance.sample(group, chance.randint(1, len(group)))
        self._kinds = kinds
        self._longest_text = chance.choice((20, 300, 3000))
        self._left: list[Device] = []

    @property
    def over(self) -> bool:
        return self.done >= self.planned

    # -- the people ---------------------------------------------------------

    def gather(self) -> None:
        """Give everyone devices, and have them come."""
        chance = self.chance
        for person in self.world.people:
            first, second = person.sign_ins
            Asking(person, "script", second)
            for number in range(chance.choice((1, 1, 2))):
                Socket(person, f"socket {number}", chance.choice((first, second)), self._logs())
            for kind in ("sse", "ndjson"):
                if chance.random() < 0.6:
                    logs = self._logs() or {ROOMS[0]: 0}
                    Stream(person, kind, chance.choice((first, second)), kind, logs)
            if chance.random() < 0.4:
                Polling(person, "poll", chance.choice((first, second)), chance.choice(ROOMS), 0)
        for device in self.world.devices:
            if isinstance(device, Polling):
                device.poll()
            elif not isinstance(device, Asking) and chance.random() < 0.9:
                device.stay()
            else:
                self._left.append(device)

    def _logs(self) -> dict[str | None, int | None]:
        chance = self.chance
        return {where: chance.choice((0, 0, None)) for where in (*ROOMS, None) if chance.random() < 0.7}

    # -- the course ---------------------------------------------------------

    def begin(self) -> None:
        self.world.schedule.after(0.5 * self.chance.random(), self._act)

    def _act(self) -> None:
        if self.over or self.world.calm:
            return
        kind = self.chance.choice(self._kinds)
        self.done += 1
        self.world.tell(f"* {kind}")
        getattr(self, f"_{kind}")()
        pause = 0.0 if self.chance.random() < 0.3 else self.chance.expovariate(1 / self._pause_seconds)
        self.world.schedule.after(pause, self._act)

    def heal(self) -> None:
        world = self.world
        world.network.heal()
        world.heal()
        for node in world.nodes:
            node.dooms(None)
            node.next_doom = None
        for device in world.devices:
            if isinstance(device, Socket):
                device.mute = False
                for reading in device.person.ledger.readings.values():
                    if reading.name == device.name and reading.stands_at is not None:
                        device.listen_to(_where(reading.log))
            if isinstance(device, Polling):
                device.poll()
            elif not isinstance(device, Asking):
                device.stay()
            if device.wire is not None:
                device.wire.read_on()

    def see_through(self) -> None:
        """Send again what nobody knows about."""
        for person in self.world.people:
            for saying in person.unsettled()[:6]:
                self._post(person, saying)

    def last_words(self) -> None:
        """To every log, so that whoever says it listens has to hear it."""
        for person in self.world.people[:1]:
            for room in ROOMS:
                self._post_new(person, room=room)
            for name in NAMES:
                self._post_new(person, to=name)

    def _node(self) -> Node:
        return self.world.node_for(self.chance)

    # -- talking ------------------------------------------------------------

    def _someone(self) -> Person:
        return self.chance.choice(self.world.people)

    def _text(self) -> str:
        size = self.chance.randint(1, self._longest_text)
        return self.chance.choice(("x", "ä", "€ and ")) * (size // 2) + f" {self._keys}"

    def _post_new(
        self,
        person: Person,
        *,
        room: str | None = None,
        to: str | None = None,
        if_head: int | None = None,
        key: bool = True,
        times: int = 1,
    ) -> None:
        if room is None and to is None:
            if self.chance.random() < 0.65 or if_head is not None:
                room = self.chance.choice(ROOMS)
            else:
                to = self.chance.choice(NAMES)
        self._keys += 1
        saying = Saying(f"k{self._keys}" if key else None, self._text(), room=room, to=to, if_head=if_head)
        person.says(saying)
        for _ in range(times):
            self._post(person, saying)

    def _post(self, person: Person, saying: Saying) -> None:
        ways = [device for device in person.devices if isinstance(device, Socket) and device.ready]
        if ways and self.chance.random() < 0.75:
            self.chance.choice(ways).post(saying)
        else:
            self.world.asking_of(person).post(saying)

    def _say(self) -> None:
        self._post_new(self._someone())

    def _burst(self) -> None:
        person = self._someone()
        for _ in range(self.chance.randint(2, 8)):
            self._post_new(person)

    def _say_at_head(self) -> None:
        person = self._someone()
        room = self.chance.choice(ROOMS)
        known = [device.stands_at(room) for device in person.devices]
        heads = [seq for seq in known if seq is not None]
        self._post_new(person, room=room, if_head=max(heads, default=0))

    def _say_twice(self) -> None:
        self._post_new(self._someone(), times=2)

    def _keyless(self) -> None:
        self._post_new(self._someone(), key=False)

    def _retry(self) -> None:
        """Also of what was acknowledged long ago."""
        person = self._someone()
        keyed = [saying for saying in person.sayings if saying.key is not None and not saying.under_way]
        if keyed:
            self._post(person, self.chance.choice(keyed[-20:]))

    def _reuse_key(self) -> None:
        person = self._someone()
        known = [each for each in person.sayings if each.key is not None and each.acknowledged]
        sockets = [device for device in person.devices if isinstance(device, Socket)]
        if known and sockets:
            self.chance.choice(sockets).post_again(self.chance.choice(known), "something else")

    # -- reading ------------------------------------------------------------

    def _page(self) -> None:
        room = self.chance.choice(ROOMS)
        query = self.chance.choice(("limit=5", "after=0&limit=4", "limit=3"))
        seen = max((device.stands_at(room) or 0 for device in self.world.devices), default=0)
        if seen and self.chance.random() < 0.5:
            query = f"before={self.chance.randint(1, seen)}&limit=3"
        self.world.pages(self._someone(), room, query)

    def _socket(self) -> Socket:
        return self.chance.choice(self.world.of_kind(Socket))

    def _unsubscribe(self) -> None:
        socket = self._socket()
        if socket.on:
            socket.unsubscribe(self.chance.choice(list(socket.on)))

    def _listen(self) -> None:
        socket = self._socket()
        socket.listen_to(self.chance.choice((*ROOMS, None)))

    def _beyond(self) -> None:
        self._socket().subscribe_beyond(self.chance.choice((*ROOMS, None)))

    def _listener(self) -> Device | None:
        present = [
            device
            for device in self.world.devices
            if isinstance(device, Socket | Stream) and device.wire is not None
        ]
        return self.chance.choice(present) if present else None

    def _leave(self) -> None:
        device = self._listener()
        if device is not None:
            device.leave()
            self._left.append(device)

    def _come(self) -> None:
        if self._left:
            self._left.pop(self.chance.randrange(len(self._left))).stay()

    def _sign_out(self) -> None:
        person = self._someone()
        script = self.world.asking_of(person)
        sign_in = script.sign_in
        token, id = sign_in.token, sign_in.id

        def answered(status: int, fields: dict[str, str], body: bytes) -> None:
            if status == 204:
                sign_in.ended(token)
                self.world.happened("somebody signed out")
                self.world.schedule.after(_SIGN_OUT_SECONDS, self._none_live, id, self._as_started())

        if sign_in.alive and script.idle and script.ready and script.token == token:
            script.ask("DELETE", "/sessions/current", answered)

    def _as_started(self) -> dict[Node, int]:
        return {node: node.starts for node in self.world.nodes}

    def _none_live(self, id: str, starts: dict[Node, int]) -> None:
        for node, times in starts.items():
            if node.loop is None or node.starts != times or node.stalled_within(_SIGN_OUT_SECONDS):
                continue
            for end in node.ends:
                if node.session_listening(end) == id:
                    self.world.fault(
                        "I4", f"{end.wire.address} still listens, a second after {id} signed out"
                    )

    # -- the road -----------------------------------------------------------

    def _wired(self) -> Device | None:
        present = [device for device in self.world.devices if device.wire is not None]
        return self.chance.choice(present) if present else None

    def _later(self, seconds: float, act: Callable[[], None]) -> None:
        self.world.schedule.after(seconds, act)

    def _reset(self) -> None:
        device = self._wired()
        if device is not None and device.wire is not None:
            device.wire.reset()

    def _cut_amid(self) -> None:
        device = self._wired()
        if device is not None and device.wire is not None:
            pipe = self.chance.choice((device.wire.up, device.wire.down))
            pipe.passes = self.chance.randint(1, 600)

    def _black_hole(self) -> None:
        device = self._wired()
        if device is not None and device.wire is not None:
            device.wire.black_hole()
            self._later(self.chance.random() * 6, device.wire.let_through)

    def _vanish(self) -> None:
        device = self._wired()
        if device is not None and device.wire is not None:
            device.wire.vanish()

    def _slow(self) -> None:
        device = self._listener()
        if device is not None and device.wire is not None:
            device.wire.pace(self.chance.randint(20, 400), self.chance.choice((0.01, 0.1, 0.4)))

    def _stop_reading(self) -> None:
        device = self._listener()
        if device is not None and device.wire is not None:
            device.wire.stop_reading()
            self._later(self.chance.random() * 5, device.wire.read_on)

    def _mute(self) -> None:
        self._socket().mute = True

    # -- the machine --------------------------------------------------------

    def _kill(self) -> None:
        self._node().die(power=True)

    def _cut_power(self) -> None:
        self._node().die(power=False)

    def _doom(self) -> None:
        """At one of the next moments of a kind."""
        self._node().dooms(
            self._doomed(("callback", "send", "synced", "sync", "write", "written", "checkpoint"))
        )

    def _doom_start(self) -> None:
        """While it starts the next time."""
        self._node().next_doom = self._doomed(("written", "synced", "checkpoint", "checkpoint"))

    def _doomed(self, moments: tuple[str, ...]) -> tuple[str, int, bool]:
        return self.chance.choice(moments), self.chance.randint(0, 6), self.chance.random() < 0.3

    def _stop(self) -> None:
        self._node().stop()

    def _bad_sync(self) -> None:
        self.world.disk.failing = "sync"

    def _bad_write(self) -> None:
        self.world.disk.failing = "write"

    def _full_disk(self) -> None:
        self.world.disk.full = True
        self._later(self.chance.random() * 3, self._room_again)

    def _room_again(self) -> None:
        self.world.disk.full = False

    def _slow_disk(self) -> None:
        self.world.disk.slow_seconds = self.chance.choice((0.005, 0.05, 0.5))
        self._later(self.chance.random() * 2, self._fast_again)

    def _fast_again(self) -> None:
        self.world.disk.slow_seconds = 0.0

    # -- time ---------------------------------------------------------------

    def _clock(self) -> None:
        clock = self._node().clock
        jump_ms = self.chance.choice((-_DAY_MS, -2000, -50, 50, 2000, 2 * _DAY_MS))
        clock.ahead_ms += jump_ms
        self.world.happened("the clock was put " + ("forward" if jump_ms > 0 else "back"))

    def _trim(self) -> None:
        self._node().trim(self.chance.choice((0.0, 0.3, 2.0)))


def _where(log: LogId) -> str | None:
    return room_of(log)
