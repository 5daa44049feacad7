"""The devices people talk with: one that stays connected by WebSocket, one that listens to a stream, one that
asks now and then. Small clients without a loop: told what came, they say what goes out.

Each comes back by itself when its connection is lost, with the cursor of the last thing it was told.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import msgspec

from hubbub.check.promises import last
from hubbub.domain.ids import owner_of, room_of
from hubbub.protocol.frames import LogFrame
from simulation import speech
from simulation.people import Person, Saying, SignIn
from simulation.speech import Answers, Frames, Garbled, Lines

if TYPE_CHECKING:
    from hubbub.check import Reading
    from simulation.network import Wire

_PATIENCE_SECONDS = 8.0

Where = str | None
"""A room's id, or None for the inbox."""


class Device:
    """Always true: while it `stays` it is connected, or about to try."""

    def __init__(self, person: Person, name: str, sign_in: SignIn) -> None:
        self.person = person
        self.world = person.world
        self.name = f"{person.name}'s {name}"
        self.sign_in = sign_in
        self.chance = self.world.chance_for(self.name)
        self.wire: Wire | None = None
        self.ready = False
        self.stays = False
        self._coming = False
        self._attempts = 0
        self.marks: dict[str, int] = {}
        """How far its person has read in rooms, as it was told in passing."""
        person.devices.append(self)

    # -- for those who build on this ----------------------------------------

    def greets(self) -> None:
        """The connection is there."""

    def hears(self, data: bytes) -> None:
        """This came."""

    def left_alone(self) -> None:
        """The connection is gone."""

    # -- the connection -----------------------------------------------------

    def open(self) -> None:
        self._coming = False
        if self.wire is not None or not self.stays:
            return
        if not self.sign_in.renew():
            self.again()
            return
        self._attempts += 1
        self.token = self.sign_in.token
        self.wire = self.world.network.dial(
            self, self.world.node_for(self.chance), f"10.0.0.{1 + len(self.person.name)}"
        )
        self.world.schedule.after(_PATIENCE_SECONDS, self._impatient, self.wire)

    def stay(self) -> None:
        self.stays = True
        if self.wire is None:
            self.open()

    def again(self) -> None:
        """Try again, a little later."""
        if self.stays and not self._coming:
            self._coming = True
            longest = 0.25 * 2 ** min(self._attempts, 3)
            self.world.schedule.after(0.02 + self.chance.random() * longest, self.open)

    def _impatient(self, wire: Wire) -> None:
        if wire is self.wire and not self.ready:
            self.world.happened("a client lost its patience")
            wire.vanish()

    def connected(self) -> None:
        self._attempts = 0
        self.greets()

    def received(self, data: bytes) -> None:
        try:
            self.hears(data)
        except (Garbled, msgspec.DecodeError, UnicodeDecodeError) as error:
            self.fault(f"cannot make sense of what came: {error!r}")

    def lost(self, why: str) -> None:
        self.world.tell(f"{self.name}: {why}")
        self.wire = None
        self.ready = False
        self.left_alone()
        self.again()

    def leave(self) -> None:
        """Go, in peace."""
        self.stays = False
        self._drop()

    def _drop(self) -> None:
        wire, self.wire = self.wire, None
        if wire is not None:
            wire.close()
            self.ready = False
            self.left_alone()

    def say(self, data: bytes) -> None:
        if self.wire is not None:
            self.wire.write(data)

    def fault(self, text: str, invariant: str = "wire") -> None:
        self.world.fault(invariant, f"{self.name}: {text}")

    # -- the ledger ---------------------------------------------------------

    def reading(self, where: Where) -> Reading | None:
        return self.person.ledger.readings.get((self.name, self.person.log(where)))

    def stands_at(self, where: Where) -> int | None:
        reading = self.reading(where)
        return None if reading is None else reading.stands_at

    def begins(self, where: Where, after: int | None) -> None:
        self.person.ledger.opens(self.name, room=where, inbox=where is None, after=after)

    def told_mark(self, said: dict[str, Any], *, listens: bool) -> None:
        """In passing; `listens` to the inbox."""
        if not listens:
            self.fault(f"told {said} without listening to the inbox", "I4")
        room, seq = said["room"], said["seq"]
        if seq > self.person.marks_asked.get(room, -1):
            self.fault(f"told {said}, which {self.person.name} never read", "I3")
        self.marks[room] = seq
        self.world.happened("a mark was told")

    def reads(self, frame: LogFrame) -> None:
        self.world.delivered(self, frame)
        self.person.ledger.reads(self.name, frame)


