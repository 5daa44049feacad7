"""Random operations over REST, WebSocket, event streams, lines and long polls at once, each held against the
reference; and after each of them every stream and every log."""

import asyncio
from typing import Any, ClassVar
from urllib.parse import quote

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from model.pages import Page, left
from model.reference import Place, Refused, time
from model.talk import Ear, Talk, links, query_of, refused, refused_frame
from model.wire import Answer, Line, Socket
from model.world import KINDS, LIFETIME_SECONDS, PASSWORD, World

N = st.integers(0, 63)
TEXTS = st.sampled_from(["hi", "one", "two", "ünï 🦩", '"\\\n\u2028</script>']) | st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=8
)
KEYS = st.sampled_from([None, None, "k1", "k2", "~" * 128])
PLACES = st.tuples(st.sampled_from(["room", "room", "room", "user", "user", "self", "nowhere", "nobody"]), N)
HEADS = st.sampled_from([None, None, None, None, "right", "behind", "ahead", "*", "stale"])
KIND = st.sampled_from(sorted(KINDS))
PUSHED = st.sampled_from(["sse", "ndjson"])
CURSORS = st.sampled_from(["none", "none", "bare", "bare", "bare", "epoch", "future", "stale"])
NAMES = st.sampled_from(
    [
        "Lounge",
        " LOUNGE ",
        "ｌｏｕｎｇｅ",
        "Straße",
        "STRASSE",
        "two  words",
        "Two\u00a0Words",
        "ﬁsh",
        "fish",
        "e\u0301t\u00e9",
        "ÉTÉ",
    ]
)
MEANWHILE = st.lists(N, max_size=3)
"""Who posts, while somebody does not hear it."""

BAD_BODIES: list[tuple[bytes, int, str, dict[str, Any]]] = [
    (b'{"text":""}', 400, "bad-input", {"field": "text"}),
    (b'{"text":"a\\u0000b"}', 400, "bad-input", {"field": "text"}),
    (b'{"text":7}', 400, "bad-input", {"field": "text"}),
    (b'{"text":null}', 400, "bad-input", {"field": "text"}),
    (b"{}", 400, "bad-input", {"field": "text"}),
    (b"[]", 400, "bad-input", {}),
    (b'{"text":', 400, "bad-input", {}),
    (b"[" * 100_000, 400, "bad-input", {}),
    (b'{"text":"\xff"}', 400, "bad-input", {}),
    (b'{"text":"\\ud800"}', 400, "bad-input", {}),
    (b'{"text":"%b"}' % (b"x" * 16_385), 413, "too-large", {"limit_bytes": 16_384}),
    (b'{"text":"%b"}' % ("ü" * 8193).encode(), 413, "too-large", {"limit_bytes": 16_384}),
]
FULL_ROOMS, FULL_EARS, FULL_SESSIONS = 5, 6, 12


def now_and_then(every: int) -> Any:
    """For what would fill an example if it came as often as posting and listening."""
    return precondition(lambda self: self.turn % every == every - 1)


