"""Live streams: opened, filled, broken off and resumed."""

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from model.reference import Place, Refused
from model.steps.base import Base
from model.steps.drawn import CURSORS, FULL_EARS, KIND, MEANWHILE, N
from model.talk import refused_frame
from model.wire import Socket


class Listening(Base):
    @precondition(lambda self: len(self.talk.ears) < FULL_EARS)
    @rule(
        n=N,
        kind=KIND,
        where=st.tuples(st.sampled_from(["room", "room", "inbox", "nowhere"]), N),
        at=CURSORS,
        which=N,
    )
    def listens(self, n: int, kind: str, where: Any, at: str, which: int) -> None:
        token = self.alive(n)
        place: Place = ("inbox", self.talk.owner[token]) if where[0] == "inbox" else self.place(where, "")
        written, seq, refusal = self.cursor(place, at, which)
        if place not in self.reference.logs:
            refusal = Refused(404, "no-such-room") if at != "stale" else refusal
        address = self.talk.address({place: written})
        self.run(self.talk.open(kind, address, token, {place: seq}, wrong=refusal))

    @precondition(lambda self: len(self.talk.ears) < FULL_EARS)
    @rule(
        n=N,
        kind=KIND,
        inbox=st.booleans(),
        cursors=st.lists(st.tuples(st.sampled_from(["none", "bare", "epoch"]), N), max_size=4),
    )
    def listens_to_many(self, n: int, kind: str, inbox: bool, cursors: Any) -> None:
        token = self.alive(n)
        places: list[Place] = [("room", id) for id in self.rooms] + [
            ("inbox", self.talk.owner[token])
        ] * inbox
        chosen = dict(zip(places, cursors, strict=False))
        if len(chosen) < 2:
            chosen = {}
        if not chosen:
            kind = "websocket"  # the plain one, on which nothing is subscribed yet
        parsed = {place: self.cursor(place, *cursor) for place, cursor in chosen.items()}
        address = self.talk.address({place: written for place, (written, _, _) in parsed.items()})
        self.run(self.talk.open(kind, address, token, {place: seq for place, (_, seq, _) in parsed.items()}))

    @precondition(lambda self: self.sockets())
    @rule(n=N, where=st.tuples(st.sampled_from(["room", "room", "inbox", "nowhere"]), N), at=CURSORS, which=N)
    def subscribes(self, n: int, where: Any, at: str, which: int) -> None:
        sockets = self.sockets()
        ear = sockets[n % len(sockets)]
        assert isinstance(ear.stream, Socket)
        place: Place = (
            ("inbox", self.talk.owner[ear.listener.token]) if where[0] == "inbox" else self.place(where, "")
        )
        written, seq, refusal = self.cursor(place, at, which)
        whose: dict[str, Any] = {"room": place[1]} if place[0] == "room" else {"inbox": True}
        frame: dict[str, Any] = {"type": "subscribe", "ref": self.talk.ref()} | whose
        if written is not None:
            frame["after"] = int(written) if at == "bare" else written
        self.talk.step()
        reply = self.run(ear.stream.ask(frame))
        try:
            if ear.scope is not None and place not in ear.scope:
                raise Refused(403, "not-allowed")
            if place in ear.listener.logs:
                raise Refused(400, "bad-input", field=next(iter(whose)))
            if refusal is not None:
                raise refusal
            head = self.reference.listen(ear.listener, place, seq)
        except Refused as expected:
            refused_frame(reply, expected)
            return
        assert reply == {"type": "subscribed", "ref": frame["ref"], "head": head} | whose

    @precondition(lambda self: any(ear.listener.logs for ear in self.sockets()))
    @rule(n=N, where=st.tuples(st.sampled_from(["room", "room", "inbox", "nowhere"]), N))
    def unsubscribes(self, n: int, where: Any) -> None:
        sockets = self.sockets()
        ear = sockets[n % len(sockets)]
        assert isinstance(ear.stream, Socket)
        place: Place = (
            ("inbox", self.talk.owner[ear.listener.token]) if where[0] == "inbox" else self.place(where, "")
        )
        whose: dict[str, Any] = {"room": place[1]} if place[0] == "room" else {"inbox": True}
        frame = {"type": "unsubscribe", "ref": self.talk.ref()} | whose
        self.talk.step()
        reply = self.run(ear.stream.ask(frame))
        ear.listener.logs.discard(place)
        assert reply == {"type": "unsubscribed", "ref": frame["ref"]} | whose

    @precondition(lambda self: self.talk.ears)
    @rule(n=N, posts=MEANWHILE)
    def breaks_off(self, n: int, posts: list[int]) -> None:
        ear = self.talk.ears[n % len(self.talk.ears)]
        logs = sorted(ear.listener.logs)
        self.talk.drop(ear)
        self.dropped.append(ear)
        self.meanwhile(logs, posts)

    @precondition(lambda self: len(self.full()) < len(self.talk.ears))
    @rule(n=N, posts=MEANWHILE)
    def stops_reading(self, n: int, posts: list[int]) -> None:
        ears = [ear for ear in self.talk.ears if not ear.listener.full]
        ear = ears[n % len(ears)]
        self.run(self.talk.fill(ear))
        self.meanwhile(sorted(ear.listener.logs), posts)

    def meanwhile(self, logs: list[Place], posts: list[int]) -> None:
        for n in posts if logs else ():
            self.run(self.talk.post(self.alive(n), logs[n % len(logs)], f"meanwhile {n}", None, None))

    @precondition(lambda self: self.full())
    @rule(n=N)
    def reads_again(self, n: int) -> None:
        ears = self.full()
        self.run(self.talk.drain(ears[n % len(ears)]))

    @precondition(lambda self: self.dropped and len(self.talk.ears) < FULL_EARS)
    @rule(n=N, back=st.integers(0, 3))
    def comes_back(self, n: int, back: int) -> None:
        """From the last event it applied, which may be some events before the last that reached it."""
        ear = self.dropped.pop(n % len(self.dropped))
        token = ear.listener.token
        if token not in self.reference.sessions:
            return
        events = max(len(ear.heard) - back, 0)
        at = ear.positions(events)
        for place in ear.listener.logs - set(ear.start):  # subscribed later, and only over WebSocket
            at[place] = ear.listener.at[place]
        wanted: dict[Place, int | None] = dict(at)
        if ear.kind == "sse" and ear.start:
            address = self.talk.address(dict.fromkeys(wanted, "0"))
            ids = [ear.stream.opening_id, *ear.stream.ids]
            self.run(self.talk.open("sse", address, token, wanted, last_id=ids[events]))
            return
        address = self.talk.address({place: f"{self.talk.epoch}:{seq}" for place, seq in at.items()})
        self.run(self.talk.open(ear.kind, address, token, wanted))
