"""Posting, over REST and over WebSocket, what may be posted and what may not."""

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from model.reference import Place, Refused
from model.steps.base import Base
from model.steps.drawn import BAD_BODIES, HEADS, KEYS, PLACES, TEXTS, N, now_and_then
from model.talk import refused


class Posting(Base):
    @rule(n=N, where=PLACES, text=TEXTS, key=KEYS, head=HEADS, loud=st.booleans(), by_socket=st.booleans())
    def posts(
        self, n: int, where: Any, text: str, key: str | None, head: Any, loud: bool, by_socket: bool
    ) -> None:
        if by_socket and self.sockets():
            self.post_by_socket(n, where, text, key, head, loud)
            return
        token = self.alive(n)
        place, head = self.goal(where, token, key, head)
        self.run(self.talk.post(token, place, text, key, head, loud=loud))

    @precondition(lambda self: self.sockets())
    @rule(n=N, where=PLACES, text=TEXTS, key=KEYS, head=HEADS, loud=st.booleans())
    def posts_by_socket(self, n: int, where: Any, text: str, key: str | None, head: Any, loud: bool) -> None:
        self.post_by_socket(n, where, text, key, head, loud)

    def post_by_socket(self, n: int, where: Any, text: str, key: str | None, head: Any, loud: bool) -> None:
        sockets = self.sockets()
        ear = sockets[n % len(sockets)]
        place, head = self.goal(where, ear.listener.token, key, head)
        head = None if head == "*" else head
        self.run(self.talk.post_by_socket(ear, place, text, key, head, loud=loud))

    def goal(self, where: Any, token: str, key: str | None, head: Any) -> tuple[Place, Any]:
        """Where it is posted, and upon which head."""
        place = self.place(where, self.talk.owner[token])
        now = self.talk.head(place)
        head = {"right": now, "behind": max(now - 1, 0), "ahead": now + 1}.get(head, head)
        if head == "stale" and (key is not None or place[1] not in self.reference.rooms):
            head = None  # two mistakes at once: which of them is told is not promised
        return place, head

    @rule(n=N, where=PLACES, text=TEXTS, key=st.sampled_from(["k1", "k2"]))
    def posts_again_what_it_is_not_sure_of(self, n: int, where: Any, text: str, key: str) -> None:
        """As if the answer had been lost: the retry gets it, whatever was posted since."""
        token = self.alive(n)
        place = self.place(where, self.talk.owner[token])
        self.run(self.talk.post(token, place, text, key, None))
        head = self.talk.head(place) + 5 if place[0] == "room" else None
        if place in self.reference.logs:
            self.run(self.talk.post(token, place, text, key, head))

    @now_and_then(2)
    @rule(n=N, where=PLACES, bad=st.sampled_from(BAD_BODIES), key=st.sampled_from([None, "k1"]))
    def posts_what_cannot_be(self, n: int, where: Any, bad: Any, key: str | None) -> None:
        token = self.alive(n)
        place = self.place(where, self.talk.owner[token])
        if place not in self.reference.logs:
            return
        body, status, problem, members = bad
        fields = {} if key is None else {"Idempotency-Key": key}
        answer = self.ask("POST", self.talk.path(place), token, body, **fields)
        self.reference.use(token)
        refused(answer, Refused(status, problem, **members))
