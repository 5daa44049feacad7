"""People: they say things, they hear things, they go and come back."""

from hubbub.client import Client, Event, Log, Receipt, Subscription
from hubbub.protocol.frames import GapFrame, Message, RoomBody, Sent
from support.deadline import deadline
from support.poll import Polling

Ear = Subscription | Polling
"""However somebody listens."""


class Person:
    """Somebody signed in, in a room or not. Everything is awaited under a deadline; nothing sleeps."""

    def __init__(self, name: str, client: Client, room: RoomBody, transport: str) -> None:
        self.name = name
        self.client = client
        self.room = room
        self.transport = transport
        self.ear: Ear | None = None
        self._cursors: dict[Log, str | None] = {}

    # -- speaking ------------------------------------------------------------

    async def says(
        self, *texts: str, to: "Person | None" = None, room: RoomBody | None = None
    ) -> list[Receipt]:
        """One after another, each acknowledged before the next: to the room, or to a person."""
        async with deadline():
            if to is not None:
                return [await self.client.post(text, to=to.name) for text in texts]
            return [await self.client.post(text, room=room or self.room) for text in texts]

    # -- listening -----------------------------------------------------------

    async def listens(
        self, *rooms: RoomBody, inbox: bool = False, after: int | dict[Log, int | str | None] | None = None
    ) -> None:
        """From now on, or from after `after`. To the room this person is in, unless others are named."""
        chosen = rooms or (() if inbox else (self.room,))
        if self.transport == "poll":
            assert len(chosen) == 1
            assert not inbox
            start = after.get(chosen[0].id) if isinstance(after, dict) else after
            ear: Ear = Polling(self.client, chosen[0].id, start)
        else:
            ear = self.client.subscribe(chosen, inbox=inbox, after=after, transport=self.transport)
        async with deadline():
            await ear.open()
        self.ear = ear

    async def gets(self, count: int) -> list[Event]:
        """The next events, whatever they are."""
        assert self.ear is not None, f"{self.name} does not listen"
        async with deadline():
            return [await anext(self.ear) for _ in range(count)]

    async def hears(self, *texts: str) -> list[Event]:
        """Exactly this next, in this order, and nothing in between."""
        events = await self.gets(len(texts))
        assert [_said(event) for event in events] == list(texts)
        assert self.ear is not None
        assert self.ear.repeats == 0
        return events

    async def leaves(self) -> None:
        """Gone, remembering only where each log stood."""
        assert self.ear is not None
        self._cursors = self.ear.cursors()
        await self.ear.close()
        self.ear = None

    async def returns(self) -> None:
        """Back, from where it was left."""
        rooms = [await self.client.room_by_id(log) for log in self._cursors if log is not None]
        await self.listens(*rooms, inbox=None in self._cursors, after=dict(self._cursors))

    async def close(self) -> None:
        if self.ear is not None:
            await self.ear.close()
        await self.client.close()


def _said(event: Event) -> str:
    match event:
        case Message() | Sent():
            return event.text
        case GapFrame():
            return f"[{event.first} to {event.last} were removed]"
