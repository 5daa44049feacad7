"""The processes that hold the clients, seen from the process in front."""

import asyncio
import multiprocessing
from collections.abc import Callable, Sequence
from multiprocessing.context import SpawnProcess
from typing import Self, TypeVar, cast

from hubbub.bench import worker
from hubbub.bench.orders import Failed, Findings, Order, Progress, Reply, Share, Tell

END_SECONDS = 10.0
"""How long a process may take to end after it has told everything."""

_Reply = TypeVar("_Reply", bound=Reply)


class FleetFailed(Exception):
    """A process of clients could not go on."""


class _Ship:
    """One process."""

    def __init__(self, share: Share) -> None:
        spawn = multiprocessing.get_context("spawn")
        self.pipe, theirs = spawn.Pipe()
        self._process: SpawnProcess = spawn.Process(target=worker.main, args=(theirs, share), daemon=True)
        self._process.start()
        theirs.close()
        self.progress = Progress()
        self._replies: asyncio.Queue[Reply] = asyncio.Queue()

    def heard(self) -> None:
        try:
            while self.pipe.poll():
                message = self.pipe.recv()
                if isinstance(message, Progress):
                    self.progress = message
                else:
                    self._replies.put_nowait(message)
        except (EOFError, ConnectionResetError):
            asyncio.get_running_loop().remove_reader(self.pipe.fileno())
            self._replies.put_nowait(Failed("it ended before it was asked to"))

    async def ask(self, order: Order) -> Reply:
        self.pipe.send(order)
        reply = await self._replies.get()
        if isinstance(reply, Failed):
            raise FleetFailed(f"a process of clients failed: {reply.why}")
        return reply

    def end(self) -> None:
        self.pipe.close()
        self._process.join(END_SECONDS)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


class Fleet:
    """All of them. Use as an async context manager."""

    def __init__(self, shares: Sequence[Share]) -> None:
        self._shares = shares
        self._ships: list[_Ship] = []
        self.watched: Callable[[Progress], None] = lambda progress: None
        """Told how far all of them together are, as soon as it is known."""

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        for share in self._shares:
            ship = _Ship(share)
            self._ships.append(ship)
            loop.add_reader(ship.pipe.fileno(), self._heard, ship)
        return self

    async def __aexit__(self, *_: object) -> None:
        loop = asyncio.get_running_loop()
        for ship in self._ships:
            loop.remove_reader(ship.pipe.fileno())
            ship.end()

    def _heard(self, ship: _Ship) -> None:
        ship.heard()
        self.watched(self.progress)

    @property
    def progress(self) -> Progress:
        each = [ship.progress for ship in self._ships]
        return Progress(
            sent=sum(one.sent for one in each),
            acknowledged=sum(one.acknowledged for one in each),
            shed=sum(one.shed for one in each),
            delivered=sum(one.delivered for one in each),
            cpu_seconds=sum(one.cpu_seconds for one in each),
            connected=sum(one.connected for one in each),
        )

    async def ask(self, order: Order, reply: type[_Reply]) -> list[_Reply]:
        """Order the same of all of them and wait for all answers. Raises FleetFailed."""
        answers = await asyncio.gather(*(ship.ask(order) for ship in self._ships))
        for answer in answers:
            assert isinstance(answer, reply)
        return cast("list[_Reply]", answers)

    async def tell(self) -> list[Findings]:
        return await self.ask(Tell(), Findings)
