"""Opening rooms and finding them. Nobody joins: whoever is signed in may read and post in any."""

from collections.abc import Callable, Sequence

from hubbub.domain.errors import NameTaken, NoSuchRoom
from hubbub.domain.ids import RoomId
from hubbub.domain.model import Room, Session
from hubbub.domain.policy import MAX_FOLDED_CHARACTERS, folded, is_room_id, room_name
from hubbub.service.limits import Limits
from hubbub.service.paging import DEFAULT_LIMIT, check_limit
from hubbub.service.tokens import new_room_id
from hubbub.storage.base import Store


class Rooms:
    def __init__(
        self,
        store: Store,
        limits: Limits,
        *,
        now_ms: Callable[[], int],
        randomness: Callable[[int], bytes],
    ) -> None:
        self._store = store
        self._limits = limits
        self._now_ms = now_ms
        self._randomness = randomness

    async def create(self, name: str, by: Session) -> Room:
        """Raises BadInput, TooFast, or NameTaken when another room's name folds alike."""
        shown = room_name(name)
        self._limits.rooms.take(by.user)
        room = Room(
            id=new_room_id(self._randomness),
            name=shown,
            created_at_ms=self._now_ms(),
            created_by=by.user,
            head=0,
        )
        try:
            return await self._store.create_room(room, folded(shown))
        except NameTaken:
            # The quota is for rooms made: "make it unless it is there" may be asked at every start of a bot.
            self._limits.rooms.give_back(by.user)
            raise

    async def get(self, id: str) -> Room:
        """Raises NoSuchRoom, also for what could not be a room's id."""
        room = await self._store.room(RoomId(id)) if is_room_id(id) else None
        if room is None:
            raise NoSuchRoom
        return room

    async def list(
        self, prefix: str = "", after: str | None = None, limit: int = DEFAULT_LIMIT
    ) -> tuple[Sequence[Room], bool]:
        """Rooms whose name starts with `prefix`, without regard to case, in the order of their names,
        after the room with the id `after`; and whether there are more.

        Raises BadInput for a `limit` out of bounds, NoSuchRoom for an unknown `after`.
        """
        check_limit(limit)
        start = None if after is None else (await self.get(after)).id
        if len(prefix) > MAX_FOLDED_CHARACTERS:  # folding takes the square of that
            return [], False
        return await self._store.rooms(prefix=folded(prefix), after=start, limit=limit)
