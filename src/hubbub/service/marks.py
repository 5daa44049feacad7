"""How far people have read, so that all their devices agree on what is unread."""

from collections.abc import Sequence

from hubbub.domain.errors import BadInput, NoSuchRoom, NoSuchUser
from hubbub.domain.ids import LogId, RoomId, UserId, inbox_log, owner_of, room_log, room_of
from hubbub.domain.model import Conversation, Followed
from hubbub.domain.policy import is_room_id, user_name
from hubbub.hub import Hub
from hubbub.protocol.cursor import check_reached
from hubbub.protocol.frames import MarkFrame, encode
from hubbub.service.paging import DEFAULT_LIMIT, check_limit
from hubbub.storage.base import Store


class Marks:
    """A mark is state and no event: the larger seq wins, so that the order of requests does not matter.

    A user has one mark at most for each room and each person there is, some sixty bytes: their number is
    bounded as that of rooms and accounts is, which are limited where they are made.
    """

    def __init__(self, store: Store, hub: Hub) -> None:
        self._store = store
        self._hub = hub

    async def read_room(self, user: UserId, room: str, seq: int) -> int:
        """`user` has read up to `seq` in the room, and follows it from now on; the mark as it is now.

        Raises NoSuchRoom, BadInput, or StaleCursor for what was never posted.
        """
        log = await self._room(room)
        return await self._mark(user, log, log, seq)

    async def read_person(self, user: UserId, peer: UserId, seq: int) -> int:
        """`user` has read up to `seq` of the own inbox in the conversation with `peer`.

        Raises NoSuchUser, BadInput, StaleCursor.
        """
        if await self._store.user(peer) is None:
            raise NoSuchUser(f"There is no user {peer}.")
        return await self._mark(user, inbox_log(peer), inbox_log(user), seq)

    async def unfollow(self, user: UserId, room: str) -> None:
        """Raises NoSuchRoom."""
        log = await self._room(room)
        if await self._store.unmark(user, log):
            self._tell(user, log, None)  # before anything is awaited: as marks moved, so they are told

    async def followed(
        self, user: UserId, *, after: str | None = None, limit: int = DEFAULT_LIMIT
    ) -> tuple[Sequence[Followed], bool]:
        check_limit(limit)
        return await self._store.followed(user, after=None if after is None else RoomId(after), limit=limit)

    async def conversations(
        self, user: UserId, *, after: str | None = None, limit: int = DEFAULT_LIMIT
    ) -> tuple[Sequence[Conversation], bool]:
        """As `Store.conversations` lists them. Raises BadInput for what could not be a name."""
        check_limit(limit)
        last = None if after is None else user_name(after)
        return await self._store.conversations(user, after=last, limit=limit)

    async def _room(self, room: str) -> LogId:
        log = room_log(room)
        if not is_room_id(room) or await self._store.head(log) is None:
            raise NoSuchRoom
        return log

    async def _mark(self, user: UserId, place: LogId, counted_in: LogId, seq: int) -> int:
        if seq < 0:
            raise BadInput("`seq` is a number from 0 up.", field="seq")
        check_reached(seq, await self._store.head(counted_in) or 0)
        now, moved = await self._store.mark(user, place, seq)
        if moved:
            self._tell(user, place, now)
        return now

    def _tell(self, user: UserId, place: LogId, seq: int | None) -> None:
        """All of the user's devices that listen."""
        frame = MarkFrame(room=room_of(place), user=owner_of(place), seq=seq)
        self._hub.tell(inbox_log(user), "mark", encode(frame))
