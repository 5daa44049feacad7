"""Rooms: made, listed, looked at."""

from urllib.parse import quote

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from model.reference import Refused
from model.steps.base import Base
from model.steps.drawn import FULL_ROOMS, NAMES, N, now_and_then
from model.talk import links, query_of, refused


class Rooms(Base):
    @now_and_then(2)
    @precondition(lambda self: len(self.reference.rooms) < FULL_ROOMS)
    @rule(n=N, name=NAMES)
    def creates_a_room(self, n: int, name: str) -> None:
        token = self.alive(n)
        name = f"{self.talk.mark};{name}"
        answer = self.ask("POST", "/rooms", token, {"name": name})
        self.reference.use(token)
        try:
            room = self.reference.create_room(answer.json.get("id", ""), name, self.talk.owner[token])
        except Refused as refusal:
            refused(answer, refusal)
            return
        assert (answer.status, answer.json) == (201, room)
        assert answer.headers["location"] == f"{self.world.url}/room/{room['id']}"

    @now_and_then(4)
    @rule(
        n=N, prefix=st.sampled_from(["", "l", "STR", "Ｆ", "é", "none"]), limit=st.sampled_from([1, 2, 500])
    )
    def lists_rooms_page_by_page(self, n: int, prefix: str, limit: int) -> None:
        token, after = self.alive(n), None
        prefix = f"{self.talk.mark};{prefix}"
        target = f"/rooms?limit={limit}&prefix={quote(prefix)}"
        while True:
            answer = self.ask("GET", target, token)
            self.reference.use(token)
            rooms, more = self.reference.list_rooms(prefix, after, limit)
            assert (answer.status, answer.json) == (200, rooms)
            assert self.ask("GET", target, token, If_None_Match=answer.headers["etag"]).status == 304
            assert list(links(answer)) == (["next"] if more else [])
            if not more:
                return
            after = query_of(links(answer)["next"])["after"]
            assert links(answer)["next"].startswith(f"{self.world.url}/rooms?")
            target = links(answer)["next"].removeprefix(self.world.url)

    @now_and_then(4)
    @rule(n=N, which=N)
    def looks_at_a_room(self, n: int, which: int) -> None:
        token = self.alive(n)
        id = self.rooms[which % len(self.rooms)] if self.rooms else "nowhere"
        answer = self.ask("GET", f"/room/{id}", token)
        self.reference.use(token)
        try:
            assert answer.json == self.reference.room(id)
        except Refused as refusal:
            refused(answer, refusal)
