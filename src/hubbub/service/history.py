"""Reading back: pages of a room, an inbox or a conversation, and waiting for the next."""

from collections.abc import Callable, Mapping, Sequence

from hubbub.domain.errors import BadInput, NoSuchMessage, NoSuchRoom, NoSuchUser
from hubbub.domain.events import Event
from hubbub.domain.ids import LogId, RoomId, UserId, inbox_log, room_log
from hubbub.hub import Hub
from hubbub.protocol.cursor import check_reached, parse_cursor
from hubbub.service.paging import DEFAULT_LIMIT, check_limit
from hubbub.storage.base import EVERYTHING, RECEIVED, Between, Page, Store, View


class History:
    def __init__(self, store: Store, hub: Hub, *, monotonic: Callable[[], float], epoch: str) -> None:
        self._store = store
        self._hub = hub
        self._monotonic = monotonic
        self._epoch = epoch

    async def room(
        self,
        id: RoomId,
        *,
        after: str | None = None,
        before: str | None = None,
        limit: int = DEFAULT_LIMIT,
        wait_seconds: float = 0,
    ) -> Page:
        """What was posted in a room, oldest first; see `Store.page`.

        With `after` and `wait_seconds` it answers as soon as there is something, or an empty page when the
        time is up. Raises NoSuchRoom, BadInput, or StaleCursor.
        """
        return await self._page(room_log(id), EVERYTHING, after, before, limit, wait_seconds)

    async def inbox(
        self,
        user: UserId,
        *,
        after: str | None = None,
        before: str | None = None,
        limit: int = DEFAULT_LIMIT,
        wait_seconds: float = 0,
    ) -> Page:
        """What was posted directly to `user`."""
        return await self._page(inbox_log(user), RECEIVED, after, before, limit, wait_seconds)

    async def conversation(
        self,
        user: UserId,
        peer: UserId,
        *,
        after: str | None = None,
        before: str | None = None,
        limit: int = DEFAULT_LIMIT,
        wait_seconds: float = 0,
    ) -> Page:
        """What `user` and `peer` wrote to each other, numbered as in the inbox of `user`.

        Raises NoSuchUser.
        """
        if await self._store.user(peer) is None:
            raise NoSuchUser(f"There is no user {peer}.")
        return await self._page(inbox_log(user), Between(peer), after, before, limit, wait_seconds)

    async def message(self, id: RoomId, seq: int) -> Event:
        """Raises NoSuchRoom or NoSuchMessage."""
        event = await self._store.event(room_log(id), seq)
        if event is None:
            await self.head(room_log(id))
            raise NoSuchMessage(f"There is no message number {seq} in this room.")
        return event

    async def direct_message(self, user: UserId, seq: int) -> Event:
        """One entry of the user's own inbox. Raises NoSuchMessage."""
        event = await self._store.event(inbox_log(user), seq)
        if event is None:
            raise NoSuchMessage(f"There is no message number {seq} in your inbox.")
        return event

    async def head(self, log: LogId) -> int:
        """Raises NoSuchRoom."""
        head = await self._store.head(log)
        if head is None:
            raise NoSuchRoom("There is no room with this id.")
        return head

    async def heads(self, logs: Sequence[LogId]) -> Mapping[LogId, int]:
        """Of all of them. Raises NoSuchRoom where one is missing."""
        heads = await self._store.heads(logs)
        if len(heads) < len(logs):
            raise NoSuchRoom("There is no room with this id.")
        return heads

    async def _page(
        self,
        log: LogId,
        view: View,
        after: str | None,
        before: str | None,
        limit: int,
        wait_seconds: float,
    ) -> Page:
        if after is not None and before is not None:
            raise BadInput("A page is asked for by `after` or by `before`, not by both.", field="before")
        check_limit(limit)
        head = await self.head(log)
        low = high = None
        if after is not None:
            low = parse_cursor(after, self._epoch)
            check_reached(low, head)
        if before is not None:
            high = parse_cursor(before, self._epoch, field="before")
            check_reached(high - 1, head)  # before the event that comes next is the newest page
        page = await self._store.page(log, view=view, after=low, before=high, limit=limit)
        if low is None:
            return page
        until = self._monotonic() + wait_seconds
        while not page.events and page.gap is None:
            left = until - self._monotonic()
            if left <= 0:
                break
            await self._hub.grown(log, page.head, left)
            page = await self._store.page(log, view=view, after=low, limit=limit)
        return page
