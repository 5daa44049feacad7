"""A server that dies at each point of a commit in turn, and people who were there each time.

One store and the same ledgers for all points: what a crash spoils has all the later ones to come to light in.
"""

import asyncio
import signal
from collections.abc import Sequence
from contextlib import AsyncExitStack
from itertools import pairwise
from pathlib import Path
from typing import Self

from faults.crowd import TRANSPORTS, client_of, soon
from hubbub.check import Fault, Progress, Wish, Witness, broken, deliveries, stored
from hubbub.check.promises import last
from hubbub.client import ClientError, ConnectionLost
from support.deadline import deadline
from support.process import Process

DYING = str(Path(__file__).with_name("dying.py"))


class Matrix:
    """ada posts the batch that is committed when the server dies: two messages to rooms, one to bob, and a
    retry of an old one. bob listens in every way, ada to her own inbox. Use as an async context manager."""

    def __init__(self, data: Path, loop: str) -> None:
        self._notes = data.parent / "points"
        self.server = Process(data, "--loop", loop)
        self._stack = AsyncExitStack()
        self._turn = 0
        self._listening: list[asyncio.Task[None]] = []
        self.progress = Progress()

    async def __aenter__(self) -> Self:
        self._aim("nowhere")
        await self._stack.enter_async_context(self.server)
        self.ada, self.bob = [
            Witness(
                name,
                await self._stack.enter_async_context(client_of(self.server.url, name)),
                progress=self.progress,
                sleep=soon,
            )
            for name in ("ada", "bob")
        ]
        self.rooms = [(await self.ada.client.create_room(name)).id for name in ("Lounge", "Attic")]
        lounge, attic = self.rooms
        listening = [self.bob.listen(kind, [lounge], transport=kind) for kind in TRANSPORTS]
        listening += [
            self.bob.poll("poll", lounge),
            self.bob.listen("all of it", [lounge, attic], inbox=True, transport="sse"),
            self.bob.listen("inbox", inbox=True),
            self.ada.listen("inbox", [attic], inbox=True, transport="ws"),
        ]
        self._listening = [asyncio.create_task(each) for each in listening]
        await self.ada.post(Wish(key="old", text="old", room=lounge))
        await self.everybody_has_heard_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._listening:
            task.cancel()
        await asyncio.gather(*self._listening, return_exceptions=True)
        await self._stack.aclose()

    # -- a turn -------------------------------------------------------------

    async def points(self) -> list[str]:
        """Those that a commit comes by, in order, when nothing dies."""
        await self._start("nowhere")
        await self.everybody_has_heard_all()
        assert not any(isinstance(each, Exception) for each in await self._doom())
        await self.everybody_has_heard_all()
        return self._notes.read_text().splitlines()

    async def dies_at_each(self, points: Sequence[str]) -> dict[str, list[Fault]]:
        """By point what is broken after a crash there; the next server to die is the one that recovers.

        Raises AssertionError for a point that was not come by.
        """
        faults: dict[str, list[Fault]] = {}
        for before, point in pairwise(("", *points, "")):
            await self._start(point or "nowhere")
            if before:
                await self.ada.post_by_socket(self._wishes(self._turn - 1))  # under the same keys
            await self.everybody_has_heard_all()
            if before:
                faults[before] = broken([self.ada.ledger, self.bob.ledger], self._logs)
            if point:
                await self._doom()
                assert await self.server.ended() == -signal.SIGKILL, f"nothing died at {point}"
                assert self._notes.read_text().splitlines()[-1] == point
        return faults

    @property
    def deliveries(self) -> int:
        return deliveries([self.ada.ledger, self.bob.ledger])

    # -- inside -------------------------------------------------------------

    async def _start(self, point: str) -> None:
        await self.server.kill()
        self._aim(point)
        await self.server.start()

    def _aim(self, point: str) -> None:
        self._turn += 1
        self.server.program = (DYING, str(self._notes), f"doomed-{self._turn}-", point)

    def _wishes(self, turn: int) -> list[Wish]:
        lounge, attic = self.rooms
        doomed = f"doomed-{turn}-"
        return [
            Wish(key=f"{doomed}1", text="in the lounge", room=lounge),
            Wish(key=f"{doomed}2", text="for bob", to="bob"),
            Wish(key="old", text="old", room=lounge),
            Wish(key=f"{doomed}3", text="in the attic", room=attic),
        ]

    async def _doom(self) -> list[object]:
        """The batch, all in one turn of the server's loop: that is held up until everything is there."""
        async with deadline(), await self.ada.client.socket() as socket:
            self.server.freeze()
            posting = []
            for wish in self._wishes(self._turn):
                self.ada.ledger.posts(wish.key, wish.text, room=wish.room, to=wish.to)
                posting.append(asyncio.ensure_future(self._post(socket, wish)))
                await asyncio.sleep(0)  # it is written
            self.server.thaw()
            return await asyncio.gather(*posting)

    async def _post(self, socket, wish: Wish) -> ClientError | None:
        try:
            told = await socket.post(wish.text, room=wish.room, to=wish.to, key=wish.key)
        except ConnectionLost as lost:
            return lost
        self.ada.ledger.acknowledged(wish.key, told.seq, told.id)
        self.progress.tell()
        return None

    async def everybody_has_heard_all(self) -> None:
        """Something new was said everywhere, so that whoever heard it is there."""
        lounge, attic = self.rooms
        number = len(self.bob.ledger.attempts)
        async with deadline():
            for n, wish in enumerate(({"room": lounge}, {"room": attic}, {"to": "ada"})):
                await self.bob.post(Wish(key=f"awake-{number}-{n}", text="awake?", **wish))
            self._logs = await stored([self.bob, self.ada], self.rooms)
            heads = {log: last(events[-1]) for log, events in self._logs.items()}
            readings = [*self.ada.ledger.readings.values(), *self.bob.ledger.readings.values()]
            await self.progress.until(
                lambda: all((reading.stands_at or 0) >= heads[reading.log] for reading in readings)
            )
