"""One process of clients: does what it is ordered, one order after the other."""

import asyncio
import gc
import os
import resource
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection as Pipe

from hubbub.bench.connections import Client, Listening, Refused, WebSocketClient
from hubbub.bench.hearing import Hearing, inbox
from hubbub.bench.histogram import Histogram
from hubbub.bench.ledger import Ledger
from hubbub.bench.loading import Loading
from hubbub.bench.orders import (
    Answer,
    Answered,
    Connect,
    Connected,
    Done,
    Failed,
    Findings,
    Load,
    Order,
    Part,
    Progress,
    Reach,
    Repeat,
    Reply,
    Settle,
    Settled,
    Share,
    Slow,
    Standing,
    Take,
    Taken,
    Tell,
    Transport,
)
from hubbub.bench.places import Places
from hubbub.bench.refusals import Refusal
from hubbub.bench.rest import RestClient, RestPoster
from hubbub.bench.seats import Seat
from hubbub.bench.slowness import Slowness
from hubbub.bench.streams import NdjsonClient, SseClient

COLLECT_SECONDS = 0.02
PROGRESS_SECONDS = 0.25
LOOK_SECONDS = 0.01
RETRY_SECONDS = 0.05
MOST_FAILURES = 5

_LISTENING: dict[Transport, type[Listening]] = {
    "ws": WebSocketClient,
    "sse": SseClient,
    "ndjson": NdjsonClient,
    "rest": WebSocketClient,  # those who look afterwards
}


def main(pipe: Pipe, share: Share) -> None:
    """Run to the end of the orders."""
    if share.cores and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, share.cores)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    gc.disable()  # what is made here is in no cycle, or there to the end
    # When nobody is interested any more there is nobody to tell.
    nobody_listens = suppress(BrokenPipeError, ConnectionResetError, KeyboardInterrupt)
    with nobody_listens, asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(Worker(pipe, share).work())


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop
    return uvloop.new_event_loop