def where_of(frame: Any) -> Where:
    return getattr(frame, "room", None)


# -- WebSocket --------------------------------------------------------------


class Socket(Device):
    """A WebSocket: posts, and listens to what it was told to."""

    def __init__(self, person: Person, name: str, sign_in: SignIn, wanted: dict[Where, int | None]) -> None:
        super().__init__(person, name, sign_in)
        self.wanted = wanted
        """What it listens to, and from where the first time; None: from the head."""
        self.asked: deque[tuple[int, str, Any]] = deque()
        self.on: dict[Where, None] = {}
        self.mute = False
        """It answers no ping any more."""
        self._ref = 0
        self._reset()

    def _reset(self) -> None:
        self._upgrade = _Upgrade(self)
        self._frames: Frames | None = None
        self._said_hello = False
        self._due: list[Where] = []
        self._over = False
        self.mute = False

    def after(self, where: Where) -> int | None:
        at = self.stands_at(where)
        return self.wanted.get(where) if at is None else at

    def greets(self) -> None:
        self._reset()
        path = "/ws"
        rooms = [where for where in self.wanted if where is not None]
        if self.wanted and self.chance.random() < 0.3:
            if len(self.wanted) == 1:
                (where,) = self.wanted
                after = self.after(where)
                path = f"/room/{where}/subscribe" if where else "/inbox/subscribe"
                path += "" if after is None else f"?after={after}"
                self._due = [where]
            else:
                parts = []
                for room in rooms:
                    after = self.after(room)
                    parts.append(f"room={room}" + ("" if after is None else f"@{after}"))
                if None in self.wanted:
                    after = self.after(None)
                    parts.append("inbox=" + ("" if after is None else str(after)))
                path = "/subscribe?" + "&".join(parts)
                self._due = [*rooms, *([None] if None in self.wanted else [])]
        self._from = {where: self.after(where) for where in self._due}
        self.say(speech.upgrade(path, self.token))

    def hears(self, data: bytes) -> None:
        if self._frames is None:
            data = self._upgrade.feed(data)
            if self._upgrade.status != 101:
                return
            self._frames = Frames()
        for opcode, payload in self._frames.feed(data):
            if opcode == 0x1:
                self._told(msgspec.json.decode(payload), payload)
            elif opcode == 0x9:
                if not self.mute:
                    self._frame(0xA, payload)
            elif opcode == 0x8:
                self._closed(int.from_bytes(payload[:2]) if payload else 1005)
            elif opcode != 0xA:
                self.fault(f"a frame of kind {opcode}")

    def refused(self, status: int, problem: str) -> None:
        """The upgrade was."""
        self.world.happened(f"an upgrade was answered {status}")
        if status == 401:
            self.sign_in.ended(self.token)
        elif status not in (429, 503):
            self.fault(f"the upgrade was answered {status} {problem}")
        self._drop()
        self.again()

    def _closed(self, code: int) -> None:
        self.world.tell(f"{self.name}: closed with {code}")
        if code == 4401:
            self.sign_in.ended(self.token)
        elif code not in (1012, 1011, 4429):
            self.fault(f"closed with {code}")
        if code == 1011:
            self.world.happened("a reader was told that its log cannot be read now")
        self._over = True
        self._frame(0x8, code.to_bytes(2))

    def left_alone(self) -> None:
        if self._frames is not None and self._frames.amid:
            self.world.happened("a connection broke amid a frame")
        asked, self.asked = self.asked, deque()
        for _, kind, what in asked:
            if kind == "post" and what is not None:
                self.person.lost(what)
        self.on.clear()

    # -- what it says -------------------------------------------------------

    def _frame(self, opcode: int, payload: bytes) -> None:
        chance = self.chance
        if opcode == 0x1 and len(payload) > 2 and chance.random() < 0.1:
            cut = chance.randint(1, len(payload) - 1)
            self.world.happened("a message came in fragments")
            self.say(speech.frame(0x1, payload[:cut], chance.randbytes(4), fin=False))
            if chance.random() < 0.5:
                self.say(speech.frame(0x9, b"are you there?", chance.randbytes(4)))
            self.say(speech.frame(0x0, payload[cut:], chance.randbytes(4)))
        else:
            self.say(speech.frame(opcode, payload, chance.randbytes(4)))

    def _ask(self, kind: str, what: Any, **request: Any) -> None:
        self._ref += 1
        self.asked.append((self._ref, kind, what))
        self._frame(0x1, speech.as_json({"type": kind, "ref": self._ref, **request}))

    def post(self, saying: Saying) -> bool:
        if not self.ready or self._over:
            return False
        self.person.begins(saying)
        self._ask(
            "post",
            saying,
            room=saying.room,
            to=saying.to,
            text=saying.text,
            key=saying.key,
            if_head=saying.if_head,
        )
        return True

    def post_again(self, saying: Saying, text: str) -> bool:
        """Another text under a key that was used."""
        if not self.ready or self._over:
            return False
        self._ask("post", None, room=saying.room, to=saying.to, text=text, key=saying.key)
        return True

    def subscribe(self, where: Where) -> None:
        after = self.after(where)
        given: Any = after
        if after is not None and self.chance.random() < 0.5:
            given = f"{self.world.epoch}:{after}"
        self._ask("subscribe", (where, after), room=where, inbox=where is None, after=given)

    def subscribe_beyond(self, where: Where) -> None:
        """From a cursor that nobody has reached."""
        if self.ready and not self._over and where not in self.on and where not in self._asked_for():
            self._ask("subscribe", None, room=where, inbox=where is None, after=1_000_000)

    def unsubscribe(self, where: Where) -> None:
        if self.ready and not self._over:
            self.wanted.pop(where, None)
            self._ask("unsubscribe", where, room=where, inbox=where is None)

    def listen_to(self, where: Where) -> None:
        if where not in self.wanted:
            self.wanted[where] = self.stands_at(where)
            # While it is being left its events may still come: it is known from where only after that.
            if self.ready and not self._over and where not in self._asked_to_leave():
                self.subscribe(where)

    def _ask_all(self) -> None:
        asked = self._asked_for()
        for where in self.wanted:
            if where not in self.on and where not in asked:
                self.subscribe(where)

    def _asked_for(self) -> list[Where]:
        return [what[0] for _, kind, what in self.asked if kind == "subscribe" and what is not None]

    def _asked_to_leave(self) -> list[Where]:
        return [what for _, kind, what in self.asked if kind == "unsubscribe"]

    # -- what it is told ----------------------------------------------------

    def _told(self, said: dict[str, Any], raw: bytes) -> None:
        kind = said["type"]
        if self._over:
            self.fault(f"told {kind} after the close")
        elif (kind == "hello") == self._said_hello:
            self.fault(f"told {kind} when a hello was {'told' if self._said_hello else 'due'}")
        elif kind == "hello":
            self._said_hello = True
            if not self._due:
                self._at_home()
        elif kind in speech.LOG_FRAMES:
            self._event(speech.decode_log_frame(raw))
        elif kind == "mark":
            self.told_mark(said, listens=None in self.on)
        elif kind == "bye":
            self.world.happened(f"a WebSocket was told bye: {said['reason']}")
        else:
            self._reply(kind, said)

    def _at_home(self) -> None:
        self.ready = True
        self._ask_all()

    def _event(self, frame: LogFrame) -> None:
        if where_of(frame) not in self.on:
            self.fault(f"told {frame}, which it does not listen to", "I4")
        self.reads(frame)

    def _reply(self, kind: str, said: dict[str, Any]) -> None:
        if self._due and kind == "subscribed" and "ref" not in said:
            where = self._due.pop(0)
            self._subscribed(where, self._from[where], said)
            if not self._due:
                self._at_home()
            return
        if not self.asked or self.asked[0][0] != said.get("ref"):
            self.fault(f"told {said}, when the next reply was due to {self.asked[0] if self.asked else None}")
            return
        _, asked, what = self.asked.popleft()
        if kind == "error":
            self._no(asked, what, said)
        elif kind == "subscribed" and asked == "subscribe" and what is not None:
            self._subscribed(*what, said)
        elif kind == "unsubscribed" and asked == "unsubscribe":
            self.on.pop(what, None)
            self.world.happened("a log was unsubscribed")
            if what in self.wanted and what not in self._asked_to_leave():
                self.subscribe(what)
        elif kind == "posted" and asked == "post" and what is not None:
            self.world.tell(f"{self.name}: posted {what} as {said['seq']}")
            self.person.posted(what, said["seq"], said["id"])
        else:
            self.fault(f"told {said} when it had asked to {asked} {what}")

    def _subscribed(self, where: Where, after: int | None, said: dict[str, Any]) -> None:
        if (said.get("room"), said.get("inbox", False)) != (where, where is None):
            self.fault(f"told {said} for {where or 'the inbox'}")
        self.on[where] = None
        if after is not None and after < said["head"]:
            self.world.happened("a WebSocket went on from a cursor")
        self.begins(where, said["head"] if after is None else after)

    def _no(self, asked: str, what: Any, said: dict[str, Any]) -> None:
        status, problem = said["status"], said["problem"]
        self.world.tell(f"{self.name}: {asked} {what} refused with {status} {problem}")
        if asked == "post" and what is not None:
            self.person.refused(what, status, problem)
        elif asked == "post" and problem == "/problems/key-reused":
            self.world.happened("another text under a used key was refused")
        elif asked == "subscribe" and what is None and problem == "/problems/stale-cursor":
            self.world.happened("a cursor from the future was refused")
        elif status not in (429, 503):
            self.fault(f"{asked} {what} was answered {said}")
        elif asked == "subscribe" and what is not None:
            self.world.schedule.after(0.3, self._again_all, self.wire)

    def _again_all(self, wire: Wire) -> None:
        if wire is self.wire and self.ready and not self._over:
            self._ask_all()


