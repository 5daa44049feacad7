"""Sending what was written: in order within each place, each once, for as long as it takes."""

from collections import deque
from collections.abc import Callable
from random import SystemRandom

from hubbub.chat.nap import Nap
from hubbub.chat.state.events import Happening, Moved
from hubbub.chat.state.outbox import Pending
from hubbub.chat.state.places import Place, RoomPlace
from hubbub.client import Client, ConnectionLost, Problem, SignedOut
from hubbub.client.backoff import Backoff
from hubbub.terminal import in_words

_CHANCE = SystemRandom().random


class Postman:
    """Always true: what was handed in is with the server once, or `failed`, or still here to be tried."""

    def __init__(
        self,
        client: Client,
        server: str,
        *,
        happen: Callable[[Happening], None],
        spawn: Callable[..., object],
        chance: Callable[[], float] = _CHANCE,
    ) -> None:
        self._client = client
        self._server = server
        self._happen = happen
        self._spawn = spawn
        self._chance = chance
        self._nap = Nap()
        self._waiting: dict[Place, deque[Pending]] = {}

    def send(self, pending: Pending) -> None:
        """Behind all that waits for the same place."""
        waiting = self._waiting.get(pending.place)
        if waiting is not None:
            waiting.append(pending)
            return
        self._waiting[pending.place] = deque((pending,))
        self._spawn(self._deliver(pending.place))

    def hurry(self) -> None:
        """The connection is back: try now."""
        self._nap.cut_short()

    async def _deliver(self, place: Place) -> None:
        waiting = self._waiting[place]
        try:
            while waiting:
                await self._until_settled(waiting[0])
                waiting.popleft()
        finally:
            del self._waiting[place]

    async def _until_settled(self, pending: Pending) -> None:
        backoff = Backoff(self._chance)
        while True:
            try:
                await self._post(pending)
                return
            except ConnectionLost:
                wait_seconds = backoff.next()
            except SignedOut as out:
                self._happen(Moved(key=pending.key, fate="failed", trouble=in_words(out, self._server)))
                return
            except Problem as problem:
                if not problem.passing:
                    self._happen(
                        Moved(key=pending.key, fate="failed", trouble=in_words(problem, self._server))
                    )
                    return
                wait_seconds = backoff.told(problem.retry_after)
            self._happen(Moved(key=pending.key, fate="waiting"))
            await self._nap.sleep(wait_seconds)

    async def _post(self, pending: Pending) -> None:
        place = pending.place
        if isinstance(place, RoomPlace):
            receipt = await self._client.post(pending.text, room=place.id, key=pending.key)
        else:
            receipt = await self._client.post(pending.text, to=place.name, key=pending.key)
        self._happen(Moved(key=pending.key, fate="stored", seq=receipt.seq))