class Worker:
    """Always true: `readers` and `posters` are everyone of the share, connected or not."""

    def __init__(self, pipe: Pipe, share: Share) -> None:
        self._pipe = pipe
        self._share = share
        self.nodes = len(share.addresses)
        for_readers = range(self.nodes - 1 if share.apart else self.nodes)
        for_posters = range(self.nodes)[-1:] if share.apart else range(self.nodes)
        self.hearing = Hearing(share.run, time.monotonic_ns)
        self.ledger = Ledger(share.run, share.process, share.size_bytes, time.monotonic_ns)
        self.readers = [_client(seat, _began(seat, share.began), for_readers) for seat in share.readers]
        self.posters = [_client(seat, {}, for_posters) for seat in share.posters]
        self._loading = Loading(self, share)
        self._slowness = Slowness()
        self._orders: asyncio.Queue[Order] = asyncio.Queue()

    async def work(self) -> None:
        # A thread, for uvloop would make the pipe one that cannot be written much to at once.
        listening = threading.Thread(target=self._listen, args=(asyncio.get_running_loop(),), daemon=True)
        listening.start()
        beating = [
            asyncio.create_task(_every(COLLECT_SECONDS, self.hearing.collect)),
            asyncio.create_task(_every(PROGRESS_SECONDS, self._tell_progress)),
        ]
        try:
            while True:
                order = await self._orders.get()
                if isinstance(order, Tell):
                    break
                self._pipe.send(await self._do(order))
        except Exception as error:
            self._pipe.send(Failed(f"{type(error).__name__}: {error}"))
            raise
        finally:
            for task in beating:
                task.cancel()
        self._pipe.send(self._findings())

    def _listen(self, loop: asyncio.AbstractEventLoop) -> None:
        order: Order | None = None
        while not isinstance(order, Tell):
            try:
                order = self._pipe.recv()
            except (EOFError, OSError):
                os._exit(1)  # the process in front is gone
            loop.call_soon_threadsafe(self._orders.put_nowait, order)

    def progress(self) -> Progress:
        """How far this process is since it began."""
        return Progress(
            sent=len(self.ledger.seqs),
            acknowledged=self.ledger.acknowledged,
            shed=self.ledger.shed,
            delivered=self.hearing.arrived,
            cpu_seconds=time.process_time(),
            connected=sum(each.connection is not None for each in self.readers),
        )

    def _tell_progress(self) -> None:
        self._pipe.send(self.progress())

    async def _do(self, order: Order) -> Reply:
        match order:
            case Connect():
                return await self._connect(order)
            case Load():
                return await self._loading.run(order)
            case Answer():
                await _until(lambda: not self.ledger.waiting, order.within_seconds)
                return Answered(heads=self.ledger.heads(), open=self.ledger.waiting)
            case Settle():
                return await self._settle(order)
            case Part():
                return self._part()
            case Repeat():
                return Done(count=self.repeat())
            case Reach():
                return self._reach()
            case Slow():
                return Done(count=self._slowness.impose(order, self.readers))
            case Take():
                return self._take()
        raise ValueError(order)

    # -- connecting ---------------------------------------------------------

    async def _connect(self, order: Connect) -> Connected:
        begun = time.monotonic()
        failures: list[str] = []
        limit: Refusal | None = None
        turn = asyncio.Semaphore(order.at_once)
        everyone = [*self.readers, *self.posters]

        async def one(client: Client) -> None:
            nonlocal limit
            async with turn:
                try:
                    async with asyncio.timeout(order.within_seconds):
                        await self.open_at_last(client) if order.persistent else await self.open(client)
                except (OSError, Refused, TimeoutError) as error:
                    failures.append(str(error) or type(error).__name__)
                    if isinstance(error, Refused) and error.refusal and error.refusal.is_limit:
                        limit = error.refusal

        await asyncio.gather(*(one(client) for client in everyone if client.connection is None))
        return Connected(
            connected=sum(client.connection is not None for client in everyone),
            failures=failures[:MOST_FAILURES],
            limit=limit,
            seconds=time.monotonic() - begun,
        )

    async def open_at_last(self, client: Client) -> None:
        """Try again and again, at one node after the other."""
        while True:
            try:
                return await self.open(client)
            except (OSError, Refused):
                client.node = (client.node + 1) % self.nodes
                await asyncio.sleep(RETRY_SECONDS)

    async def open(self, client: Client) -> None:
        """Connect, going on where the client stands. Raises OSError or Refused."""
        host = self._host(client.node)
        if client.places.last:
            kind = _LISTENING[self._share.transport]
            await self._opened(client.seat, client.node, connection := kind(self, client, host))
            client.connection = connection
        elif self._share.transport == "rest":
            poster = RestPoster(self.ledger, client, host)
            await self._opened(client.seat, client.node, poster)
            client.connection = poster
        else:
            socket = WebSocketClient(self, client, host)
            await self._opened(client.seat, client.node, socket)
            client.connection = socket

    async def open_rest(self, client: Client) -> RestClient:
        """Beside what the client has open. Raises OSError or Refused."""
        connection = RestClient(client.seat, self._host(client.node))
        await self._opened(client.seat, client.node, connection)
        return connection

    def _host(self, node: int) -> str:
        host, port = self._share.addresses[node]
        return f"{host}:{port}"

    async def _opened(self, seat: Seat, node: int, connection: Listening | RestClient) -> None:
        await asyncio.get_running_loop().create_connection(
            lambda: connection,
            *self._share.addresses[node],
            local_addr=(seat.source, 0) if seat.source else None,
        )
        try:
            await connection.ready
        except BaseException:
            connection.leave()
            raise

    # -- what a storm is made of --------------------------------------------

    def _part(self) -> Done:
        there = [client.connection for client in self.readers if client.connection is not None]
        for connection in there:
            connection.leave()
        return Done(count=len(there))

    def repeat(self) -> int:
        """Post again what was not answered; how many posts that were."""
        # By their authors: another's post under the same key would be another post.
        connections = {client.seat.user: client.connection for client in self.posters or self.readers}
        open_posts = self.ledger.open()
        for number in open_posts:
            connection = connections[self.ledger.authors[number]]
            if connection is not None:
                connection.post(number)
        return len(open_posts)

    # -- how soon everybody is reached --------------------------------------

    def _reach(self) -> Done:
        self.ledger.measure_from_ns = self.hearing.measure_from_ns = time.monotonic_ns()
        first = {room: client for client in reversed(self.readers) for room in client.seat.rooms}
        for room, client in first.items():
            if client.connection is not None:
                due_ns = time.monotonic_ns()
                client.connection.post(self.ledger.send(room, due_ns, client.seat.user))
        return Done(count=len(first))

    # -- the end ------------------------------------------------------------

    async def _settle(self, order: Settle) -> Settled:
        begun = time.monotonic()

        def behind() -> int:
            heads = order.heads
            return sum(
                any(last < heads.get(log, 0) for log, last in client.places.last.items())
                for client in self.readers
                if order.slow_too or not client.slow
            )

        await _until(lambda: not behind(), order.within_seconds)
        self.hearing.collect()
        return Settled(behind=behind(), seconds=time.monotonic() - begun)

    def _take(self) -> Taken:
        hearing, ledger, loading = self.hearing, self.ledger, self._loading
        hearing.collect()
        taken = Taken(
            deliveries=hearing.latency,
            acknowledgements=ledger.latency,
            sheds=ledger.shed_latency,
            lateness=ledger.lateness,
            returns=loading.returns,
            pages=loading.pages,
            pages_failed=loading.pages_failed,
            parsed=hearing.parsed,
        )
        hearing.latency, ledger.lateness = Histogram(), Histogram()
        ledger.latency, ledger.shed_latency = Histogram(), Histogram()
        loading.returns, loading.pages = Histogram(), Histogram()
        hearing.parsed = 0
        return taken

    def _findings(self) -> Findings:
        return Findings(
            process=self._share.process,
            logs=self.ledger.logs,
            seqs=self.ledger.seqs,
            authors=self.ledger.authors,
            seen=self.hearing.seen,
            standings=[
                Standing(log, places.began[log], last, len(places.holes.get(log, ())))
                for places in (client.places for client in self.readers)
                for log, last in places.last.items()
            ],
            faults=self.hearing.faults,
            refused=self.ledger.refused,
            contradicted=self.ledger.contradicted,
            lost_connections=self.hearing.lost_connections,
        )


def _client(seat: Seat, began: dict[str, int], nodes: Sequence[int]) -> Client:
    return Client(seat, Places(began), nodes[seat.number % len(nodes)])


def _began(seat: Seat, began: dict[str, int]) -> dict[str, int]:
    logs = [*seat.rooms, *([inbox(seat.user)] if seat.hears_inbox else [])]
    return {log: began.get(log, 0) for log in logs}


async def _every(seconds: float, act: Callable[[], object]) -> None:
    while True:
        await asyncio.sleep(seconds)
        act()


async def _until(holds: Callable[[], bool], within_seconds: float) -> None:
    until = time.monotonic() + within_seconds
    while not holds() and time.monotonic() < until:  # noqa: ASYNC110 - it changes in the hottest loop
        await asyncio.sleep(LOOK_SECONDS)
