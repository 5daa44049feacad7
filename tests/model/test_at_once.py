"""Several clients at the same moment: whatever they are told could have happened one after the other.

They post to one room with the same keys over several transports, break off in between, read, and begin to
listen amid all of it.
"""

import asyncio
import json
import os

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from model.linear import History, Look, Post
from model.wire import Line, Socket
from model.world import KINDS

EXAMPLES = int(os.environ.get("HUBBUB_SOAK_EXAMPLES", "0"))

WAIT = st.integers(0, 4)
"""Turns of the loop before something is done."""

POSTS = st.tuples(
    WAIT,
    st.sampled_from([None, "k1", "k1", "k2"]),
    st.sampled_from(["a", "b"]),
    st.sampled_from([None, None, None, 0, 1, 2]),
)
POSTERS = st.tuples(
    st.sampled_from(["rest", "rest", "websocket", "cut"]),
    st.sampled_from(["ada", "ada", "bob"]),
    st.lists(POSTS, min_size=1, max_size=5),
)
READERS = st.tuples(WAIT, st.integers(1, 4))
LISTENERS = st.tuples(WAIT, st.sampled_from(sorted(KINDS)), st.sampled_from([None, 0]))


class Crowd:
    """One room, and what everybody did in it."""

    def __init__(self, world, tokens, room):
        self.world = world
        self.tokens = tokens
        self.room = room
        self.history = History()
        self.moment = 0
        self.streams = []
        self.cut = []

    def now(self):
        self.moment += 1
        return self.moment

    async def turns(self, count):
        for _ in range(count):
            await asyncio.sleep(0)

    @property
    def path(self):
        return f"/room/{self.room}/messages"

    # -- posting -------------------------------------------------------------

    async def posts(self, how, user, posts):
        if how == "websocket":
            await self.posts_by_socket(user, posts)
            return
        for wait, key, text, upon in posts:
            await self.turns(wait)
            line = await self.world.connect(Line)
            post = Post(user, text, key, self.now(), upon=upon)
            self.history.posts.append(post)
            fields = {} if key is None else {"Idempotency-Key": key}
            fields |= {} if upon is None else {"If-Match": f'"{upon}"'}
            body = json.dumps({"text": text}).encode()
            line.request("POST", self.path, self.world.host, self.tokens[user], body, fields)
            if how == "cut":
                await self.turns(wait)
                line.transport.close()
                continue
            answer = await line.answer("POST")
            line.transport.close()
            self.learn(post, answer.json, answer.status == 201, "type")

    async def posts_by_socket(self, user, posts):
        """All of them under way at the same time, answered in their order."""
        socket = await self.world.open_socket("/ws", self.tokens[user])
        assert isinstance(socket, Socket)
        mine = []
        for ref, (wait, key, text, upon) in enumerate(posts, 1):
            await self.turns(wait)
            frame = {"type": "post", "ref": ref, "room": self.room, "text": text}
            frame |= ({} if key is None else {"key": key}) | ({} if upon is None else {"if_head": upon})
            mine.append(Post(user, text, key, self.now(), upon=upon))
            self.history.posts.append(mine[-1])
            socket.say(frame)
        await socket.until(lambda: len(socket.frames) > len(mine), "the replies")
        _, *replies = socket.frames
        assert [reply["ref"] for reply in replies] == list(range(1, len(mine) + 1))
        for post, reply in zip(mine, replies, strict=True):
            self.learn(post, reply, reply["type"] == "posted", "problem")
        socket.transport.abort()

    def learn(self, post, told, stored, name):
        post.answered = self.now()
        if stored:
            post.seq = told["seq"]
        else:
            post.refused = told[name].removeprefix("/problems/")
            post.head = told.get("head")
            assert post.refused in ("key-reused", "head-moved")

    # -- reading and listening -----------------------------------------------

    async def reads(self, wait, times):
        line = await self.world.connect(Line)
        for _ in range(times):
            await self.turns(wait)
            asked = self.now()
            line.request(
                "GET", f"{self.path}?after=0&limit=500", self.world.host, self.tokens["bob"], None, {}
            )
            answer = await line.answer("GET")
            head = len(answer.json)
            assert answer.headers["etag"].endswith(f':{head}"')
            self.history.looks.append(Look(head, asked, self.now()))
        line.transport.close()

    async def listens(self, wait, kind, after):
        await self.turns(wait)
        address = f"/room/{self.room}/subscribe" + ("" if after is None else f"?after={after}")
        if kind == "websocket":
            address = "/ws"
        crowd = self

        class Noting(KINDS[kind]):
            def take(self, text):
                super().take(text)
                if self.frames[-1]["type"] == "message":
                    crowd.history.heard.append((self.frames[-1]["seq"], crowd.now()))

        asked = self.now()
        if kind == "websocket":
            stream = await self.world.open_socket(address, self.tokens["bob"], Noting)
            frame = {"type": "subscribe", "ref": 0, "room": self.room}
            reply = await stream.ask(frame | ({} if after is None else {"after": after}))
            head = reply["head"]
            self.history.looks.append(Look(head, asked, self.now()))
        else:
            stream = await self.world.open_stream(Noting, address, self.tokens["bob"])
            head = None
            if kind == "sse" and after is None:
                head = int(stream.opening_id.rpartition(":")[2])
                self.history.looks.append(Look(head, asked, self.now()))
        self.streams.append((stream, after if after is not None else head))

    # -- what came of it -----------------------------------------------------

    async def comes_to(self):
        """The log in the end, once nothing is under way and everybody who listens was told all of it."""
        chunked = sum(not isinstance(stream, Socket) for stream, _ in self.streams)
        await self.world.comes_to_rest(len(self.streams), chunked)
        events, _ = await self.world.stored(room=self.room)
        for stream, after in self.streams:
            if events and after is not None:
                await stream.until(
                    lambda stream=stream, after=after: len(heard(stream)) >= len(events) - after, "the end"
                )
            seqs = [frame["seq"] for frame in heard(stream)]
            first = len(events) + 1 - len(seqs) if after is None else after + 1
            assert seqs == list(range(first, len(events) + 1))
            stream.transport.abort()
        return [as_told(event) for event in events]


