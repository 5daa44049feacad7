"""People who do everything at once and keep ledgers of it: what a server is ill-treated under."""

import asyncio
import random
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, suppress
from typing import Self

from hubbub.check import Fault, Progress, Wish, Witness, broken, deliveries, stored
from hubbub.check.promises import last
from hubbub.client import Client, ConnectionLost, Problem
from hubbub.domain.ids import owner_of, room_of
from support.deadline import deadline
from support.process import Process
from support.seeded import NAMES, token_of

SETTLE_SECONDS = 60.0
TRANSPORTS = ("ws", "sse", "ndjson")

REPEATED = 0.1
"""Of the posts, how many are made again under a key that was used before."""
DIRECT = 0.2
READ_BACK = 0.2
POSTS_A_ROOM = 60
"""Acknowledgements between two new rooms."""
MOST_ROOMS = 12
READERS_A_ROOM = 3


async def soon(seconds: float) -> None:
    """A client's waits, made short: the server is back when the test says so."""
    await asyncio.sleep(min(seconds, 0.03))


def client_of(url: str, name: str) -> Client:
    return Client(url, token=token_of(name), sleep=soon, patience_seconds=90.0)


class Crowd:
    """Use as an async context manager: from then on everybody posts and listens until `settles`.

    ada and eve post by WebSocket, many posts at once; cyd and dan over REST; all post to rooms and to each
    other and now and then repeat themselves. bob makes rooms. Everyone listens, each in another way.
    """

    def __init__(self, server: Process, seed: int) -> None:
        self._server = server
        self._seed = seed
        self._chance = random.Random(seed)
        self.progress = Progress()
        self.rooms: list[str] = []
        self._halted = False
        self._tasks: list[asyncio.Task[None]] = []
        self._posting: list[asyncio.Task[None]] = []
        self._stack = AsyncExitStack()
        self.witnesses: list[Witness] = []

    @property
    def ledgers(self):
        return [witness.ledger for witness in self.witnesses]

    @property
    def acknowledged(self) -> int:
        return sum(len(ledger.receipts) for ledger in self.ledgers)

    @property
    def deliveries(self) -> int:
        return deliveries(self.ledgers)

    async def __aenter__(self) -> Self:
        for name in NAMES:
            client = await self._stack.enter_async_context(client_of(self._server.url, name))
            self.witnesses.append(Witness(name, client, progress=self.progress, sleep=soon))
        ada, bob, cyd, dan, eve = self.witnesses
        for name in ("Lounge", "Attic"):
            await self._make_room(bob, name)
        lounge, attic = self.rooms
        for transport in TRANSPORTS:
            self._begins(bob.listen(transport, [lounge], transport=transport))
        self._begins(bob.poll("poll", lounge))
        self._begins(bob.listen("all of it", [lounge, attic], inbox=True))
        self._begins(cyd.listen("inbox", inbox=True, transport="sse"))
        self._begins(dan.listen("inbox", [attic], inbox=True, transport="ws"))
        self._begins(eve.listen("all of it", [lounge, attic], inbox=True, transport="sse"))
        self._begins(ada.listen("inbox", inbox=True, transport="ndjson"))
        self._posting = [
            asyncio.create_task(ada.post_by_socket(self._wishes(ada), at_once=5)),
            asyncio.create_task(eve.post_by_socket(self._wishes(eve), at_once=20)),
            asyncio.create_task(self._post(cyd)),
            asyncio.create_task(self._post(dan)),
            asyncio.create_task(self._make_rooms(bob)),
        ]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in (*self._tasks, *self._posting):
            task.cancel()
        await asyncio.gather(*self._tasks, *self._posting, return_exceptions=True)
        await self._stack.aclose()

    # -- what a test does with it -------------------------------------------

    async def acknowledges(self, count: int) -> None:
        """Wait until so many more posts were acknowledged."""
        goal = self.acknowledged + count
        async with deadline(SETTLE_SECONDS):
            waiting = asyncio.create_task(self.progress.until(lambda: self.acknowledged >= goal))
            try:
                while not waiting.done():
                    at_work = {task for task in (*self._tasks, *self._posting) if not task.done()}
                    await asyncio.wait({waiting, *at_work}, return_when="FIRST_COMPLETED")
                    await self._look_after()
            finally:
                waiting.cancel()

    async def settles(self) -> None:
        """Nobody posts anything new any more; all is answered, and everybody has caught up."""
        self._halted = True
        self.progress.tell()
        async with deadline(SETTLE_SECONDS):
            await asyncio.gather(*self._posting)
            self._logs = await stored(self.witnesses, self.rooms)
            heads = {log: last(events[-1]) if events else 0 for log, events in self._logs.items()}
            readings = [reading for ledger in self.ledgers for reading in ledger.readings.values()]
            with suppress(TimeoutError):  # the check names who is late
                async with asyncio.timeout(SETTLE_SECONDS / 2):
                    await self.progress.until(
                        lambda: all((reading.stands_at or 0) >= heads[reading.log] for reading in readings)
                    )
        await self._look_after()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def broken(self) -> Sequence[Fault]:
        """After `settles`: the promises that were not kept."""
        return broken(self.ledgers, self._logs)

    # -- what they do -------------------------------------------------------

    async def _look_after(self) -> None:
        """Nobody failed, and nobody stopped listening."""
        for task in (*self._tasks, *self._posting):
            if task.done():
                await task
                complaints = [each for ledger in self.ledgers for each in ledger.complaints]
                assert task in self._posting, f"somebody stopped listening: {complaints}"

    def _begins(self, listening) -> None:
        self._tasks.append(asyncio.create_task(listening))

    def _wish(self, witness: Witness, number: int) -> Wish:
        chance, attempts = self._chance, witness.ledger.attempts
        if attempts and chance.random() < REPEATED:
            key = chance.choice(list(attempts)[-200:])
            again = attempts[key]
            return Wish(key=key, text=again.text, room=room_of(again.place), to=owner_of(again.place))
        key = f"{witness.name}-{self._seed}-{number}"
        text = f"{key} {'x' * chance.choice((0, 10, 100, 1000))}"
        if chance.random() < DIRECT:
            return Wish(key=key, text=text, to=chance.choice(NAMES))
        return Wish(key=key, text=text, room=chance.choice(self.rooms))

    def _wishes(self, witness: Witness) -> Iterator[Wish]:
        number = 0
        while not self._halted:
            yield self._wish(witness, number)
            number += 1

    async def _post(self, witness: Witness) -> None:
        for wish in self._wishes(witness):
            receipt = await witness.post(wish)
            assert receipt is not None, f"{wish} was refused"
            if self._chance.random() < READ_BACK:
                await witness.read_back(receipt)

    async def _make_rooms(self, witness: Witness) -> None:
        while not self._halted and len(self.rooms) < MOST_ROOMS:
            goal = self.acknowledged + POSTS_A_ROOM
            await self.progress.until(lambda goal=goal: self._halted or self.acknowledged >= goal)
            number = len(self.rooms)
            await self._make_room(witness, f"Room {number}")
            for index, reader in enumerate(self._chance.sample(self.witnesses, READERS_A_ROOM), number):
                kind = TRANSPORTS[index % len(TRANSPORTS)]
                self._begins(reader.listen(f"room {number} by {kind}", self.rooms[number:], transport=kind))

    async def _make_room(self, witness: Witness, name: str) -> None:
        """Until it is there: made now, or by an attempt whose answer was lost."""
        while True:
            try:
                room = await witness.client.create_room(name)
                return self.rooms.append(room.id)
            except ConnectionLost:
                pass
            except Problem as refusal:
                if refusal.code == "name-taken":
                    return self.rooms.append(refusal.members["conflicts_with"].rpartition("/")[2])
                if not refusal.passing:
                    raise
            await soon(1)
