"""What every scenario works with: the server, the people, the fleet of clients, and the steps of a load."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import httpx2
from msgspec.structs import replace

from hubbub.bench import usage
from hubbub.bench.asked import Asked
from hubbub.bench.clustered import OwnCluster
from hubbub.bench.figures import Figures, figures
from hubbub.bench.fleet import Fleet
from hubbub.bench.hearing import inbox
from hubbub.bench.histogram import Histogram
from hubbub.bench.kept import Kept, kept
from hubbub.bench.orders import (
    Answer,
    Answered,
    Connect,
    Connected,
    Findings,
    Load,
    Loaded,
    Settle,
    Settled,
    Share,
    Take,
    Taken,
)
from hubbub.bench.pacing import NANOSECONDS
from hubbub.bench.readback import Readback, sample
from hubbub.bench.refusals import limited, refusal
from hubbub.bench.rest import RestClient
from hubbub.bench.screen import Screen
from hubbub.bench.seats import People, Seat, seat, shares
from hubbub.bench.server import OwnServer, Server, ServerFailed
from hubbub.bench.verdict import Verdict, judge
from hubbub.bench.watch import Health, Watch
from hubbub.check import Resources, at_rest

AT_ONCE = 128
"""Connections each process opens at the same time."""

LOOKS_AT_ONCE = 16

CONNECT_SECONDS = 30.0
MEMORY_BOUND_BYTES = 128 << 20
MEMORY_BOUND_BYTES_A_CLIENT = 4096
"""How far a server may have grown when everybody has left again: SQLite's page cache takes 64 MiB, what was
looked up last some more, and what the allocator keeps of ten thousand connections goes with their number."""

STORE_DESCRIPTORS = 8
"""How many a server may open for its store when it first needs them, and keeps: connections of a node to its
database, or, beside a SQLite that has grown, one more that moves its log. They are not left over."""

LEAD_SECONDS = 0.1
"""Between ordering a load and its beginning, so that all processes are told in time."""


class Stage:
    def __init__(
        self,
        *,
        asked: Asked,
        people: People,
        server: Server,
        own: OwnServer | None = None,
        cluster: OwnCluster | None = None,
        cores: frozenset[int],
        screen: Screen,
    ) -> None:
        self.asked = asked
        self.people = people
        self.server = server
        self.own = own
        self.cluster = cluster
        """One of them is the same as `server` when this run has started it, and may kill it."""
        self.screen = screen
        self.run = os.urandom(4).hex()
        self.began: dict[str, int] = {}
        """Where the logs of the last fleet ended before it began."""
        self.judged: list[Findings] = []
        """All that the verdict was given on."""
        self._cores = cores
        self.last_back_ns = 0
        """When all were back who had lost their connection in the last load, of CLOCK_MONOTONIC; 0: nobody
        had lost one."""
        self._processes = 0
        """How many there were so far: each has a number of its own in the keys of its posts."""

    @property
    def host(self) -> str:
        return self.server.addresses[0][0]

    @property
    def urls(self) -> list[str]:
        return [f"http://{host}:{port}" for host, port in self.server.addresses]

    async def heads(self, seats: Iterable[Seat]) -> dict[str, int]:
        """Where all logs of these clients end now. Raises ServerFailed."""
        heads: dict[str, int] = {}
        asked: dict[str, tuple[str, str]] = {}
        for each in seats:
            asked.update((room, (f"/room/{room}/messages?limit=1", each.token)) for room in each.rooms)
            if each.hears_inbox:
                asked[inbox(each.user)] = ("/inbox/messages?limit=1", each.token)
        turn = asyncio.Semaphore(LOOKS_AT_ONCE)
        async with httpx2.AsyncClient(base_url=self.urls[0], trust_env=False) as http:

            async def one(log: str, path: str, token: str) -> None:
                async with turn:
                    heads[log] = await _head(http, path, token)

            await asyncio.gather(*(one(log, *how) for log, how in asked.items()))
        return heads

    async def fleet(
        self,
        readers: Sequence[Seat],
        posters: Sequence[Seat] = (),
        *,
        began: dict[str, int] | None = None,
        apart: bool = False,
    ) -> Fleet:
        """The processes of clients for these seats, to be used as a context manager.

        They hear what follows `began`, by default what is posted from now on. `apart`: those who post are on
        another node than those who read. Raises ServerFailed.
        """
        asked = self.asked
        self.screen.step("looking where the rooms end")
        began = await self.heads((*readers, *posters)) if began is None else began
        listening, posting = shares(readers, asked.processes), shares(posters, asked.processes)
        people = sorted({seat.user for seat in readers if seat.hears_inbox})
        first, self._processes = self._processes, self._processes + asked.processes
        fleet = Fleet(
            [
                Share(
                    process=first + index,
                    index=index,
                    of=asked.processes,
                    run=self.run,
                    addresses=list(self.server.addresses),
                    apart=apart,
                    transport=asked.transport,
                    size_bytes=asked.payload_bytes,
                    cores=self._cores,
                    readers=listening[index],
                    posters=posting[index],
                    people=people,
                    began=began,
                )
                for index in range(asked.processes)
            ]
        )
        self.began = began
        fleet.watched = self.screen.progress
        return fleet

    async def audit(self, heads: dict[str, int]) -> list[Findings]:
        """Read every room again from where the run began, as somebody who comes later does."""
        seats = [
            seat(number, self.people, self.host, rooms=[room])
            for number, room in enumerate(log for log in self.began if "/" not in log)
        ]
        self.screen.step("reading everything again")
        async with await self.fleet(seats, began=self.began) as fleet:
            await self.connect(fleet)
            await fleet.ask(Settle(heads=heads, within_seconds=self.asked.settle_seconds), Settled)
            return await fleet.tell()

    def judge(self, findings: Sequence[Findings]) -> Verdict:
        self.judged = list(findings)
        return judge(self.run, findings)

    # -- the steps of a load ------------------------------------------------

    async def connect(self, fleet: Fleet, *, at_once: int = AT_ONCE, persistent: bool = False) -> float:
        """Every client; how many seconds it took. Raises Limited, or ServerFailed when some could not."""
        self.screen.step("connecting")
        begun = time.monotonic()
        order = Connect(at_once=at_once, within_seconds=CONNECT_SECONDS, persistent=persistent)
        connected = await fleet.ask(order, Connected)
        for each in connected:
            if each.limit is not None:
                raise limited("a connection", each.limit)
        failures = [failure for each in connected for failure in each.failures]
        if failures:
            raise ServerFailed(
                f"{sum(each.connected for each in connected)} clients connected and others did not: "
                + "; ".join(failures[:3])
            )
        return time.monotonic() - begun

    async def load(
        self,
        fleet: Fleet,
        per_second: float,
        *,
        name: str = "",
        slow_too: bool = True,
        come_back: bool = False,
        loses_node: int | None = None,
        health: Health | None = None,
        **beside: float,
    ) -> Figures:
        """Post at a rate until all has arrived, and what was measured meanwhile.

        `beside`: what else goes on, as in `Load`. `slow_too`: whether slow readers are waited for.
        `come_back`: whether those whose connection the server has ended do afterwards, with the place where
        they stand; `loses_node`: those of the node that is killed do at once, amid the load.
        `health` asks while the load is measured. Raises Limited.
        """
        asked = self.asked
        self.screen.step(name or f"{per_second:,.0f} posts/s")
        start_ns = time.monotonic_ns() + int(LEAD_SECONDS * NANOSECONDS)
        measure_from_ns = start_ns + int(asked.warm_up_seconds * NANOSECONDS)
        whole_seconds = asked.warm_up_seconds + asked.seconds
        order = Load(
            start_ns=start_ns,
            per_second=per_second,
            seconds=whole_seconds,
            measure_from_ns=measure_from_ns,
            loses_node=loses_node,
            **beside,
        )
        ends_ns = start_ns + int(whole_seconds * NANOSECONDS)
        async with Watch(partial(usage.resident_bytes, self.server)) as watch:
            begun = asyncio.create_task(usage.standing(self.server, measure_from_ns))
            ended = asyncio.create_task(usage.standing(self.server, ends_ns))
            asking = asyncio.create_task(health.ask(measure_from_ns, ends_ns)) if health else None
            loaded = await fleet.ask(order, Loaded)
            _check_limits(loaded)
            self.last_back_ns = max(each.last_back_ns for each in loaded)
            cpu, counted = (await begun).until(await ended)
            if asking is not None:
                await asking
            ended_at = time.monotonic()
            if come_back:
                await self.connect(fleet, persistent=True)
            await self.settle(fleet, slow_too=slow_too)
            settled_seconds = time.monotonic() - ended_at
        return figures(
            name or f"{per_second:,.0f} posts/s",
            per_second,
            asked.seconds,
            loaded=loaded,
            taken=await fleet.ask(Take(), Taken),
            settled_seconds=settled_seconds,
            server_cpu_of=cpu,
            counted_per_second=counted,
            server_rss_before_bytes=watch.before_bytes,
            server_rss_most_bytes=watch.most_bytes,
            server_rss_bytes=usage.resident_bytes(self.server),
            health=health.latency if health else Histogram(),
        )

    async def settle(self, fleet: Fleet, *, slow_too: bool = True) -> dict[str, int]:
        """Wait until every post was answered and every reader told, as long as may be: where the logs end."""
        self.screen.step("waiting for what is under way")
        within_seconds = self.asked.settle_seconds
        heads: dict[str, int] = {}
        for answered in await fleet.ask(Answer(within_seconds=within_seconds), Answered):
            for log, head in answered.heads.items():
                heads[log] = max(head, heads.get(log, 0))
        order = Settle(heads=heads, within_seconds=within_seconds, slow_too=slow_too)
        await fleet.ask(order, Settled)
        return heads

    # -- the server, from outside -------------------------------------------

    async def check(self, before: Resources) -> list[Kept]:
        """After the load: every promise, against what the server stores and holds. Raises ServerFailed."""
        nodes = len(self.server.addresses)
        if before.descriptors is not None:
            before = replace(before, descriptors=before.descriptors + STORE_DESCRIPTORS * nodes)
        self.screen.step("reading back what is stored")
        readback = Readback(self.urls, self.run, self.people)
        stored = await readback.stored(self.began, sample(self.judged))
        again = await readback.again(self.judged, [log for log in self.began if "/" not in log])
        self.screen.step("waiting for the server to come to rest")
        after = await at_rest(partial(usage.held, self.server), before)
        return kept(
            self.run,
            self.judged,
            stored,
            again,
            before=before,
            after=after,
            memory_bound_bytes=(
                MEMORY_BOUND_BYTES * nodes + self.asked.clients * MEMORY_BOUND_BYTES_A_CLIENT
            ),
        )

    @asynccontextmanager
    async def health(self) -> AsyncIterator[Health]:
        """Somebody to ask whether the server lives. Raises ServerFailed."""
        host, port = self.server.addresses[0]
        asking = seat(0, self.people, host, rooms=())
        connection = RestClient(asking, f"{host}:{port}")
        try:
            await asyncio.get_running_loop().create_connection(lambda: connection, host, port)
        except OSError as error:
            raise ServerFailed(f"the server does not answer: {error}") from error
        health = Health(connection)
        try:
            yield health
        finally:
            health.leave()

    async def readiness(self) -> dict[str, Any]:
        """What the server says of itself; nothing where it does not."""
        async with httpx2.AsyncClient(base_url=self.urls[0], trust_env=False) as http:
            try:
                said = (await http.get("/health/ready")).json()
            except (httpx2.TransportError, ValueError):
                return {}
        return said if isinstance(said, dict) else {}


async def _head(http: httpx2.AsyncClient, path: str, token: str) -> int:
    """The ETag of a list of messages is the cursor at the log's head."""
    try:
        answer = await http.get(path, headers={"Authorization": f"Bearer {token}"})
    except httpx2.TransportError as error:
        raise ServerFailed(f"{http.base_url} does not answer: {error or type(error).__name__}") from error
    if answer.status_code != 200:
        said = refusal(answer.status_code, answer.content)
        if said.is_limit:
            raise limited("a look at a room", said)
        raise ServerFailed(f"{path} is answered {answer.status_code}: {answer.text}")
    return int(answer.headers["etag"].strip('"').rpartition(":")[2])


def _check_limits(loaded: Sequence[Loaded]) -> None:
    for each in loaded:
        if each.limit is not None:
            raise limited("a post", each.limit)
