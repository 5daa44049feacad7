"""One process of clients: does what it is ordered, one order after the other."""

import asyncio
import gc
import os
import random
import resource
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import cycle
from multiprocessing.connection import Connection
from typing import TypeVar

from hubbub.bench.hearing import Hearing, inbox
from hubbub.bench.histogram import Histogram
from hubbub.bench.ledger import Ledger
from hubbub.bench.orders import (
    Answer,
    Answered,
    Connect,
    Connected,
    Failed,
    Findings,
    Load,
    Loaded,
    Order,
    Progress,
    Reply,
    Settle,
    Settled,
    Share,
    Standing,
    Take,
    Taken,
    Tell,
)
from hubbub.bench.pacing import NANOSECONDS, Pace
from hubbub.bench.places import Places
from hubbub.bench.seats import Seat
from hubbub.bench.socket import Refused, WebSocketClient

TICK_SECONDS = 0.001
"""Between looks at what is due: what a timer of the loop can do."""

COLLECT_SECONDS = 0.02
PROGRESS_SECONDS = 0.25
LOOK_SECONDS = 0.01
MOST_FAILURES = 5

_T = TypeVar("_T")

_GC_THRESHOLDS = (100_000, 50, 100)


def main(pipe: Connection, share: Share) -> None:
    """Run to the end of the orders."""
    if share.cores and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, share.cores)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLDS)
    # When nobody is interested any more there is nobody to tell.
    nobody_listens = suppress(BrokenPipeError, ConnectionResetError, KeyboardInterrupt)
    with nobody_listens, asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(Worker(pipe, share).work())


class Client:
    """A seat, where it stands, and its connection while it has one."""

    __slots__ = ("connection", "places", "seat")

    def __init__(self, seat: Seat, places: Places) -> None:
        self.seat = seat
        self.places = places
        self.connection: WebSocketClient | None = None


