"""Reading logs from where one wants to start: the last few, all, or where one ended; and then live.

The heads are asked first, and everything is counted from them: so it is known which events were there before,
and nothing falls between what was there and what is new.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING

from hubbub.client.places import Event, Log, Places, log_of
from hubbub.protocol.frames import GapFrame

if TYPE_CHECKING:
    from hubbub.client import Client, Transport


async def ask_heads(client: "Client", rooms: Sequence[str], *, inbox: bool) -> dict[Log, str]:
    """A cursor of each log's newest event."""
    logs: list[Log] = [*rooms, None] if inbox else [*rooms]
    places = Places(dict.fromkeys(logs))
    places.start_at((await client.offer(rooms or None, inbox=inbox)).cursor)
    return {log: cursor for log, cursor in places.cursors().items() if cursor is not None}


def before(head: str, last: int) -> str:
    """The cursor from which the `last` events up to `head` follow."""
    epoch, _, seq = head.rpartition(":")
    return f"{epoch}:{max(0, int(seq) - last)}"


def at(head: str, seq: int) -> str:
    """`seq` as a cursor of the same epoch."""
    return f"{head.rpartition(':')[0]}:{seq}"


class Feed:
    """The events of some logs.

    Always true: `cursors` says of each log up to where events were acknowledged with `done`, so that going
    on from there leaves out and repeats nothing.
    """

    def __init__(self, starts: Mapping[Log, str], heads: Mapping[Log, str]) -> None:
        self._places = Places(starts)
        self._heads = {log: _seq(cursor) for log, cursor in heads.items()}
        # Also what lies ahead of the head, or in another epoch: the server is to refuse it.
        self._behind = {log for log, cursor in starts.items() if cursor != heads[log]}
        self._starts = starts

    @property
    def behind(self) -> bool:
        """Whether there is more to come of what was there when the heads were asked."""
        return bool(self._behind)

    def cursors(self) -> dict[Log, str | None]:
        return self._places.cursors()

    def done(self, event: Event) -> None:
        """`event` was dealt with. Raises Hole."""
        self._places.take(event)

    async def events(
        self, client: "Client", *, follow: bool, transport: "Transport" = "ws"
    ) -> AsyncIterator[Event]:
        """All that was there, and with `follow` whatever is posted from then on, each once, in order."""
        if not follow and not self._behind:
            return
        rooms = [log for log in self._starts if log is not None]
        async with client.subscribe(
            rooms, inbox=None in self._starts, after=self._starts, transport=transport
        ) as subscription:
            async for event in subscription:
                self._passed(event)
                yield event
                if not follow and not self._behind:
                    return

    def _passed(self, event: Event) -> None:
        log, seq = log_of(event), event.last if isinstance(event, GapFrame) else event.seq
        if seq >= self._heads[log]:
            self._behind.discard(log)


def _seq(cursor: str) -> int:
    return int(cursor.rpartition(":")[2])
