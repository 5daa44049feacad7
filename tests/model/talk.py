"""What the machine does with the server and the reference at once, and how the two are compared."""

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

from model.reference import Listener, Place, Reference, Refused
from model.wire import Answer, Chunked, Frame, Socket, Stream
from model.world import KINDS, LIFETIME_SECONDS, World

EVENTS = ("message", "sent", "gap")
CLOSED_WITH = {"shutting-down": 1012, "signed-out": 4401, "expired": 4401, "disabled": 4401}


class Ear:
    """A live stream, and the listener in the reference that stands for it."""

    def __init__(self, kind: str, stream: Stream, listener: Listener, start: dict[Place, int], *, mute: bool):
        self.kind = kind
        self.stream = stream
        self.listener = listener
        self.start = start
        """Where it began in each log."""
        self.scope = set(start) if mute else None
        """All that may be listened to on it, when it was opened with a ticket; nothing can be posted then."""

    @property
    def heard(self) -> list[Frame]:
        return [frame for frame in self.stream.frames if frame["type"] in EVENTS]

    def positions(self, events: int) -> dict[Place, int]:
        """Where it stood after so many events."""
        at = dict(self.start)
        for frame in self.heard[:events]:
            at[place_of(frame, self.listener)] = frame.get("last", frame.get("seq"))
        return at

    async def settle(self) -> None:
        """Until it was told all it has to be told; that and nothing else."""
        due = sum(map(len, self.listener.told.values()))
        await self.stream.until(lambda: len(self.heard) >= due, f"{due} events by {self.kind}")
        told: dict[Place, list[Frame]] = {place: [] for place in self.listener.told}
        for frame in self.heard:
            told.setdefault(place_of(frame, self.listener), []).append(frame)
        assert told == self.listener.told

    async def end(self) -> None:
        """Until it was ended, in the way and for the reason the reference has."""
        try:
            await self.stream.until(lambda: self.stream.ended_whole, "its proper end")
            bye = self.stream.frames[-1]
            assert (bye["type"], bye["reason"]) == ("bye", self.listener.bye)
            assert ("retry_after" in bye) == (bye["reason"] == "shutting-down")
            if isinstance(self.stream, Socket):
                assert self.stream.close_code == CLOSED_WITH[bye["reason"]]
            await self.settle()
        finally:
            self.stream.transport.abort()


def place_of(frame: Frame, listener: Listener) -> Place:
    if "room" in frame:
        return "room", frame["room"]
    return next((place for place in listener.told if place[0] == "inbox"), ("inbox", "of nobody"))


def refused(answer: Any, refusal: Refused) -> None:
    assert isinstance(answer, Answer), f"opened, where {refusal} was to be said"
    problem = answer.json
    assert (answer.status, problem["type"]) == (refusal.status, f"/problems/{refusal.problem}"), problem
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["status"] == answer.status
    assert {name: problem.get(name) for name in refusal.members} == refusal.members
    if answer.status == 401:
        assert answer.headers["www-authenticate"] == "Bearer"


def refused_frame(frame: Frame, refusal: Refused) -> None:
    assert frame["type"] == "error", frame
    assert (frame["status"], frame["problem"]) == (refusal.status, f"/problems/{refusal.problem}"), frame
    assert {name: frame.get(name) for name in refusal.members} == refusal.members


def links(answer: Answer) -> dict[str, str]:
    found = {}
    for each in filter(None, answer.headers.get("link", "").split(", ")):
        address, _, rel = each.partition("; ")
        found[rel.removeprefix('rel="').removesuffix('"')] = address.strip("<>")
    return found


