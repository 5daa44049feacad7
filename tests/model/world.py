"""The real server the machines play with: one for all examples, in a loop that runs only when it is asked to.

Whatever happens by the clock happens when a machine says so: time stands still between its steps, and the
housekeeping waits for `half_a_second`.
"""

import asyncio
import hashlib
import os
from base64 import urlsafe_b64encode
from collections import Counter
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, TypeVar

from hubbub import housekeeping
from hubbub.api.settings import Settings
from hubbub.app import Running, running
from hubbub.backends import Seams
from hubbub.config import Config
from hubbub.domain.events import Event, Gap
from hubbub.domain.ids import SessionId, UserId, inbox_log, room_log
from hubbub.domain.model import Session, User
from hubbub.knobs import Address
from hubbub.service.passwords import Cost, Passwords
from hubbub.service.tokens import token_hash
from hubbub.storage.base import Seed
from hubbub.storage.sqlite import SqliteStore
from model.wire import Answer, Chunked, EventStream, Line, Lines, Socket, Stream
from support.deadline import deadline

T = TypeVar("T")

LIFETIME_SECONDS = 30 * 86_400
PASSWORD = "correct horse"
START_MS = 1_700_000_000_000


class World:
    def __init__(self, data: Path, loop_factory: Any = None) -> None:
        self.data = data
        self.now_ms = START_MS
        self.runner = asyncio.Runner(loop_factory=loop_factory)
        self.server: Running
        self.examples = 0
        self.tally: Counter[str] = Counter()
        """How often each thing was done, and how it came out."""
        self.made = 0
        cheap = Passwords(1, cost=Cost(memory_kib=8, passes=1))
        self._password_hash = cheap.hash_now(PASSWORD)
        cheap.close()
        self._port = 0
        self._stack: AsyncExitStack | None = None
        self._line: Line | None = None

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    # -- the server ----------------------------------------------------------

    async def open(self) -> None:
        config = Config(
            data=self.data,
            listen=Address("127.0.0.1", self._port),
            settings=Settings(ping_seconds=3600.0, heartbeat_seconds=3600.0),
            limits=None,
            admin_listen=None,
            password_workers=1,
            session_seconds=LIFETIME_SECONDS,
        )
        self._stack = AsyncExitStack()
        seams = Seams(now_ms=lambda: self.now_ms, randomness=os.urandom)
        self.server = await self._stack.enter_async_context(running(config, seams))
        self._port = self.server.address.port
        self._line = None

    async def close(self) -> None:
        assert self._stack is not None
        stack, self._stack = self._stack, None
        if self._line is not None:
            self._line.transport.close()
        await stack.aclose()

    async def half_a_second(self) -> None:
        """What the server does twice a second."""
        await self.server.context.accounts.tick()

    async def trim(self, before_ms: int) -> None:
        await housekeeping.trim(self.server.store, self.server.context, before_ms)

    async def disable(self, name: str, yes: bool) -> None:
        """As `hubbub user disable` does, which is another process."""
        store = SqliteStore.open_shared(self.data, now_ms=lambda: self.now_ms, randomness=os.urandom)
        await store.disable(UserId(name), self.now_ms if yes else None)
        await store.close()

    # -- who is there beforehand ---------------------------------------------

    async def add_people(self, *names: str) -> None:
        users = [(User(name=UserId(n), created_at_ms=self.now_ms), self._password_hash) for n in names]
        store = self.server.store
        assert isinstance(store, SqliteStore)
        await store.seed(Seed(users=users, sessions=[], rooms=[]))

    async def add_session(self, name: str) -> tuple[str, str]:
        """Token and id of a session like those a sign-in makes, without the work of a password."""
        self.made += 1
        token = "hb_" + urlsafe_b64encode(hashlib.sha256(b"%d" % self.made).digest()).rstrip(b"=").decode()
        session = Session(
            id=SessionId(f"session-{self.made}"),
            user=UserId(name),
            created_at_ms=self.now_ms,
            expires_at_ms=self.now_ms + LIFETIME_SECONDS * 1000,
        )
        await self.server.store.create_session(session, token_hash(token))
        return token, session.id

    # -- asking it -----------------------------------------------------------

    @property
    def url(self) -> str:
        return self.server.url

    @property
    def host(self) -> str:
        return str(self.server.address)

    async def connect(self, kind: type[T]) -> T:
        loop = asyncio.get_running_loop()
        _, line = await loop.create_connection(kind, "127.0.0.1", self.server.address.port)  # type: ignore[type-var]
        return line

    async def ask(
        self,
        method: str,
        target: str,
        token: str | None = None,
        body: bytes | None = None,
        line: Line | None = None,
        **fields: str,
    ) -> Answer:
        """One request; all of them one after the other on one connection, unless `line` is another."""
        if line is None:
            if self._line is None or self._line.over:
                self._line = await self.connect(Line)
            line = self._line
        named = {name.replace("_", "-"): value for name, value in fields.items()}
        line.request(method, target, self.host, token, body, named)
        answer = await line.answer(method)
        self.tally[f"{method} {answer.status}"] += 1
        return answer

    async def open_stream(
        self, kind: type[Chunked], target: str, token: str | None = None, **fields: str
    ) -> Chunked | Answer:
        """The stream, or why there is none."""
        return await self._open(kind, target, token, fields | {"Accept": kind.accept})  # type: ignore[attr-defined]

    async def open_socket(
        self, target: str, token: str | None = None, kind: type[Socket] = Socket
    ) -> Socket | Answer:
        fields = {
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        }
        return await self._open(kind, target, token, fields)

    async def _open(self, kind: Any, target: str, token: str | None, fields: dict[str, str]) -> Any:
        stream: Stream = await self.connect(kind)
        named = {name.replace("_", "-"): value for name, value in fields.items()}
        stream.request("GET", target, self.host, token, None, named)
        answer = await stream.answer("GET")
        self.tally[f"{kind.__name__} {answer.status}"] += 1
        if answer.status not in (101, 200):
            stream.transport.close()
            return answer
        assert answer.status == (101 if issubclass(kind, Socket) else 200)
        stream.begin()
        if issubclass(kind, Socket):
            await stream.until(lambda: bool(stream.frames), "hello")
            assert stream.frames[0]["type"] == "hello", stream.frames
        elif issubclass(kind, EventStream):
            await stream.until(lambda: stream.last_id is not None, "the first id of a stream")
        return stream

    # -- looking inside ------------------------------------------------------

    async def stored(
        self, room: str | None = None, user: str | None = None
    ) -> tuple[list[Event], Gap | None]:
        log = inbox_log(user) if user is not None else room_log(room or "")
        page = await self.server.store.page(log, after=0)
        assert not page.more
        return list(page.events), page.gap

    def other_end(self, line: Line) -> Any:
        """The server's side of a connection, to be told that its socket is full, or no more."""
        mine = line.transport.get_extra_info("sockname")
        (found,) = [
            each
            for each in self.server.servers[0].server_state.connections
            if each.transport.get_extra_info("peername") == mine
        ]
        return found

    async def comes_to_rest(self, connections: int, requests: int) -> None:
        """Until no more is under way than so many connections, and requests that are streams."""
        state = self.server.servers[0].server_state
        connections += self._line is not None and not self._line.over
        async with deadline():
            while len(state.connections) > connections or len(state.tasks) > requests:
                await asyncio.sleep(0)

    async def listeners_come_to(self, logs: int, streams: dict[str, int]) -> None:
        """Nobody is listened for who has gone, and nobody who listens is forgotten."""
        context = self.server.context

        def counts() -> tuple[int, dict[str, int]]:
            by_kind = {kind: count for kind, count in context.connections.by_transport.items() if count}
            return context.hub.logs_in_memory, by_kind

        try:
            async with deadline():
                while counts() != (logs, streams):
                    await asyncio.sleep(0)
        except TimeoutError:
            raise AssertionError(f"the server has {counts()}, and not {(logs, streams)}") from None


KINDS: dict[str, Any] = {"sse": EventStream, "ndjson": Lines, "websocket": Socket}
