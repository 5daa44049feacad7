"""Signing up, in and out, and being disabled."""

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from model.forms import time
from model.reference import Refused
from model.steps.base import Base
from model.steps.drawn import FULL_SESSIONS, N, now_and_then
from model.talk import links, refused
from model.world import KINDS, PASSWORD


class People(Base):
    @initialize(rooms=st.integers(0, 2), posts=st.integers(0, 6), notes=st.integers(0, 3))
    def begins(self, rooms: int, posts: int, notes: int) -> None:
        """With notes to themselves, so that people's inboxes are not numbered alike."""
        self.run(self.talk.begin())
        for number in range(notes):
            token = self.alive(number * number)
            self.run(self.talk.post(token, ("inbox", self.talk.owner[token]), "a note", None, None))
        for number in range(rooms):
            self.creates_a_room(number, f"room {number}")
        for number in range(posts if rooms else 0):
            self.run(self.talk.post(self.alive(number), ("room", self.rooms[0]), "before", None, None))

    @now_and_then(4)
    @precondition(lambda self: len(self.reference.sessions) < FULL_SESSIONS)
    @rule(n=N, how=st.sampled_from(["right", "right", "right", "wrong", "Capitals"]))
    def signs_in(self, n: int, how: str) -> None:
        name = self.talk.people[n % 3]
        given = {
            "name": name.upper() if how == "Capitals" else name,
            "password": "not this one" if how == "wrong" else PASSWORD,
        }
        answer = self.ask("POST", "/sessions", None, given, User_Agent="model/1")
        try:
            if how == "wrong":
                raise Refused(401, "wrong-credentials")
            if name in self.reference.disabled:
                raise Refused(401, "wrong-credentials")
        except Refused as refusal:
            refused(answer, refusal)
            return
        assert answer.status == 201
        body = answer.json
        session = self.reference.sign_in(body["token"], body["id"], name, "model/1")
        assert body["token"] not in self.talk.tokens
        self.talk.know(body["token"], name)
        assert (body["user"], body["expires_at"]) == (name, time(session.expires_ms))

    @now_and_then(6)
    @precondition(lambda self: len(self.talk.people) < 5)
    @rule(taken=st.booleans())
    def signs_up(self, taken: bool) -> None:
        name = self.talk.people[0] if taken else f"{self.talk.mark}-new{len(self.talk.people)}"
        answer = self.ask("POST", "/users", None, {"name": name.upper(), "password": PASSWORD})
        if taken:
            refused(answer, Refused(409, "name-taken", conflicts_with=f"/user/{name}"))
            return
        self.reference.add_user(name)
        self.talk.people.append(name)
        assert (answer.status, answer.headers["location"]) == (201, f"{self.world.url}/user/{name}")
        assert answer.json == {"name": name, "created_at": time(self.reference.now_ms)}

    @now_and_then(6)
    @rule(n=N)
    def lists_sessions(self, n: int) -> None:
        token = self.alive(n)
        self.ask("GET", "/sessions", token)
        self.reference.use(token)
        self.run(self.world.half_a_second())  # in which the use is written down
        answer = self.ask("GET", "/sessions", token)
        self.reference.use(token)
        mine = [s for s in self.reference.sessions.values() if s.user == self.talk.owner[token]]
        expected = [
            {
                "id": session.id,
                "user": session.user,
                "created_at": time(session.created_ms),
                "expires_at": time(session.expires_ms),
                "agent": session.agent,
                "current": session is self.reference.sessions[token],
            }
            for session in mine
        ]
        assert answer.status == 200
        created = [each["created_at"] for each in answer.json]
        assert created == sorted(created)
        assert sorted(answer.json, key=lambda each: each["id"]) == sorted(
            expected, key=lambda each: each["id"]
        )

    @now_and_then(4)
    @rule(n=N, which=N)
    def signs_out(self, n: int, which: int) -> None:
        token = self.alive(n)
        other = self.alive(which)
        path = "current" if other == token else self.reference.sessions[other].id
        answer = self.ask("DELETE", f"/sessions/{path}", token)
        self.reference.use(token)
        if self.talk.owner[other] != self.talk.owner[token]:
            refused(answer, Refused(404, "no-such-session"))
            return
        assert (answer.status, answer.body) == (204, b"")
        self.reference.end_session(other, "signed-out")

    @now_and_then(4)
    @rule(n=N, what=st.integers(0, 6))
    def a_token_that_is_over_opens_nothing(self, n: int, what: int) -> None:
        over = [token for token in self.talk.tokens if token not in self.reference.sessions]
        token = over[n % len(over)] if over else "hb_" + "A" * 43
        room = self.rooms[n % len(self.rooms)] if self.rooms else "none"
        refusal = Refused(401, "not-signed-in")
        if what < 3:
            kind = sorted(KINDS)[what]
            self.talk.owner.setdefault(token, "")
            assert self.run(self.talk.open(kind, "/inbox/subscribe", token, {}, wrong=refusal)) is None
            return
        method, target, body = [
            ("GET", "/rooms", None),
            ("POST", f"/room/{room}/messages", {"text": "never"}),
            ("GET", "/inbox/messages", None),
            ("DELETE", "/sessions/current", None),
        ][what - 3]
        refused(self.ask(method, target, token, body), refusal)

    @now_and_then(6)
    @rule(n=N)
    def is_disabled(self, n: int) -> None:
        name = self.talk.people[n % len(self.talk.people)]
        self.talk.step()
        self.run(self.world.disable(name, True))
        self.run(self.world.half_a_second())
        self.reference.disable(name)

    @precondition(lambda self: self.reference.disabled)
    @rule(n=N)
    def enables(self, n: int) -> None:
        disabled = sorted(self.reference.disabled)
        if disabled:
            name = disabled[n % len(disabled)]
            self.run(self.world.disable(name, False))
            self.run(self.world.half_a_second())
            self.reference.disabled.discard(name)

    @now_and_then(6)
    @rule(n=N, limit=st.sampled_from([1, 2, 500]), loud=st.booleans())
    def lists_people_page_by_page(self, n: int, limit: int, loud: bool) -> None:
        token = self.alive(n)
        able = [name for name in sorted(self.talk.people) if name not in self.reference.disabled]
        prefix = f"{self.talk.mark}-"
        target = f"/users?limit={limit}&prefix={prefix.upper() if loud else prefix}"
        while True:
            answer = self.ask("GET", target, token)
            self.reference.use(token)
            page, able = able[:limit], able[limit:]
            users = [{"name": name, "created_at": time(self.reference.users[name])} for name in page]
            assert (answer.status, answer.json) == (200, users)
            assert list(links(answer)) == (["next"] if able else [])
            if not able:
                return
            target = links(answer)["next"].removeprefix(self.world.url)