class Machine(RuleBasedStateMachine):
    world: ClassVar[World]

    def __init__(self) -> None:
        super().__init__()
        self.talk = Talk(self.world)
        self.dropped: list[Ear] = []
        self.tickets: list[dict[str, Any]] = []
        self.sound = True
        self.turn = 0
        self.world.tally["examples"] += 1

    # -- choosing ------------------------------------------------------------

    @property
    def reference(self) -> Any:
        return self.talk.reference

    @property
    def rooms(self) -> list[str]:
        return list(self.reference.rooms)

    def alive(self, n: int) -> str:
        """The token of a session that lives; a new one when there is none."""
        tokens = [token for token in self.talk.tokens if token in self.reference.sessions]
        if tokens:
            return tokens[n % len(tokens)]
        able = [name for name in self.talk.people if name not in self.reference.disabled]
        if not able:
            self.enables(n)
            able = [self.talk.people[n % len(self.talk.people)]]
        return self.run(self.talk.add_session(able[n % len(able)]))

    def place(self, where: tuple[str, int], user: str) -> Place:
        kind, n = where
        if kind == "room" and self.rooms:
            return "room", self.rooms[n % len(self.rooms)]
        if kind == "self":
            return "inbox", user
        if kind == "user":
            return "inbox", self.talk.people[n % len(self.talk.people)]
        return ("room", "nowhere") if kind in ("room", "nowhere") else ("inbox", "nobody")

    def sockets(self) -> list[Ear]:
        """WebSockets that can be asked something."""
        return [ear for ear in self.talk.ears if ear.kind == "websocket" and not ear.listener.full]

    def full(self) -> list[Ear]:
        return [ear for ear in self.talk.ears if ear.listener.full]

    def cursor(self, place: Place, kind: str, n: int) -> tuple[str | None, int | None, Refused | None]:
        """As it is written, the seq it means, and why it is refused where the reference cannot know."""
        head = self.talk.head(place)
        if kind == "none":
            return None, None, None
        if kind == "future":
            return f"{head + 1 + n}", head + 1 + n, None
        if kind == "stale":
            return f"0123456789abcdef:{head}", head, Refused(409, "stale-cursor")
        at = n % (head + 1)
        return (f"{at}" if kind == "bare" else f"{self.talk.epoch}:{at}"), at, None

    def run(self, work: Any) -> Any:
        return self.world.run(work)

    def ask(self, method: str, target: str, token: str | None, body: Any = None, **fields: str) -> Any:
        return self.run(self.talk.ask(method, target, token, body, **fields))

    # -- people and sessions -------------------------------------------------

    @initialize(rooms=st.integers(0, 2), posts=st.integers(0, 6))
    def begins(self, rooms: int, posts: int) -> None:
        self.run(self.talk.begin())
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

    # -- rooms ---------------------------------------------------------------

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

    # -- posting -------------------------------------------------------------

    @rule(n=N, where=PLACES, text=TEXTS, key=KEYS, head=HEADS, loud=st.booleans())
    def posts(self, n: int, where: Any, text: str, key: str | None, head: Any, loud: bool) -> None:
        token = self.alive(n)
        place, head = self.goal(where, token, key, head)
        self.run(self.talk.post(token, place, text, key, head, loud=loud))

    @precondition(lambda self: self.sockets())
    @rule(n=N, where=PLACES, text=TEXTS, key=KEYS, head=HEADS, loud=st.booleans())
    def posts_by_socket(self, n: int, where: Any, text: str, key: str | None, head: Any, loud: bool) -> None:
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

    # -- reading back --------------------------------------------------------

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

    # -- listening -----------------------------------------------------------

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

    # -- tickets -------------------------------------------------------------

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

    # -- what the operator and time do ---------------------------------------

    @now_and_then(4)
    @rule(
        ms=st.sampled_from([31_000, LIFETIME_SECONDS * 50, LIFETIME_SECONDS * 500, LIFETIME_SECONDS * 1001])
    )
    def time_passes(self, ms: int) -> None:
        self.run(self.world.half_a_second())
        self.world.now_ms += ms
        self.reference.passes(ms)
        self.run(self.world.half_a_second())

    @now_and_then(3)
    @rule(n=N)
    def old_messages_are_removed(self, n: int) -> None:
        moments = sorted({at for log in self.reference.logs.values() for at in log.times})
        if not moments:
            return
        before_ms = moments[n % len(moments)] + n % 2
        self.run(self.world.trim(before_ms))
        self.reference.trim(before_ms)

    @now_and_then(20)
    @rule()
    def the_server_restarts(self) -> None:
        for listener in list(self.reference.listeners):
            self.reference.end(listener, "shutting-down")

        async def restart() -> None:
            closing = asyncio.ensure_future(self.world.close())
            await self.talk.ended()
            await closing
            await self.world.open()

        self.run(restart())

    # -- what always holds ---------------------------------------------------

    @invariant()
    def every_stream_was_told_what_it_has_to_be(self) -> None:
        self.turn += 1
        self.world.tally["steps"] += 1
        self.sound = False

        async def settle() -> None:
            await self.talk.ended()
            for ear in self.talk.ears:
                await ear.settle()

        self.run(settle())
        self.sound = True

    @invariant()
    def what_is_stored_is_what_was_posted(self) -> None:
        for place, log in self.reference.logs.items():
            kind, name = place
            events, gap = self.run(
                self.world.stored(
                    room=name if kind == "room" else None, user=name if kind == "inbox" else None
                )
            )
            assert [_json(event) for event in events] == left(log), place
            assert (gap.first, gap.last) == (1, log.removed) if gap else not log.removed

    @invariant()
    def the_server_listens_for_nobody_else(self) -> None:
        self.sound = False
        logs = {place for ear in self.talk.ears for place in ear.listener.logs}
        kinds = [ear.kind for ear in self.talk.ears]
        self.run(self.world.listeners_come_to(len(logs), {kind: kinds.count(kind) for kind in set(kinds)}))
        self.sound = True

    def teardown(self) -> None:
        ears = self.talk.ears
        try:
            if self.sound:
                for token in sorted({ear.listener.token for ear in ears}):
                    assert self.ask("DELETE", "/sessions/current", token).status == 204
                    self.reference.end_session(token, "signed-out")
                self.run(self.talk.ended())
        finally:
            for ear in ears:
                ear.stream.transport.abort()
            self.run(asyncio.sleep(0))


def _json(event: Any) -> dict[str, Any]:
    where = {"to": event.to} if event.to is not None else {"room": event.log.removeprefix("room/")}
    key = {} if event.key is None else {"key": event.key}
    return {
        "type": event.kind,
        "id": event.id,
        "seq": event.seq,
        "sender": event.sender,
        "text": event.text,
        "sent_at": time(event.sent_at_ms),
        **where,
        **key,
    }
