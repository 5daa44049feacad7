"""One machine that runs the server: hubbub's own code from the connections down to the store.

It is put together as `hubbub.app` does, on a loop and a network of this world. Left out are what has threads
or sockets: listening, and the hashing of passwords. What the store stands on is not known here.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

import apsw

from hubbub import housekeeping
from hubbub.api.http import build_app
from hubbub.api.settings import Settings
from hubbub.api.websocket import WebSocket
from hubbub.app import Running, _public, assemble
from hubbub.backends import Backend, Seams
from hubbub.config import Config
from hubbub.domain.errors import StorageFailed
from hubbub.domain.ids import LogId, SessionId, UserId
from hubbub.domain.model import Session
from hubbub.hub import Reader, Subscription
from hubbub.knobs import Address
from hubbub.membership import Membership
from hubbub.protocol.frames import LogFrame, event_frame, gap_frame
from hubbub.server import Server
from hubbub.service.limits import Policy
from hubbub.service.tokens import token_hash
from hubbub.storage.base import Store
from hubbub.storage.sqlite import SqliteStore
from simulation.network import ServerEnd
from simulation.schedule import Ordered, ProcessLoop, Schedule

EPOCH_MS = 1_780_000_000_000
"""When worlds begin, by the wall."""


_REPLY_BYTES = 400


Doom = tuple[str, int, bool]
"""The kind of moment at which a machine goes down, how many pass before, and whether its power stays."""


class Clock:
    """The wall clock of a machine, which people and daemons put forward and back."""

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule
        self.ahead_ms = 0

    def now_ms(self) -> int:
        return EPOCH_MS + self.ahead_ms + int(self._schedule.now * 1000)


class Scale(dict[str, Any]):
    """The sizes built into the server, by where they stand, cut down so that a small world meets them."""

    @contextmanager
    def applied(self) -> Iterator[None]:
        patches = [patch(name, value) for name, value in self.items()]
        # What the library writes into its answers by the clock on the real wall.
        patches.append(patch("email.utils.formatdate", lambda *_, **__: "Thu, 01 Jan 2026 00:00:00 GMT"))
        for each in patches:
            each.start()
        try:
            yield
        finally:
            for each in reversed(patches):
                each.stop()

    @classmethod
    def of_a_cluster(cls, chance: Random) -> "Scale":
        scale = cls.chosen(chance)
        return cls(
            scale
            | {
                "hubbub.hub.log.EARLY_ENTRIES": chance.choice((1, 4, 256)),
                "hubbub.hub.relay.CHANNELS": chance.choice((1, 2, 128)),
                "hubbub.hub.relay._FULL_BYTES": chance.choice((100, 100_000)),
                "hubbub.hub.relay._LOGS_AT_ONCE": chance.choice((1, 2000)),
                "hubbub.hub.repair.AT_ONCE": chance.choice((1, 4)),
            }
        )

    @classmethod
    def chosen(cls, chance: Random) -> "Scale":
        entries = chance.choice((4, 8, 64))
        return cls(
            {
                "hubbub.hub.log.RING_ENTRIES": entries,
                "hubbub.hub.log._REFILLED_ENTRIES": entries * 3 // 4,
                "hubbub.hub.log.RING_BYTES": chance.choice((400, 2000, 100_000)),
                "hubbub.hub.log.CHUNK_BYTES": chance.choice((1, 400, 4000)),
                "hubbub.hub.behind.PAGES_PER_TURN": chance.choice((1, 4)),
                "hubbub.storage.sqlite.logs.MAX_PAGE": (page := chance.choice((1, 3, 20))),
                "hubbub.storage.pages.MAX_PAGE": page,
                "hubbub.storage.sqlite.logs.REMEMBERED_LOGS": chance.choice((1, 2, 100)),
                "hubbub.storage.sqlite.database.CHECKPOINT_PAGES": chance.choice((5, 30, 4000)),
                "hubbub.storage.sqlite.syncing._LOOK_BACK": 3,
                "hubbub.storage.sqlite.syncing._SWIFT_SYNCS": 3,
                "hubbub.housekeeping.TRIM_AT_ONCE": chance.choice((1, 3, 20)),
                "hubbub.api.framed.FRAMES_PER_TURN": chance.choice((2, 8, 128)),
                "hubbub.api.framed.LOOK_UP_FRAMES": 2,
                "hubbub.service.posting.NEVER_TOO_MANY": chance.choice((1, 2, 1000)),
                "hubbub.service.posting.TURN_SECONDS": 0.0,
                "hubbub.service.posting.LONGEST_TURN_SECONDS": 0.0,
                "hubbub.service.posting.SHEDDING_SECONDS": 0.0,
            }
        )


class Node:
    """One machine, on some ground.

    Always true: `loop` is the loop of the process that runs, None while there is none."""

    name = "the server"

    def __init__(
        self,
        schedule: Schedule,
        chance: Random,
        happened: Callable[[str], None],
        tell: Callable[[str], None],
    ) -> None:
        self.schedule = schedule
        self.clock = Clock(schedule)
        self._chance = chance
        self.happened = happened
        self._tell = tell
        self.settings = Settings(
            write_buffer_bytes=chance.choice((200, 1000, 16_000)),
            ping_seconds=chance.choice((2.0, 4.0)),
            heartbeat_seconds=chance.choice((2.0, 5.0)),
            requests_in_flight=chance.choice((2, 8, 16)),
            streams_per_session=8,
            head_seconds=5.0,
            body_seconds=5.0,
            herd_seconds=1.0,
            retry_seconds=0.5,
        )
        self.session_seconds = chance.choice((6, 30, 3600))
        self._apart_at_once = chance.random() < 0.35
        self._posts = chance.choice((None, None, Policy(name="posts", quota=6, window_seconds=2)))
        self.loop: ProcessLoop | None = None
        self.running: Running | None = None
        self._server: Server | None = None
        self._uvicorn: Any = None
        self._ground: Any = None
        self._housekeeping: dict[asyncio.Task[None], None] = {}
        self._unburied: dict[ProcessLoop, tuple[Running, Any]] = {}
        self._wires: dict[ServerEnd, None] = {}
        self.starts = 0
        self.troubles: list[str] = []
        self._doom: Doom | None = None
        self.next_doom: Doom | None = None
        """For the start that comes next."""
        self.stopping = False
        self.fullest: list[tuple[str, int, int]] = []
        """Of every live stream there was: who, the most bytes that waited for it, and how many may."""
        self._stalled_at = float("-inf")
        self.ended = False

    # -- for those who build on this ----------------------------------------

    def _stand(self, loop: ProcessLoop) -> Any:
        """What a process that starts now has under it."""

    def _open(self, loop: ProcessLoop, ground: Any, chance: Random) -> tuple[Backend, Membership, Seams]:
        """Its store, and what it hears of others."""
        raise NotImplementedError

    def _fall(self, *, power: bool) -> None:
        """The process is gone at this moment."""

    def _let_go(self, running: Running, ground: Any) -> None:
        """Close what a process had open that is no more."""

    # -- coming up ----------------------------------------------------------

    def start(self) -> None:
        assert self.loop is None
        self.starts += 1
        self.stopping = False
        loop = ProcessLoop(self.schedule)
        self.loop = loop
        self.dooms(self.next_doom)
        self.next_doom = None
        ground = self._ground = self._stand(loop)
        running = loop.within(self._assemble, loop, ground)
        if loop.dead:
            self.happened("the server died while it was starting")
            self._bury_soon(loop, running, ground)
            self._forget()
            return
        self.running = running
        self._tell(f"{self.name} is up, for time number {self.starts}")

    def _assemble(self, loop: ProcessLoop, ground: Any) -> Running:
        backend, member, seams = self._open(loop, ground, Random(self._chance.random()))
        limits = dict.fromkeys(("requests",)) | ({"posts": self._posts})
        config = Config(
            data=Path(),
            listen=Address("127.0.0.1", 80),
            admin_listen=None,
            session_seconds=self.session_seconds,
            limits=limits,
            settings=self.settings,
            stop_seconds=3.0,
        )
        context = assemble(config, backend, member, None, seams)  # type: ignore[arg-type]  # nobody signs in here
        running = Running(config, backend, member, context, config.listen, None)
        app = build_app(context, trouble=running.trouble)
        self._uvicorn = _public(config, context, app)
        self._server = Server(self._uvicorn, farewell=running.farewell)
        self._server.servers = []
        self._server.lifespan = self._uvicorn.lifespan_class(self._uvicorn)
        self._server.server_state.connections = Ordered()  # type: ignore[assignment]
        self._server.server_state.tasks = Ordered()  # type: ignore[assignment]
        works = [housekeeping.beat(context), housekeeping.look_after_sessions(context)]
        if member.relay is not None:
            works.append(member.keep())
        for work in works:
            self._keep_house(loop, work)
        return running

    def _keep_house(self, loop: ProcessLoop, work: Coroutine[Any, Any, None]) -> None:
        task = loop.create_task(work)
        self._housekeeping[task] = None
        task.add_done_callback(partial(self._kept_house, loop))

    def _kept_house(self, loop: ProcessLoop, task: asyncio.Task[None]) -> None:
        self._housekeeping.pop(task, None)
        if not (loop.dead or task.cancelled()) and (error := task.exception()) is not None:
            loop.call_exception_handler({"message": "housekeeping ended", "exception": error})

    def _broke(self, error: StorageFailed) -> None:
        if self.running is None:
            return
        self.happened("the store broke, and the server left")
        self._tell(f"the store broke: {error.__cause__}")
        self.running.broken = error
        loop = self.loop
        if loop is not None and not loop.dead:
            loop.call_soon(self.stop)

    def accept(self) -> asyncio.Protocol:
        assert self._server is not None
        made: asyncio.Protocol = self._uvicorn.http_protocol_class(
            config=self._uvicorn, server_state=self._server.server_state, app_state={}, _loop=self.loop
        )
        return made

    def join(self, end: ServerEnd) -> None:
        self._wires[end] = None

    def left(self, end: ServerEnd) -> None:
        """It has ended; how full it was is held against it later."""
        self._wires.pop(end, None)
        self._weigh(end)

    def _weigh(self, end: ServerEnd) -> None:
        if self.reader(end) is not None:
            settings = self.settings
            # What filled it up, and one that did not know yet; then the replies to what was taken before.
            bound = settings.write_buffer_bytes + 2 * end.biggest_write
            bound += settings.requests_in_flight * _REPLY_BYTES
            self.fullest.append((f"{end.wire.address}", end.most_buffered, bound))

    @property
    def ends(self) -> list[ServerEnd]:
        return list(self._wires)

    @property
    def connections(self) -> Collection[object]:
        return self._server.server_state.connections if self._server is not None else ()

    def stalled_within(self, seconds: float) -> bool:
        """Whether the process stood still for a while, this shortly ago."""
        return self._stalled_at > self.schedule.now - seconds

    def reader(self, end: ServerEnd) -> Reader | None:
        """The live stream on this connection, if there is one."""
        protocol = end.get_protocol()
        reader: Reader | None = protocol if isinstance(protocol, WebSocket) else protocol.reader
        return reader

    def subscriptions(self) -> Iterator[Subscription]:
        for end in self.ends:
            if (reader := self.reader(end)) is not None:
                yield from reader.subscriptions

    def session_listening(self, end: ServerEnd) -> str | None:
        """Whose session a live stream on this connection hangs on; None where there is none."""
        reader: Any = self.reader(end)
        if reader is None or not reader.subscriptions or end.is_closing():
            return None  # of one that is closing only what was written before still goes out
        caller = reader.caller if isinstance(reader, WebSocket) else reader._caller
        return None if caller is None else caller.session.id  # None: its upgrade is not answered yet

    def left_over(self) -> Iterator[str]:
        """What it still holds of people who have left."""
        running, loop = self.running, self.loop
        if running is None or loop is None or self.stopping:
            yield "not being up"
            return
        context = running.context
        hub, connections = context.hub, context.connections
        counts = {
            "connections": len(self.connections),
            "logs in memory": hub.logs_in_memory,
            "readers behind": hub.behind,
            "streams": sum(connections.by_transport.values()),
            "streams counted for sessions": sum(connections._streams.values()),
            "sockets counted for addresses": sum(connections._sockets.values()),
            "sessions watched": len(context.accounts._watchers),
            "posts that wait": context.posting.queued,
            "tasks": loop.tasks - self.own_tasks(running),
            "catch-ups": int(hub._behind.at_work),
        }
        for what, count in counts.items():
            if count:
                yield f"{count} {what}"

    def own_tasks(self, running: Running) -> int:
        """How many are the server's own."""
        return len(self._housekeeping)

    # -- going down ---------------------------------------------------------

    def dooms(self, doom: Doom | None) -> None:
        """Have the machine go down at one of the moments to come; or not, after all."""
        self._doom = doom
        if self.loop is not None:
            self.loop.boundary = partial(self._moment, "callback") if doom is not None else None

    def _moment(self, kind: str) -> None:
        if self._doom is None or self.loop is None or self.loop.dead:
            return
        awaited, more, power = self._doom
        if awaited == kind:
            if more:
                self._doom = (awaited, more - 1, power)
            else:
                self._note_where(kind)
                self.die(power=power)

    def _note_where(self, kind: str) -> None:
        queued = self.running.context.posting.queued if self.running is not None else 0
        if kind == "synced" and queued:
            self.happened("the server died between a commit and its acknowledgement")
        elif kind in ("write", "sync", "written") and queued:
            self.happened("the server died amid a commit")
        elif kind == "send":
            self.happened("the server died amid its answers")
        elif queued:
            self.happened("the server died before a commit")

    def writes(self, end: ServerEnd, data: bytes) -> None:
        self._moment("send")

    def die(self, *, power: bool) -> None:
        """At this very moment. `power` says whether the machine still has it."""
        loop = self.loop
        if loop is None or loop.dead:
            return
        self._tell(f"{self.name} is killed" if power else "the power is cut")
        loop.dead = True
        self._fall(power=power)
        for end in self.ends:
            end.wire.server_died()
            self.left(end)
        if self.running is not None:  # else it was starting, and `start` sees to the rest
            self._bury_soon(loop, self.running, self._ground)
        self._gone(loop)

    def _gone(self, loop: ProcessLoop) -> None:
        self.troubles += troubles_of(loop)
        self._forget()
        if not self.ended:
            self.schedule.after(0.05 + self._chance.random() * 2, self.start)

    def _forget(self) -> None:
        self.loop = self.running = self._server = self._uvicorn = self._ground = None
        self._housekeeping = {}

    def _bury_soon(self, loop: ProcessLoop, running: Running, ground: Any) -> None:
        """Not in the middle of its own turn."""
        self._unburied[loop] = (running, ground)
        self.schedule.after(0, self._bury, loop)

    def _bury(self, loop: ProcessLoop) -> None:
        running, ground = self._unburied.pop(loop)
        loop.bury()
        self._let_go(running, ground)

    def cut_short(self) -> None:
        """The world ends here, whatever is going on."""
        for unburied in list(self._unburied):
            self._bury(unburied)
        loop, running, ground = self.loop, self.running, self._ground
        if loop is not None:
            loop.dead = True
            self._fall(power=True)
            loop.bury()
            if running is not None:
                self._let_go(running, ground)

    def stop(self) -> None:
        """As SIGTERM does: everyone is told, then the process ends."""
        if self.loop is None or self.stopping:
            return
        self.stopping = True
        self._tell(f"{self.name} is told to stop")
        loop = self.loop
        loop.poke(lambda: loop.create_task(self._leave()))

    async def _leave(self) -> None:
        loop, running, server = self.loop, self.running, self._server
        assert loop is not None
        assert running is not None
        assert server is not None
        running.stop()
        for task in list(self._housekeeping):
            task.cancel()
        await asyncio.gather(*self._housekeeping, return_exceptions=True)
        if running.broken:
            server.config.timeout_graceful_shutdown = 1
        await server.shutdown()
        self.happened("the server left in peace")
        try:
            await running.store.close()
        except apsw.Error as error:  # the disk's, and what was committed is safe in the log
            self._tell(f"the store was not closed well: {error!r}")
        if not loop.dead:
            loop.call_soon(self._left, loop, running)

    def _left(self, loop: ProcessLoop, running: Running) -> None:
        """The process ends; its machine goes on."""
        self._tell(f"{self.name} has left")
        ground = self._ground
        loop.dead = True
        self._fall(power=True)
        for end in self.ends:
            end.wire.server_died()
            self.left(end)
        self.schedule.after(0, loop.bury)
        self.schedule.after(0, self._left_behind, ground)
        self._gone(loop)

    def _left_behind(self, ground: Any) -> None:
        """What a process that closed its store leaves."""

    def end(self) -> None:
        """The power is cut, for good."""
        self.ended = True
        self.die(power=False)
        if self.loop is None:
            return
        raise AssertionError("it was dying already")

    # -- what the world asks of it ------------------------------------------

    def now_ms(self) -> int:
        """By the clock that the process goes by."""
        return self.clock.now_ms() if self.running is None else self.running.backend.now_ms()

    @property
    def up(self) -> bool:
        return self.listening is not None

    @property
    def listening(self) -> ProcessLoop | None:
        return None if self.stopping else self.loop

    def sign_in(self, user: str, name: str, token: str, told: Callable[[bool], None]) -> bool:
        """Make a session, as a sign-in does once the password was found right, and say whether it was made.
        False while nobody can be asked."""
        if self.loop is None or self.running is None or self.stopping:
            return False
        self.loop.poke(self._sign_in, self.loop, self.running.store, user, name, token, told)
        return True

    def _sign_in(
        self,
        loop: ProcessLoop,
        store: Store,
        user: str,
        name: str,
        token: str,
        told: Callable[[bool], None],
    ) -> None:
        now_ms = self.now_ms()
        session = Session(
            id=SessionId(name),
            user=UserId(user),
            created_at_ms=now_ms,
            expires_at_ms=now_ms + self.session_seconds * 1000,
        )

        def ended(task: asyncio.Task[None]) -> None:
            if not loop.dead:
                failed = task.cancelled() or task.exception() is not None
                self.schedule.after(0, told, not failed)

        loop.create_task(store.create_session(session, token_hash(token))).add_done_callback(ended)

    def trim(self, older_than_seconds: float) -> None:
        if self.loop is None or self.running is None or self.stopping:
            return
        before_ms = self.now_ms() - int(older_than_seconds * 1000)
        self.loop.poke(self._trim, self.running, before_ms)

    def _trim(self, running: Running, before_ms: int) -> None:
        assert self.loop is not None
        self._keep_house(
            self.loop,
            housekeeping._surely(
                "removing old messages",
                lambda: housekeeping.trim(running.store, running.context, before_ms),
            ),
        )


async def read_all(store: SqliteStore, logs: list[LogId]) -> dict[LogId, list[LogFrame]]:
    """Every log from its beginning, as a reader of it would be told."""
    found: dict[LogId, list[LogFrame]] = {}
    for log_id in logs:
        frames: list[LogFrame] = []
        seq = 0
        while True:
            page = await store.page(log_id, after=seq)
            if page.gap is not None:
                frames.append(gap_frame(page.gap))
                seq = page.gap.last
            frames += [event_frame(event) for event in page.events]
            if not page.events:
                break
            seq = page.events[-1].seq
        found[log_id] = frames
    return found


def _run(work: Awaitable[Any]) -> Any:
    """What the store calls coroutines never waits."""
    steps = work.__await__()
    try:
        next(steps)
    except StopIteration as end:
        return end.value
    raise AssertionError("the store waited for something")


run_at_once = _run


def troubles_of(loop: ProcessLoop) -> list[str]:
    """What its loop was told went wrong. A store that broke is told of elsewhere."""
    return [
        f"{context.get('message')}: {error!r}"
        for context in loop.troubles
        if not isinstance(error := context.get("exception"), StorageFailed)
    ]
