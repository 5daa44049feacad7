"""Reading back: pages, single messages, long polls."""

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from model.pages import Page, left
from model.reference import Place, Refused
from model.steps.base import Base
from model.steps.drawn import PLACES, TEXTS, N
from model.talk import links, query_of, refused
from model.wire import Answer, Line


class Reading(Base):
    @rule(
        n=N,
        where=st.tuples(st.sampled_from(["room", "room", "inbox", "peer", "nowhere"]), N),
        way=st.sampled_from(["newest", "after", "after", "before"]),
        at=st.sampled_from(["bare", "epoch", "future", "stale"]),
        which=N,
        limit=st.sampled_from([1, 2, 3, 50, 500]),
    )
    def reads(self, n: int, where: Any, way: str, at: str, which: int, limit: int) -> None:
        token = self.alive(n)
        user = self.talk.owner[token]
        place: Place = ("inbox", user)
        path = "/inbox/messages"
        if where[0] in ("room", "nowhere"):
            place = self.place(where, user)
            path = self.talk.path(place)
        elif where[0] == "peer":
            path = f"/user/{self.talk.people[where[1] % len(self.talk.people)]}/messages"
        query, seq, refusal = f"limit={limit}", None, None
        if way != "newest":
            written, seq, refusal = self.cursor(place, at, which)
            if way == "before" and at == "future":
                written, seq = str(seq + 1), seq + 1  # before the one that comes next is a page
            elif way == "before" and at == "bare" and place in self.reference.logs:
                seq = which % (self.talk.head(place) + 2)
                written = str(seq)
            query += f"&{way}={written}"
        answer = self.ask("GET", f"{path}?{query}", token)
        self.reference.use(token)
        try:
            if place not in self.reference.logs:
                raise Refused(404, "no-such-room")
            if refusal is not None:
                raise refusal
            if way != "newest" and at == "future":
                raise Refused(409, "stale-cursor", head=self.talk.head(place))
        except Refused as expected:
            refused(answer, expected)
            return
        page = Page(
            self.reference,
            user,
            path,
            after=seq if way == "after" else None,
            before=seq if way == "before" else None,
            limit=limit,
        )
        assert (answer.status, answer.json) == (200, page.array)
        tag = f'"{self.talk.epoch}:{page.head}"'
        assert answer.headers["etag"] == tag
        self.check_links(answer, path, page, limit, exact=place[0] == "room", way=way)
        again = self.ask("GET", f"{path}?{query}", token, If_None_Match=tag)
        assert (again.status, again.body, again.headers["etag"]) == (304, b"", tag)

    def check_links(
        self, answer: Answer, path: str, page: Page, limit: int, *, exact: bool, way: str
    ) -> None:
        """`exact`: of a room. In the others' numbers there are holes, and a link may lead to nothing."""
        found = links(answer)
        before = page.first > 1 if way == "after" else page.precedes  # what was removed is told there as well
        for rel, due, cursor, seq in (
            ("next", page.follows, "after", page.last),
            ("prev", before, "before", page.first),
        ):
            if due or exact or way == "newest":
                assert (rel in found) == due, (rel, found)
            if rel in found:
                assert found[rel].startswith(f"{self.world.url}{path}?")
                expected = {cursor: f"{self.talk.epoch}:{seq}"}
                expected |= {} if limit == 50 else {"limit": str(limit)}
                assert query_of(found[rel]) == expected

    @rule(n=N, where=st.tuples(st.sampled_from(["room", "inbox"]), N), which=N)
    def reads_one(self, n: int, where: Any, which: int) -> None:
        token = self.alive(n)
        place: Place = ("inbox", self.talk.owner[token])
        path = "/inbox/messages"
        if where[0] == "room":
            place = self.place(where, "")
            path = self.talk.path(place)
        seq = which % (self.talk.head(place) + 2)
        answer = self.ask("GET", f"{path}/{seq}", token)
        self.reference.use(token)
        if place not in self.reference.logs:
            refused(answer, Refused(404, "no-such-room"))
            return
        found = [event for event in left(self.reference.logs[place]) if event["seq"] == seq]
        if not found:
            refused(answer, Refused(404, "no-such-message"))
            return
        assert (answer.status, answer.json) == (200, found[0])

    @rule(n=N, m=N, where=PLACES, text=TEXTS, back=st.integers(0, 2), ends=st.booleans())
    def waits_for_the_next(self, n: int, m: int, where: Any, text: str, back: int, ends: bool) -> None:
        """A long poll: what was there already, or what is posted meanwhile, or the end of its session."""
        token, poster = self.alive(n), self.alive(m)
        place = self.place(where, self.talk.owner[token])
        if place not in self.reference.logs or (place[0], place[1]) == ("inbox", self.talk.owner[poster]):
            return
        if place[0] == "inbox" and place[1] != self.talk.owner[token]:
            return
        after = max(self.talk.head(place) - back, 0)
        path = self.talk.path(place) if place[0] == "room" else "/inbox/messages"
        target = f"{path}?after={after}&wait=30"
        due = Page(self.reference, self.talk.owner[token], path, after=after).array

        async def wait_and_post() -> Any:
            line = await self.world.connect(Line)
            line.request("GET", target, self.world.host, token, None, {})
            self.reference.use(token)
            if not due and not ends:
                await self.talk.post(poster, place, text, None, None)
            elif not due:
                await self.world.ask("GET", "/sessions", token)
                gone = await self.world.ask("DELETE", "/sessions/current", token)
                assert gone.status == 204
                self.reference.end_session(token, "signed-out")
            answer = await line.answer("GET")
            line.transport.close()
            return answer

        answer = self.run(wait_and_post())
        if not due and ends:
            refused(answer, Refused(401, "not-signed-in"))
            return
        expected = Page(self.reference, self.talk.owner[token], path, after=after).array
        assert (answer.status, answer.json) == (200, expected)