def heard(stream):
    return [frame for frame in stream.frames if frame["type"] == "message"]


def as_told(event):
    key = {} if event.key is None else {"key": event.key}
    return {"seq": event.seq, "text": event.text, "sender": event.sender, **key}


@pytest.fixture
def place(world):
    """The world, with two who are signed in."""
    world.run(world.add_people("ada", "bob"))
    tokens = {name: world.run(world.add_session(name))[0] for name in ("ada", "bob")}
    return world, tokens


@pytest.mark.timeout(0 if EXAMPLES else 600)
def test_whatever_many_are_told_could_have_happened_one_after_the_other(place):
    world, tokens = place

    @settings(
        max_examples=EXAMPLES or 60,
        derandomize=not EXAMPLES,
        database=None,
        report_multiple_bugs=False,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, Phase.shrink) if EXAMPLES else (Phase.generate,),
    )
    @given(
        st.lists(POSTERS, min_size=2, max_size=5),
        st.lists(READERS, max_size=2),
        st.lists(LISTENERS, max_size=3),
    )
    def play(posters, readers, listeners):
        async def all_at_once():
            world.examples += 1
            name = json.dumps({"name": f"room {world.examples}"}).encode()
            room = (await world.ask("POST", "/rooms", tokens["ada"], name)).json["id"]
            crowd = Crowd(world, tokens, room)
            await asyncio.gather(
                *(crowd.posts(*poster) for poster in posters),
                *(crowd.reads(*reader) for reader in readers),
                *(crowd.listens(*listener) for listener in listeners),
            )
            assert crowd.history.faults(await crowd.comes_to()) == []

        world.run(all_at_once())

    play()
