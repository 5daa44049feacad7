"""What is unread, as the server's marks say it, and noting what was read.

A mark is the person's, for all their devices. So nothing here moves one unless somebody was shown what it
covers, or wrote it.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING

from hubbub.client.errors import ClientError, Problem
from hubbub.protocol.frames import GapFrame, LogFrame, Message

if TYPE_CHECKING:
    from hubbub.client import Client
    from hubbub.protocol.frames import ConversationBody, FollowedBody

Place = tuple[str | None, str | None]
"""A room's id, or a person's name; the other is None."""


_PARTING_SECONDS = 3.0


class Unread:
    """How far somebody has read in each room they follow, and with each person."""

    def __init__(self, me: str, rooms: dict[str, int], people: dict[str, int]) -> None:
        self._me = me
        self._rooms = rooms
        self._people = people

    def __call__(self, event: LogFrame) -> bool:
        """Whether `event` is new to them. In rooms they do not follow nothing is."""
        if not isinstance(event, Message) or event.sender == self._me:
            return False
        if event.room is not None:
            return event.room in self._rooms and event.seq > self._rooms[event.room]
        return event.seq > self._people.get(event.sender, 0)


async def unread(client: "Client", me: str, *, rooms: bool, people: bool) -> Unread:
    """As it is now."""
    followed = await follows(client) if rooms else {}
    talked_with = await conversations(client) if people else []
    return Unread(
        me, {id: room.seq for id, room in followed.items()}, {each.user: each.seq for each in talked_with}
    )


async def follows(client: "Client") -> "dict[str, FollowedBody]":
    """The rooms that are followed, by id."""
    with _where_there_are_marks():
        return {room.room: room async for room in client.marks()}
    return {}


async def conversations(client: "Client") -> "list[ConversationBody]":
    with _where_there_are_marks():
        return [each async for each in client.conversations()]
    return []


@contextmanager
def _where_there_are_marks() -> Iterator[None]:
    """A server from before there were any is no reason to show nothing."""
    try:
        yield
    except Problem as problem:
        if problem.status != 404:
            raise


async def keep_read(client: "Client", room: str, first: int, last: int) -> None:
    """Note own posts `first` to `last` as read where all before them was.

    It is done as well as it goes: the posts are stored whatever comes of it.
    """
    with suppress(ClientError):
        mine = (await follows(client)).get(room)
        if mine is not None and first - 1 <= mine.seq < last:
            await client.mark(last, room=room)


class Marking:
    """Notes what was shown as read, while more is shown: never more than one request is on its way."""

    def __init__(self, client: "Client", me: str) -> None:
        self._client = client
        self._me = me
        self._due: dict[Place, int] = {}
        self._more = asyncio.Event()

    def shown(self, event: LogFrame) -> None:
        if isinstance(event, GapFrame):
            return
        other = event.to if event.sender == self._me else event.sender
        room = event.room if isinstance(event, Message) else None
        self._due[(room, None) if room is not None else (None, other)] = event.seq
        self._more.set()

    @asynccontextmanager
    async def going(self) -> AsyncIterator["Marking"]:
        """While it lasts marks are moved; when it ends, all that was shown is noted.

        Raises ClientError when that fails. When it ends by another error, that is told, without long waiting.
        """
        task = asyncio.ensure_future(self._go())
        try:
            yield self
        except BaseException:
            await _ended(task)
            with suppress(ClientError, TimeoutError):
                async with asyncio.timeout(_PARTING_SECONDS):
                    await self._note()
            raise
        await _ended(task)
        await self._note()

    async def _go(self) -> None:
        while True:
            await self._more.wait()
            with suppress(ClientError):  # what is due stays due
                await self._note()

    async def _note(self) -> None:
        self._more.clear()
        for place, seq in list(self._due.items()):
            room, person = place
            with suppress(Problem):  # the room or the person has gone: nothing is left to be read
                await self._client.mark(seq, room=room, to=person)
            if self._due.get(place) == seq:
                del self._due[place]


async def _ended(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
