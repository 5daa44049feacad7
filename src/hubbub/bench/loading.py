"""Posting by the clock, in one process of clients, and what else goes on meanwhile."""

from __future__ import annotations

import asyncio
import random
import sys
import time
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import nullcontext, suppress
from functools import partial
from itertools import cycle
from typing import TYPE_CHECKING, Any, TypeVar

from hubbub.bench.comeback import Comeback
from hubbub.bench.connections import Client, Refused
from hubbub.bench.hearing import inbox
from hubbub.bench.histogram import Histogram
from hubbub.bench.orders import Load, Loaded, Progress, Share
from hubbub.bench.pacing import NANOSECONDS, Pace
from hubbub.bench.rest import RestClient

if TYPE_CHECKING:
    from hubbub.bench.worker import Worker

TICK_NS = 1_000_000
"""Between looks at what is due: what a timer of the loop can do."""

PAGE_READERS = 16
"""Connections that pages are read over."""

_T = TypeVar("_T")

Aim = tuple[Client, str]
"""Who posts, and where."""

Paced = tuple[Pace, Callable[[int], None]]
"""When something is due, and what is to be done then; it is told when it was due."""


class Loading:
    def __init__(self, worker: Worker, share: Share) -> None:
        self._worker = worker
        self._share = share
        self._chance = random.Random(share.process)  # noqa: S311 - the same in every run
        self.returns = Histogram()
        self.pages = Histogram()
        self.pages_failed = 0

    async def run(self, order: Load) -> Loaded:
        worker = self._worker
        worker.ledger.measure_from_ns = worker.hearing.measure_from_ns = order.measure_from_ns
        ends_ns = order.start_ns + int(order.seconds * NANOSECONDS)
        marks = Marks((order.measure_from_ns, ends_ns), self._standing)
        aims = self._aims(order.direct_share)
        paced = [self._paced(order, order.per_second, lambda due_ns: self._post(next(aims), due_ns))]
        returning: set[asyncio.Task[None]] = set()
        if order.returns_per_second:
            paced.append(self._paced(order, order.returns_per_second, self._returns(returning)))
        if order.pages_per_second:
            paced.append(self._paced(order, order.pages_per_second, await self._reads()))
        comeback = Comeback(worker, self.returns, order.loses_node)
        async with nullcontext() if order.loses_node is None else comeback:
            await self._keep(paced, marks)
        await asyncio.gather(*returning)
        begun, ended = marks.taken
        return Loaded(
            sent=ended.sent - begun.sent,
            acknowledged=ended.acknowledged - begun.acknowledged,
            shed=ended.shed - begun.shed,
            delivered=ended.delivered - begun.delivered,
            cpu_seconds=ended.cpu_seconds - begun.cpu_seconds,
            limit=worker.ledger.limit,
            came_back=comeback.count,
            last_back_ns=comeback.last_ns,
        )

    def _paced(self, order: Load, per_second: float, act: Callable[[int], None]) -> Paced:
        share = self._share
        pace = Pace(
            start_ns=order.start_ns,
            per_second=per_second,
            seconds=order.seconds,
            index=share.index,
            of=share.of,
        )
        return pace, act

    async def _keep(self, paced: list[Paced], marks: Marks) -> None:
        """Do everything when it is due, between what is read as well, until the last is done."""
        hearing = self._worker.hearing

        def tick(now_ns: int) -> None:
            hearing.tick_at_ns = now_ns + TICK_NS
            marks.look(now_ns)
            for pace, act in paced:
                for number in pace.take(now_ns):
                    act(pace.due_ns(number))

        hearing.tick = tick
        await _at(paced[0][0].start_ns, lambda: None)
        while not (marks.are_taken and all(pace.is_over for pace, _ in paced)):
            tick(time.monotonic_ns())
            if self._worker.ledger.limit is not None:
                break
            await asyncio.sleep(TICK_NS / NANOSECONDS)
        marks.look(sys.maxsize)
        hearing.tick_at_ns = sys.maxsize

    def _standing(self) -> Progress:
        self._worker.hearing.collect()
        return self._worker.progress()

    # -- posting ------------------------------------------------------------

    def _aims(self, direct_share: float) -> Iterator[Aim]:
        """Who posts next, and where: everybody as often as everybody else, in an order without a pattern."""
        clients = self._worker.posters or self._worker.readers
        aims = [(client, room) for client in clients for room in client.seat.rooms]
        self._chance.shuffle(aims)
        for client, room in cycle(aims):
            if direct_share and self._chance.random() < direct_share:
                yield client, inbox(self._chance.choice(self._share.people))
            else:
                yield client, room

    def _post(self, aim: Aim, due_ns: int) -> None:
        client, log = aim
        number = self._worker.ledger.send(log, due_ns, client.seat.user)
        if client.connection is not None:
            client.connection.post(number)

    # -- going and coming back ----------------------------------------------

    def _returns(self, returning: set[asyncio.Task[None]]) -> Callable[[int], None]:
        order = list(self._worker.readers)
        self._chance.shuffle(order)
        turn = cycle(order)

        def act(due_ns: int) -> None:
            client = next(turn)
            if client.connection is not None:
                client.connection.leave()
                task = asyncio.get_running_loop().create_task(self._return(client, due_ns))
                returning.add(task)
                task.add_done_callback(returning.discard)

        return act

    async def _return(self, client: Client, due_ns: int) -> None:
        with suppress(OSError, Refused):  # then it is one that is missing something at the end
            await self._worker.open(client)
            self.returns.add((time.monotonic_ns() - due_ns) // 1000)

    # -- reading back -------------------------------------------------------

    async def _reads(self) -> Callable[[int], None]:
        worker = self._worker
        rooms = sorted({room for client in worker.readers for room in client.seat.rooms})
        readers = [await worker.open_rest(client) for client in worker.readers[:PAGE_READERS]]
        turn: Iterator[RestClient] = cycle(readers)

        def act(due_ns: int) -> None:
            path = f"/room/{self._chance.choice(rooms)}/messages?limit=50"
            next(turn).ask("GET", path, partial(self._read, due_ns))

        return act

    def _read(self, due_ns: int, status: int, body: bytes) -> None:
        if status == 200:
            self.pages.add((time.monotonic_ns() - due_ns) // 1000)
        else:
            self.pages_failed += 1


class Marks:
    """How far everything was at some moments.

    Looked at between reads, as all that is due: a timer waits until all is read that thousands of sockets
    hold, which may take longer than the load lasts.
    """

    def __init__(self, moments_ns: Iterable[int], read: Callable[[], Progress]) -> None:
        self._left = deque(sorted(moments_ns))
        self._read = read
        self.taken: list[Progress] = []

    def look(self, now_ns: int) -> None:
        while self._left and now_ns >= self._left[0]:
            self._left.popleft()
            self.taken.append(self._read())

    @property
    def are_taken(self) -> bool:
        return not self._left


def _at(moment_ns: int, act: Callable[[], _T]) -> Coroutine[Any, Any, _T]:
    async def then() -> _T:
        await asyncio.sleep(max(0.0, (moment_ns - time.monotonic_ns()) / NANOSECONDS))
        return act()

    return then()