class _Upgrade(Answers):
    def __init__(self, device: Socket) -> None:
        super().__init__()
        self._device = device
        self._body = b""

    def body(self, data: bytes) -> None:
        self._body += data

    def end(self) -> None:
        if self.status != 101:
            self._device.refused(self.status, _problem(self._body))


def _problem(body: bytes) -> str:
    try:
        problem: str = msgspec.json.decode(body)["type"]
    except (msgspec.DecodeError, KeyError):
        problem = body[:40].decode("latin-1")
    return problem


# -- streams ----------------------------------------------------------------


class Stream(Device):
    """An event stream or a stream of lines, over one log or many."""

    def __init__(
        self, person: Person, name: str, sign_in: SignIn, kind: str, wanted: dict[Where, int | None]
    ) -> None:
        super().__init__(person, name, sign_in)
        self.kind = kind
        self.wanted = wanted
        self._last_id: str | None = None

    def after(self, where: Where) -> int | None:
        at = self.stands_at(where)
        return self.wanted[where] if at is None else at

    def greets(self) -> None:
        self._answer = _Streamed(self)
        self._bye = False
        self._opened = False
        self._from = {where: self.after(where) for where in self.wanted}
        fields = [("Authorization", f"Bearer {self.token}")]
        path = self._path(self._from)
        if self.chance.random() < 0.15:
            self.say(speech.request("GET", path, *fields))  # first the offer, then what it names
            return
        if self.kind == "sse" and self._last_id is not None and self.chance.random() < 0.6:
            fields.append(("Last-Event-ID", self._last_id))
            self.world.happened("an event stream came back with its Last-Event-ID")
            if len(self.wanted) == 1:
                path = self._path(dict.fromkeys(self._from, 0))  # which does not count then
        self.say(speech.request("GET", path, ("Accept", self._accept), *fields))

    @property
    def _accept(self) -> str:
        return "text/event-stream" if self.kind == "sse" else "application/x-ndjson"

    def _path(self, at: dict[Where, int | None]) -> str:
        def cursor(seq: int) -> str:
            return quote(f"{self.world.epoch}:{seq}") if seq % 2 else str(seq)

        if len(at) == 1:
            ((where, seq),) = at.items()
            path = f"/room/{where}/subscribe" if where else "/inbox/subscribe"
            return path if seq is None else f"{path}?after={cursor(seq)}"
        parts = []
        for where, seq in at.items():
            value = "" if seq is None else cursor(seq)
            if where is None:
                parts.append(f"inbox={value}")
            else:
                parts.append(f"room={where}" + (f"@{value}" if value else ""))
        return "/subscribe?" + "&".join(parts)

    def hears(self, data: bytes) -> None:
        self._answer.feed(data)

    def answered(self, status: int, body: bytes) -> None:
        """Something that is no stream."""
        if status == 202:
            self.world.happened("a stream was opened with a ticket")
            offer = msgspec.json.decode(body)
            address = urlsplit(offer["event_stream"])
            self._from = dict.fromkeys(self.wanted)  # as the offer has it
            self._answer = _Streamed(self)
            self.say(speech.request("GET", f"{address.path}?{address.query}", ("Accept", self._accept)))
            self._offered(offer["cursor"])
            return
        self.world.tell(f"{self.name}: answered {status} {_problem(body)}")
        if status == 401:
            self.sign_in.ended(self.token)
        elif status not in (429, 503, 408):
            self.fault(f"answered {status} {body!r}")
        self._drop()
        self.again()

    def _offered(self, cursor: str) -> None:
        self._from = dict(self._positions(cursor))

    def _positions(self, cursor: str) -> dict[Where, int]:
        """Where a cursor stands in each log."""
        epoch, _, places = cursor.rpartition(":")
        if epoch != self.world.epoch:
            self.fault(f"a cursor of another epoch: {cursor}")
        if len(self.wanted) == 1:
            return dict.fromkeys(self.wanted, int(places))
        parts = (part.partition("=") for part in places.split(","))
        return {room or None: int(seq) for room, _, seq in parts}

    def begun(self) -> None:
        self.ready = True
        if any(self.stands_at(where) is not None for where in self.wanted):
            self.world.happened(f"a stream ({self.kind}) went on from a cursor")
        if self.kind == "ndjson":
            for where, after in self._from.items():
                self.begins(where, after)

    def block(self, block: bytes) -> None:
        """One event, or one line."""
        if self._bye:
            self.fault(f"told {block!r} after the bye")
        elif self.kind == "ndjson":
            if block:
                self._line(block)
        else:
            self._event(speech.sse_fields(block))

    def _line(self, line: bytes) -> None:
        said = msgspec.json.decode(line)
        if said["type"] == "bye":
            self._leaves(line)
        elif said["type"] == "mark":
            self.told_mark(said, listens=None in self.wanted)
        else:
            self._log_frame(speech.decode_log_frame(line))

    def _event(self, fields: dict[str, str]) -> None:
        if not fields:
            return  # a comment
        if "retry" in fields:
            if self._opened:
                self.fault("the opening came twice")
            self._opened = True
            self._last_id = fields["id"]
            for where, seq in self._positions(fields["id"]).items():
                asked = self._from.get(where)
                if asked is not None and asked != seq:
                    self.fault(f"asked to go on from {asked} in {where or 'the inbox'}, begins at {seq}")
                self.begins(where, seq)
        elif fields["event"] == "bye":
            self._leaves(fields["data"].encode())
        elif fields["event"] == "mark":
            self.told_mark(msgspec.json.decode(fields["data"]), listens=None in self.wanted)
        else:
            frame = speech.decode_log_frame(fields["data"].encode())
            self._log_frame(frame)
            self._last_id = fields["id"]
            where = where_of(frame)
            positions = self._positions(fields["id"])
            if positions.get(where) != last(frame):
                self.fault(f"the id {fields['id']} does not stand at {frame}", "I2")
            for other, seq in positions.items():
                if seq != self.stands_at(other):
                    self.fault(f"the id {fields['id']} skips what was told of {other or 'the inbox'}", "I2")

    def _log_frame(self, frame: LogFrame) -> None:
        if where_of(frame) not in self.wanted:
            self.fault(f"told {frame}, which it does not listen to", "I4")
        self.reads(frame)

    def _leaves(self, raw: bytes) -> None:
        self._bye = True
        reason = msgspec.json.decode(raw)["reason"]
        self.world.happened(f"a stream was told bye: {reason}")
        if reason in ("signed-out", "expired", "disabled"):
            self.sign_in.ended(self.token)

    def over(self) -> None:
        """The stream has come to its end."""
        if not self._bye:
            self.fault("the stream ended without a bye")


