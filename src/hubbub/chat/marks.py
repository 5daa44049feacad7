"""What the server knows of how far I have read, and telling it how far I have come."""

import asyncio
from collections.abc import Callable
from datetime import datetime

from hubbub.chat.state.places import Place, RoomPlace
from hubbub.chat.state.side import Conversation, Followed
from hubbub.client import Client, ConnectionLost, Problem
from hubbub.protocol.frames import ConversationBody
from hubbub.terminal.unread import conversations, follows


async def rooms(client: Client) -> tuple[Followed, ...]:
    """Those I follow. Raises the client's errors."""
    told = await follows(client)
    return tuple(
        Followed(id=each.room, name=each.name, seq=each.seq, head=each.head) for each in told.values()
    )


async def people(client: Client) -> tuple[Conversation, ...]:
    """Those I write with. Raises the client's errors."""
    return tuple(map(_conversation, await conversations(client)))


async def put(client: Client, place: Place, seq: int) -> None:
    if isinstance(place, RoomPlace):
        await client.mark(seq, room=place.id)
    else:
        await client.mark(seq, to=place.name)


def _conversation(told: ConversationBody) -> Conversation:
    last = told.last
    return Conversation(
        user=told.user,
        seq=told.seq,
        unread=told.unread,
        last_seq=last.seq if last else told.seq,
        last_at=datetime.fromisoformat(last.sent_at) if last else None,
    )


class Marker:
    """Moves my marks. Always true: of each place the furthest is told at last, whatever is lost."""

    def __init__(self, client: Client, *, spawn: Callable[..., object]) -> None:
        self._client = client
        self._spawn = spawn
        self._wanted: dict[Place, int] = {}
        self._told: dict[Place, int] = {}
        self._at_work = False

    def seen(self, place: Place, seq: int) -> None:
        if seq <= max(self._wanted.get(place, -1), self._told.get(place, -1)):
            return
        self._wanted[place] = seq
        self.hurry()

    def forget(self, room: str) -> None:
        """It is not followed any more: no mark that is still on its way may change that."""
        self._wanted.pop(RoomPlace(room), None)
        self._told.pop(RoomPlace(room), None)

    def hurry(self) -> None:
        """Tell what is left to tell: the connection is back."""
        if self._wanted and not self._at_work:
            self._at_work = True
            self._spawn(self._tell())

    async def _tell(self) -> None:
        try:
            while self._wanted:
                place, seq = next(iter(self._wanted.items()))
                try:
                    await put(self._client, place, seq)
                except ConnectionLost:
                    return  # it is still wanted
                except Problem as problem:
                    if problem.passing:
                        await asyncio.sleep(problem.retry_after or 1.0)
                        continue
                # What is refused for good is not told again.
                self._told[place] = max(seq, self._told.get(place, -1))
                if self._wanted.get(place) == seq:
                    del self._wanted[place]
        finally:
            self._at_work = False