def query_of(address: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


class Talk:
    """One example's share of the world: its people, its rooms, and what the reference knows of them."""

    def __init__(self, world: World) -> None:
        self.world = world
        world.examples += 1
        self.mark = f"e{world.examples}"
        world.now_ms += 1
        self.reference = Reference(world.now_ms, LIFETIME_SECONDS * 1000)
        self.people = [f"{self.mark}-{name}" for name in ("ada", "bob", "cyd")]
        self.ears: list[Ear] = []
        self.tokens: list[str] = []
        self.owner: dict[str, str] = {}
        self.refs = 0

    @property
    def epoch(self) -> str:
        return self.world.server.store.info.epoch

    async def begin(self) -> None:
        await self.world.add_people(*self.people)
        for name in self.people:
            self.reference.add_user(name)
            await self.add_session(name)

    async def add_session(self, name: str) -> str:
        token, id = await self.world.add_session(name)
        self.reference.sign_in(token, id, name, "")
        self.know(token, name)
        return token

    def know(self, token: str, name: str) -> None:
        self.tokens.append(token)
        self.owner[token] = name

    def step(self) -> None:
        """A millisecond between any two things that happen."""
        self.world.now_ms += 1
        self.reference.passes(1)

    async def ask(
        self, method: str, target: str, token: str | None, body: Any = None, **fields: str
    ) -> Answer:
        self.step()
        raw = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        return await self.world.ask(method, target, token, raw, **fields)

    # -- posting -------------------------------------------------------------

    async def post(
        self,
        token: str,
        place: Place,
        text: str,
        key: str | None,
        head: int | str | None,
        *,
        loud: bool = False,
    ) -> None:
        """`head`: a seq, "*", or "stale" for one of another epoch. `loud`: the handle in capitals."""
        fields = {} if key is None else {"Idempotency-Key": key}
        if head is not None:
            tag = f"0123456789abcdef:{self.head(place)}" if head == "stale" else head
            fields["If-Match"] = "*" if head == "*" else f'"{tag}"'
        answer = await self.ask("POST", self.path(place, loud=loud), token, {"text": text}, **fields)
        try:
            user = self.reference.use(token).user
            event = self.expect_post(user, place, text, key, head, answer.json.get("id", ""))
        except Refused as refusal:
            refused(answer, refusal)
            return
        assert (answer.status, answer.json) == (201, event)
        room = f"/room/{place[1]}" if place[0] == "room" else "/inbox"
        assert answer.headers["location"] == f"{self.world.url}{room}/messages/{event['seq']}"

    async def post_by_socket(
        self,
        ear: Ear,
        place: Place,
        text: str,
        key: str | None,
        head: int | str | None,
        *,
        loud: bool = False,
    ) -> None:
        assert isinstance(ear.stream, Socket)
        name = place[1].upper() if loud and place[0] == "inbox" else place[1]
        frame: Frame = {"type": "post", "ref": self.ref(), "text": text}
        frame |= {"room": name} if place[0] == "room" else {"to": name}
        frame |= {} if key is None else {"key": key}
        if head is not None:
            frame["if_head"] = f"0123456789abcdef:{self.head(place)}" if head == "stale" else head
        self.step()
        reply = await ear.stream.ask(frame)
        try:
            if ear.scope is not None:
                raise Refused(403, "not-allowed")
            user = self.owner[ear.listener.token]
            event = self.expect_post(user, place, text, key, head, reply.get("id", ""))
        except Refused as refusal:
            refused_frame(reply, refusal)
            return
        where = {name: event[name] for name in ("room", "to", "seq", "id", "sent_at") if name in event}
        assert reply == {"type": "posted", "ref": frame["ref"]} | where

    def expect_post(
        self, user: str, place: Place, text: str, key: str | None, head: int | str | None, id: str
    ) -> Frame:
        if head is not None and place[0] == "inbox":
            raise Refused(400, "bad-input")
        if head == "stale":
            raise Refused(409, "stale-cursor")
        known = {event["id"] for log in self.reference.logs.values() for event in log.events}
        before = sum(log.head for log in self.reference.logs.values())
        event = self.reference.post(user, place, text, key, None if head == "*" else head, id)  # type: ignore[arg-type]
        grown = sum(log.head for log in self.reference.logs.values()) > before
        assert not grown or id not in known, "two messages have one id"
        return event

    def head(self, place: Place) -> int:
        log = self.reference.logs.get(place)
        return log.head if log else 0

    def path(self, place: Place, *, loud: bool = False) -> str:
        if place[0] == "room":
            return f"/room/{place[1]}/messages"
        return f"/user/{place[1].upper() if loud else place[1]}/messages"

    def ref(self) -> int:
        self.refs += 1
        return self.refs

    # -- listening -----------------------------------------------------------

    def address(self, wanted: dict[Place, str | None]) -> str:
        """Where these logs are heard, each from its cursor or from its head."""
        if not wanted:
            return "/ws"
        if len(wanted) == 1:
            ((kind, id), after), *_ = wanted.items()
            where = f"/room/{id}/subscribe" if kind == "room" else "/inbox/subscribe"
            return where if after is None else f"{where}?after={after}"
        parts = []
        for (kind, id), after in wanted.items():
            if kind == "room":
                parts.append(f"room={id}" if after is None else f"room={id}@{after}")
            else:
                parts.append(f"inbox={after or ''}")
        return "/subscribe?" + "&".join(parts)

    async def open(
        self,
        kind: str,
        address: str,
        token: str,
        wanted: dict[Place, int | None],
        *,
        bearer: bool = True,
        last_id: str | None = None,
        wrong: Refused | None = None,
    ) -> Ear | None:
        """A stream at `address`, which is to begin in each log of `wanted` there; None: refused, rightly.

        `wrong`: what the machine knows better than the reference, as that a cursor is of another epoch.
        """
        self.step()
        shown = token if bearer else None
        if kind == "websocket":
            opened: Any = await self.world.open_socket(address, shown)
        else:
            more = {} if last_id is None else {"Last-Event-ID": last_id}
            opened = await self.world.open_stream(KINDS[kind], address, shown, **more)
        listener = Listener(token)
        try:
            if bearer:
                self.reference.use(token)
            elif token not in self.reference.sessions:
                raise Refused(401, "not-signed-in")
            if wrong is not None:
                raise wrong
            start = {}
            for place, after in wanted.items():
                head = self.reference.listen(listener, place, after)
                start[place] = head if after is None else after
        except Refused as refusal:
            refused(opened, refusal)
            return None
        assert not isinstance(opened, Answer), opened
        self.reference.listeners.append(listener)
        ear = Ear(kind, opened, listener, start, mute=not bearer)
        self.ears.append(ear)
        self.check_opening(ear)
        return ear

    def check_opening(self, ear: Ear) -> None:
        if isinstance(ear.stream, Socket):
            hello, *_ = ear.stream.frames
            user = self.owner[ear.listener.token]
            assert hello == {
                "type": "hello",
                "user": user,
                "epoch": self.epoch,
                "ping_seconds": 3600.0,
                "max_text_bytes": 16_384,
            }
        elif ear.kind == "sse" and len(ear.start) == 1:
            assert isinstance(ear.stream, Chunked)
            assert ear.stream.opening_id == f"{self.epoch}:{next(iter(ear.start.values()))}"

    async def ended(self) -> None:
        """Every stream the reference has ended was ended by the server."""
        for ear in [each for each in self.ears if each.listener.bye is not None]:
            self.ears.remove(ear)
            await ear.end()

    async def fill(self, ear: Ear) -> None:
        """Its client does not read, so that its socket is full."""
        ear.listener.full = True
        self.world.other_end(ear.stream).pause_writing()

    async def drain(self, ear: Ear) -> None:
        self.reference.drains(ear.listener)
        self.world.other_end(ear.stream).resume_writing()

    def drop(self, ear: Ear) -> None:
        """The client is gone, without a word."""
        self.ears.remove(ear)
        self.reference.end(ear.listener, None)
        ear.stream.transport.abort()
