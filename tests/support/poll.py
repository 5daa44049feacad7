"""Listening to a room by long poll, in the form of a subscription, so that plays can be given to it too."""

from hubbub.client import Client, ConnectionLost, Event
from hubbub.client.places import Places

_WAIT_SECONDS = 30


class Polling:
    """What `Client.subscribe` gives, for one room, by asking again and again for what follows."""

    def __init__(self, client: Client, room: str, after: int | str | None) -> None:
        self._client = client
        self._room = room
        self._places = Places({room: after})
        self._early: list[Event] = []

    @property
    def repeats(self) -> int:
        return self._places.repeats

    def cursors(self) -> dict[str | None, str | None]:
        return self._places.cursors()

    async def open(self) -> "Polling":
        if self._places.unknown:
            self._places.start_at((await self._client.offer(self._room)).cursor)
        return self

    def __aiter__(self) -> "Polling":
        return self

    async def __anext__(self) -> Event:
        await self.open()
        while not self._early:
            try:
                self._early = await self._client.page(
                    self._room, after=self._places.cursor(self._room), limit=500, wait_seconds=_WAIT_SECONDS
                )
            except ConnectionLost:  # pragma: no cover - the client has tried for long enough
                continue
        event = self._early.pop(0)
        assert self._places.take(event), "a page repeats what came before it"
        return event

    async def close(self) -> None:
        self._early.clear()
