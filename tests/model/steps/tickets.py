"""Addresses to listen at, and the tickets in them."""

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from model.forms import time
from model.reference import Place, Refused
from model.steps.base import Base
from model.steps.drawn import FULL_EARS, KIND, N
from model.talk import query_of


class Tickets(Base):
    @rule(
        n=N,
        many=st.booleans(),
        where=st.tuples(st.sampled_from(["room", "inbox"]), N),
        at=st.sampled_from(["none", "bare", "epoch"]),
        which=N,
    )
    def asks_where_to_listen(self, n: int, many: bool, where: Any, at: str, which: int) -> None:
        token = self.alive(n)
        place: Place = ("inbox", self.talk.owner[token]) if where[0] == "inbox" else self.place(where, "")
        if place not in self.reference.logs:
            return
        written, seq, _ = self.cursor(place, at, which)
        logs: dict[Place, str | None] = {place: written}
        if many and self.rooms:
            logs.setdefault(("room", self.rooms[0]), None)
        answer = self.ask("GET", self.talk.address(logs), token)
        self.reference.use(token)
        at_seq = {log: (seq if seq is not None and log == place else self.talk.head(log)) for log in logs}
        expires_ms = self.reference.now_ms + 30_000
        body = answer.json
        assert answer.status == 202
        assert answer.headers["location"] == body["event_stream"]
        assert body["event_stream"].startswith(f"{self.world.url}/")
        assert body["websocket"] == body["event_stream"].replace("http", "ws", 1)
        assert body["expires_at"] == time(expires_ms)
        if len(logs) == 1:
            assert body["cursor"] == f"{self.talk.epoch}:{at_seq[place]}"
            whose = {"room": place[1]} if place[0] == "room" else {"inbox": True}
            assert {name: body[name] for name in ("room", "inbox", "rooms") if name in body} == whose
        self.tickets.append(
            {
                "token": token,
                "logs": at_seq,
                "address": body["event_stream"].removeprefix(self.world.url),
                "expires_ms": expires_ms,
            }
        )

    @precondition(lambda self: self.tickets and len(self.talk.ears) < FULL_EARS)
    @rule(n=N, kind=KIND, elsewhere=st.booleans(), back=st.booleans())
    def opens_with_a_ticket(self, n: int, kind: str, elsewhere: bool, back: bool) -> None:
        ticket = self.tickets[-1 - n % len(self.tickets)]
        address, logs = ticket["address"], ticket["logs"]
        late = self.reference.now_ms + 1 >= ticket["expires_ms"]
        refusal = Refused(401, "not-signed-in") if late else None
        others = [id for id in self.rooms if ("room", id) not in logs]
        if elsewhere and others:
            secret = query_of(address)["ticket"]
            address, logs = f"/room/{others[0]}/subscribe?ticket={secret}", {}
            live = ticket["token"] in self.reference.sessions and not late
            refusal = Refused(403, "not-allowed") if live else Refused(401, "not-signed-in")
        over = late or ticket["token"] not in self.reference.sessions
        if back and kind == "sse" and over:
            answer = self.ask("GET", address, None, Accept="text/event-stream", Last_Event_ID="1")
            assert answer.status == 204
            return
        self.run(self.talk.open(kind, address, ticket["token"], dict(logs), bearer=False, wrong=refusal))
