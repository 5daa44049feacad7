"""A person at a server who writes down all that happens: every post, every answer, every event.

Nothing is taken for granted. A post that was not answered is sent again under its key until it is, readers go
on from where they stood for as long as they are let, and what was acknowledged can be read back at once.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence

import msgspec

from hubbub.check.ledger import Ledger, Receipt
from hubbub.client import (
    Client,
    ClientError,
    ConnectionLost,
    Event,
    Hole,
    Log,
    Problem,
    SignedOut,
    Socket,
    Transport,
)
from hubbub.protocol.frames import After

POLL_SECONDS = 20
"""How long one long poll waits for something new."""


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """A post that somebody wants to make: to a room, or to a person."""

    key: str
    text: str
    room: str | None = None
    to: str | None = None


class Progress:
    """Lets one task wait for what others note."""

    def __init__(self) -> None:
        self._noted = asyncio.Event()

    def tell(self) -> None:
        self._noted.set()
        self._noted = asyncio.Event()

    async def until(self, so: Callable[[], bool]) -> None:
        """Wait until `so()`, which is asked again whenever something was noted."""
        while not so():
            await self._noted.wait()


class Witness:
    """Several tasks may use one at once, and several witnesses share one `progress`.

    Always true: a post stands in the ledger before it is sent, an answer or an event as soon as it has come.
    """

    def __init__(
        self,
        name: str,
        client: Client,
        *,
        ledger: Ledger | None = None,
        progress: Progress | None = None,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        pause_seconds: float = 0.05,
    ) -> None:
        """`client` is signed in as `name`; `pause_seconds` is how long to wait before trying again."""
        self.name = name
        self.client = client
        self.ledger = ledger or Ledger(name)
        self.progress = progress or Progress()
        self._sleep = sleep
        self._pause_seconds = pause_seconds

    # -- posting ------------------------------------------------------------

    async def post(self, wish: Wish) -> Receipt | None:
        """Over REST, until it is answered; None when it was refused. What is tried again, and for how long,
        is the client's patience: after it this raises ConnectionLost or Problem."""
        self.ledger.posts(wish.key, wish.text, room=wish.room, to=wish.to)
        try:
            told = await self.client.post(wish.text, room=wish.room, to=wish.to, key=wish.key)
        except Problem as refusal:
            if refusal.passing or isinstance(refusal, SignedOut):
                raise
            self.ledger.refuses(wish.key)
            return None
        return self._acknowledged(wish.key, told.seq, told.id)

    async def post_by_socket(self, wishes: Iterable[Wish], *, at_once: int = 20) -> None:
        """Over WebSockets, so many on their way at once, until all were answered: what a connection took with
        it is sent again on the next one. Raises SignedOut."""
        coming = iter(wishes)
        open: dict[str, Wish] = {}
        while _fill(open, coming, at_once):
            try:
                async with await self.client.socket() as socket:
                    while _fill(open, coming, at_once):
                        if not await self._send(socket, open):
                            await self._sleep(self._pause_seconds)
            except (ConnectionLost, Problem) as trouble:
                if isinstance(trouble, Problem) and not trouble.passing:
                    raise
                await self._sleep(self._pause_seconds)

    async def _send(self, socket: Socket, open: dict[str, Wish]) -> bool:
        """All that is open, together; what was answered is open no more. False when some has to wait."""
        sent = list(open.values())
        for wish in sent:
            self.ledger.posts(wish.key, wish.text, room=wish.room, to=wish.to)
        answers = await asyncio.gather(*(self._ask(socket, wish) for wish in sent))
        lost = None
        for wish, answer in zip(sent, answers, strict=True):
            if answer is None:
                del open[wish.key]
            elif not isinstance(answer, Problem) or isinstance(answer, SignedOut):
                lost = answer
            elif not answer.passing:
                self.ledger.refuses(wish.key)
                del open[wish.key]
        if lost is not None:
            raise lost
        return not open

    async def _ask(self, socket: Socket, wish: Wish) -> ClientError | None:
        """One post; None when it was acknowledged, and that stands in the ledger then."""
        try:
            told = await socket.post(wish.text, room=wish.room, to=wish.to, key=wish.key)
        except ClientError as trouble:
            return trouble
        self._acknowledged(wish.key, told.seq, told.id)
        return None

    def _acknowledged(self, key: str, seq: int, id: str) -> Receipt:
        receipt = self.ledger.acknowledged(key, seq, id)
        self.progress.tell()
        return receipt

    async def read_back(self, receipt: Receipt) -> None:
        """Read what was acknowledged just now."""
        attempt = self.ledger.attempts[receipt.key]
        self.ledger.reads_back(receipt, await self._first_after(receipt.seq - 1, attempt.room, attempt.to))

    async def _first_after(self, seq: int, room: str | None, to: str | None) -> Event | None:
        if room is not None:
            page = await self.client.page(room, after=seq, limit=1)
            return page[0] if page else None
        async for event in self.client.conversation(to or "", after=seq):
            return event
        return None

    # -- reading ------------------------------------------------------------

    async def listen(
        self,
        name: str,
        rooms: Sequence[str] = (),
        *,
        inbox: bool = False,
        after: int | None = 0,
        transport: Transport = "ws",
    ) -> None:
        """Read these logs from `after` on, on as many connections as it takes, until cancelled.

        A second call of the same name goes on where the first one stood. Ends with a note in the ledger when
        events are missing; raises SignedOut, and Problem when the server refuses for good.
        """
        places: dict[Log, After | None] = {
            room: self.ledger.opens(name, room=room, after=after).stands_at for room in rooms
        }
        if inbox:
            places[None] = self.ledger.opens(name, inbox=True, after=after).stands_at
        stream = self.client.subscribe(rooms, inbox=inbox, after=places, transport=transport)
        try:
            async for event in stream:
                self.ledger.reads(name, event)
                self.progress.tell()
        except Hole as hole:
            self.ledger.complains(name, str(hole))
        finally:
            if stream.repeats:
                self.ledger.complains(name, f"{stream.repeats} events came again")
            await stream.close()

    async def poll(self, name: str, room: str, *, after: int = 0) -> None:
        """The same for one room, by asking again and again for what follows."""
        reading = self.ledger.opens(name, room=room, after=after)
        while True:
            try:
                page = await self.client.page(
                    room, after=reading.stands_at, limit=500, wait_seconds=POLL_SECONDS
                )
            except (ConnectionLost, Problem) as trouble:
                if isinstance(trouble, Problem) and not trouble.passing:
                    raise
                await self._sleep(self._pause_seconds)
                continue
            for event in page:
                self.ledger.reads(name, event)
            if page:
                self.progress.tell()


def _fill(open: dict[str, Wish], coming: Iterable[Wish], at_once: int) -> bool:
    """Take so many wishes that `at_once` are open; whether any is."""
    if len(open) < at_once:
        for wish in coming:
            open[wish.key] = wish
            if len(open) >= at_once:
                break
    return bool(open)