class _Streamed(Answers):
    def __init__(self, device: Stream) -> None:
        super().__init__()
        self._device = device
        self._lines = Lines(b"\n\n" if device.kind == "sse" else b"\n")
        self._body = b""
        self._streams = False

    def head(self, status: int) -> None:
        self._streams = status == 200
        if self._streams:
            self._device.begun()

    def body(self, data: bytes) -> None:
        if not self._streams:
            self._body += data
            return
        for block in self._lines.feed(data):
            self._device.block(block)

    def end(self) -> None:
        if self._streams:
            self._device.over()
        else:
            self._device.answered(self.status, self._body)


# -- asking -----------------------------------------------------------------

Answered = Callable[[int, dict[str, str], bytes], None]


class Asking(Device):
    """Requests over one connection that is kept: some sent one after the other, some at once."""

    def __init__(self, person: Person, name: str, sign_in: SignIn) -> None:
        super().__init__(person, name, sign_in)
        self._queue: deque[tuple[bytes | Callable[[str], bytes], Answered, Callable[[], None]]] = deque()
        self._sent: deque[tuple[Answered, Callable[[], None]]] = deque()
        self._at_once = self.chance.choice((1, 1, 3))
        self.ready = False

    @property
    def idle(self) -> bool:
        return not self._queue and not self._sent

    def ask(
        self,
        method: str,
        path: str,
        answered: Answered,
        lost: Callable[[], None] = lambda: None,
        *fields: tuple[str, str],
        body: bytes | None = None,
    ) -> None:
        def made(token: str) -> bytes:
            return speech.request(method, path, ("Authorization", f"Bearer {token}"), *fields, body=body)

        self._queue.append((made, answered, lost))
        self.stays = True
        if self.wire is None:
            if not self._coming:
                self.open()
        elif self.ready:
            self._go_on()

    def greets(self) -> None:
        self.ready = True
        self._answer = _Answered(self)
        self._go_on()

    def _go_on(self) -> None:
        while self._queue and len(self._sent) < self._at_once:
            made, answered, lost = self._queue.popleft()
            if self._sent:
                self.world.happened("a request was sent before the answer to another")
            self._sent.append((answered, lost))
            self.say(made(self.token))

    def hears(self, data: bytes) -> None:
        self._answer.feed(data)

    def answered(self, status: int, fields: dict[str, str], body: bytes) -> None:
        if self.wire is None:
            return  # it has turned away from this connection
        if not self._sent:
            if status != 408:
                self.fault(f"answered {status} without having asked")
            return
        told, _ = self._sent.popleft()
        if status == 401:
            self.sign_in.ended(self.token)
        if status == 500:
            self.fault(f"answered {status} {body!r}")
        told(status, fields, body)
        if status == 401 and self.wire is not None:
            self._drop()
            self.again()
        elif self.ready:
            self._go_on()

    def left_alone(self) -> None:
        sent, self._sent = self._sent, deque()
        for _, lost in sent:
            lost()
        if not self._queue:
            self.stays = False

    # -- posting ------------------------------------------------------------

    def post(self, saying: Saying) -> bool:
        self.person.begins(saying)
        path = f"/room/{saying.room}/messages" if saying.room else f"/user/{saying.to}/messages"
        fields = []
        if saying.key is not None:
            fields.append(("Idempotency-Key", saying.key))
        if saying.if_head is not None:
            fields.append(("If-Match", f'"{saying.if_head}"'))

        def answered(status: int, headers: dict[str, str], body: bytes) -> None:
            if status == 201:
                message = msgspec.json.decode(body)
                self.world.tell(f"{self.name}: posted {saying} as {message['seq']}")
                self.person.posted(saying, message["seq"], message["id"])
            elif status == 408:
                self.person.lost(saying)
            else:
                self.person.refused(saying, status, _problem(body))

        self.ask(
            "POST",
            path,
            answered,
            lambda: self.person.lost(saying),
            *fields,
            body=speech.as_json({"text": saying.text}),
        )
        return True