class Worker:
    def __init__(self, pipe: Connection, share: Share) -> None:
        self._pipe = pipe
        self._share = share
        self.hearing = Hearing(share.run, time.monotonic_ns)
        self.ledger = Ledger(share.run, share.process, share.size_bytes, time.monotonic_ns)
        self.readers = [Client(seat, Places(_began(seat, share.began))) for seat in share.readers]
        self.posters = [Client(seat, Places({})) for seat in share.posters]
        self._lost = 0
        self._delivered = 0  # in what was handed over
        self._orders: asyncio.Queue[Order] = asyncio.Queue()

    def lost(self, client: WebSocketClient) -> None:
        self._lost += 1

    async def work(self) -> None:
        # A thread, for uvloop would make the pipe one that cannot be written much to at once.
        listening = threading.Thread(target=self._listen, args=(asyncio.get_running_loop(),), daemon=True)
        listening.start()
        beating = [
            asyncio.create_task(_every(COLLECT_SECONDS, self.hearing.collect)),
            asyncio.create_task(_every(PROGRESS_SECONDS, self._progress)),
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

    def _progress(self) -> None:
        self._pipe.send(
            Progress(
                sent=len(self.ledger.seqs),
                acknowledged=self.ledger.acknowledged,
                delivered=self._delivered + self.hearing.latency.total,
                cpu_seconds=time.process_time(),
                connected=sum(each.connection is not None for each in self.readers),
            )
        )

    async def _do(self, order: Order) -> Reply:
        match order:
            case Connect():
                return await self._connect(order)
            case Load():
                return await self._load(order)
            case Answer():
                await _until(lambda: not self.ledger.waiting, order.within_seconds)
                return Answered(heads=self.ledger.heads(), open=self.ledger.waiting)
            case Settle():
                return await self._settle(order)
            case Take():
                return self._take()
        raise ValueError(order)

    # -- connecting ---------------------------------------------------------

    async def _connect(self, order: Connect) -> Connected:
        begun = time.monotonic()
        failures: list[str] = []
        turn = asyncio.Semaphore(order.at_once)

        async def one(client: Client) -> None:
            async with turn:
                try:
                    async with asyncio.timeout(order.within_seconds):
                        await self._open(client)
                except (OSError, Refused, TimeoutError) as error:
                    failures.append(str(error) or type(error).__name__)

        everyone = [*self.readers, *self.posters]
        await asyncio.gather(*(one(client) for client in everyone if client.connection is None))
        return Connected(
            connected=sum(client.connection is not None for client in everyone),
            failures=failures[:MOST_FAILURES],
            seconds=time.monotonic() - begun,
        )

    async def _open(self, client: Client) -> None:
        share, seat = self._share, client.seat
        _, connection = await asyncio.get_running_loop().create_connection(
            lambda: WebSocketClient(self, seat, f"{share.host}:{share.port}", client.places),
            share.host,
            share.port,
            local_addr=(seat.source, 0) if seat.source else None,
        )
        try:
            await connection.ready
        except BaseException:
            connection.leave()
            raise
        client.connection = connection

    # -- posting ------------------------------------------------------------

    async def _load(self, order: Load) -> Loaded:
        share = self._share
        pace = Pace(
            start_ns=order.start_ns,
            per_second=order.per_second,
            seconds=order.seconds,
            index=share.process,
            of=share.of,
        )
        self.ledger.measure_from_ns = self.hearing.measure_from_ns = order.measure_from_ns
        aims = self._aims()
        measuring = _at(order.measure_from_ns, time.process_time)
        ending = _at(order.start_ns + int(order.seconds * NANOSECONDS), self._standing)
        measured = asyncio.gather(measuring, ending)
        await _at(order.start_ns, lambda: None)
        while not pace.is_over:
            for number in pace.take(time.monotonic_ns()):
                client, log = next(aims)
                self._post(client, log, pace.due_ns(number))
            await asyncio.sleep(TICK_SECONDS)
        cpu_begun, (sent, acknowledged, delivered, cpu_ended) = await measured
        return Loaded(
            sent=sent,
            acknowledged=acknowledged,
            delivered=delivered,
            cpu_seconds=cpu_ended - cpu_begun,
        )

    def _standing(self) -> tuple[int, int, int, float]:
        """Measured posts sent, acknowledged and delivered so far, and the CPU seconds used."""
        self.hearing.collect()
        ledger = self.ledger
        return ledger.lateness.total, ledger.latency.total, self.hearing.latency.total, time.process_time()

    def _aims(self) -> Iterator[tuple[Client, str]]:
        """Who posts next, and where: everybody as often as everybody else, in an order without a pattern."""
        shuffled = random.Random(self._share.process)  # noqa: S311 - the same order in every run
        aims = [(client, room) for client in self.posters or self.readers for room in client.seat.rooms]
        shuffled.shuffle(aims)
        return cycle(aims)

    def _post(self, client: Client, log: str, due_ns: int) -> None:
        number = self.ledger.send(log, due_ns)
        if client.connection is None:
            self.ledger.refuse(number, "not-connected")
        else:
            client.connection.post(number)

    # -- the end ------------------------------------------------------------

    async def _settle(self, order: Settle) -> Settled:
        begun = time.monotonic()

        def behind() -> int:
            heads = order.heads
            return sum(
                any(last < heads.get(log, 0) for log, last in client.places.last.items())
                for client in self.readers
            )

        await _until(lambda: not behind(), order.within_seconds)
        self.hearing.collect()
        return Settled(behind=behind(), seconds=time.monotonic() - begun)

    def _take(self) -> Taken:
        hearing, ledger = self.hearing, self.ledger
        hearing.collect()
        taken = Taken(
            deliveries=hearing.latency,
            acknowledgements=ledger.latency,
            lateness=ledger.lateness,
            parsed=hearing.parsed,
        )
        self._delivered += hearing.latency.total
        hearing.latency, ledger.latency, ledger.lateness = Histogram(), Histogram(), Histogram()
        hearing.parsed = 0
        return taken

    def _findings(self) -> Findings:
        return Findings(
            process=self._share.process,
            logs=self.ledger.logs,
            seqs=self.ledger.seqs,
            seen=self.hearing.seen,
            standings=[
                Standing(log, places.began[log], last, len(places.holes.get(log, ())))
                for places in (client.places for client in self.readers)
                for log, last in places.last.items()
            ],
            faults=self.hearing.faults,
            refused=self.ledger.refused,
            contradicted=self.ledger.contradicted,
            lost_connections=self._lost,
        )


def _began(seat: Seat, began: dict[str, int]) -> dict[str, int]:
    logs = [*seat.rooms, *([inbox(seat.user)] if seat.hears_inbox else [])]
    return {log: began.get(log, 0) for log in logs}


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop
    return uvloop.new_event_loop


async def _every(seconds: float, act: Callable[[], object]) -> None:
    while True:
        await asyncio.sleep(seconds)
        act()


async def _at(moment_ns: int, act: Callable[[], _T]) -> _T:
    await asyncio.sleep(max(0.0, (moment_ns - time.monotonic_ns()) / NANOSECONDS))
    return act()


async def _until(holds: Callable[[], bool], within_seconds: float) -> None:
    until = time.monotonic() + within_seconds
    while not holds() and time.monotonic() < until:  # noqa: ASYNC110 - it changes in the hottest loop
        await asyncio.sleep(LOOK_SECONDS)