class _Answered(Answers):
    def __init__(self, device: Asking) -> None:
        super().__init__()
        self._device = device
        self._body = b""

    def head(self, status: int) -> None:
        self._body = b""

    def body(self, data: bytes) -> None:
        self._body += data

    def end(self) -> None:
        if self.status >= 200:
            self._device.answered(self.status, self.fields, self._body)


class Polling(Asking):
    """Long polls, one after the other: a reader of one room."""

    def __init__(self, person: Person, name: str, sign_in: SignIn, room: str, start: int) -> None:
        super().__init__(person, name, sign_in)
        self.room = room
        self._start = start
        self._at_once = 1
        self._polls = False

    def poll(self) -> None:
        """From now on."""
        self._polls = True
        self._next()

    def rest(self) -> None:
        self._polls = False

    def leave(self) -> None:
        self._polls = False
        super().leave()

    def _next(self) -> None:
        if not self._polls or not self.idle:
            return
        at = self.stands_at(self.room)
        after = self._start if at is None else at
        self.begins(self.room, after)
        wait = self.chance.choice((0.5, 2, 5))
        path = f"/room/{self.room}/messages?after={after}&wait={wait}&limit={self.chance.choice((2, 500))}"
        self.ask("GET", path, self._polled, self._later)

    def _later(self) -> None:
        self.world.schedule.after(0.1 + self.chance.random() * 0.4, self._next)

    def _polled(self, status: int, fields: dict[str, str], body: bytes) -> None:
        if status == 200:
            frames = speech.decode_page(body)
            self.world.happened("a long poll brought something" if frames else "a long poll came to its end")
            for frame in frames:
                self.reads(frame)
        else:
            self.world.happened(f"a long poll was answered {status}")
            if status not in (401, 429, 503, 408):
                self.fault(f"a long poll was answered {status} {body!r}")
        self._later()


def log_paths(log: Any) -> str:
    """Where the messages of a log are read over HTTP."""
    return "/inbox/messages" if owner_of(log) else f"/room/{room_of(log)}/messages"
