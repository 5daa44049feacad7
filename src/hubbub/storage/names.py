"""Bringing the names of rooms under another rule for which of them are the same (`domain.policy.folded`).

The step of the database that comes with a new rule does this for the rooms there are. Pure: what it has to
know of the others it asks for.
"""

from collections import defaultdict
from collections.abc import Generator, Iterable, Sequence
from itertools import count

import msgspec
from msgspec.structs import replace

from hubbub.domain.policy import MAX_ROOM_NAME_CHARACTERS, folded

# Of ASCII every rule makes the same.
BEYOND_ASCII = "SELECT id, name, folded, created_at_ms FROM rooms WHERE octet_length(name) <> length(name)"

_ASIDE = "\U0010ffff"
"""No name has this character."""

Update = tuple[str, str, str]
"""A name, what it is found by, and the id of the room that gets both."""


class Named(msgspec.Struct, frozen=True):
    """What is stored of a room, as BEYOND_ASCII selects it."""

    id: str
    name: str
    folded: str
    created_at_ms: int

    @property
    def age(self) -> tuple[int, str]:
        return self.created_at_ms, self.id

    @property
    def outdated(self) -> bool:
        """Whether it is found by another name than the rule gives it."""
        return self.folded != folded(self.name)


Settling = Generator[str, Named | None, Sequence[Update]]
"""Asks which room is found by a name now, and ends with what is to be written, in that order."""
_Looking = Generator[str, Named | None, Named | None]
_Doing = Generator[str, Named | None, None]


def settled(outdated: Sequence[Named]) -> Settling:
    """Give each of these a name that is nobody else's.

    Of rooms that are called the same now the oldest keeps its name, and the others get a number: `NAME (2)`.
    A room of whose name nothing is seen becomes `Room`.
    """
    return _Names(outdated).settle()


class _Names:
    """Always true: nobody is both in `_given` and in `_late`."""

    def __init__(self, outdated: Sequence[Named]) -> None:
        self._outdated = outdated
        self._given: dict[str, Named] = {}
        """By what they are found by from now on."""
        self._late: list[Named] = []

    def settle(self) -> Settling:
        for room in self._outdated:
            yield from self._keep(room)
        # Not before: nobody takes a number that is in somebody's name.
        numbers: dict[str, Iterable[int]] = defaultdict(lambda: count(1))
        for room in sorted(self._late, key=lambda room: room.age):
            yield from self._number(room, numbers[folded(room.name)])
        # All step aside first, for one may get what another was stored under.
        aside = [(room.name, _ASIDE + room.id, room.id) for room in self._given.values()]
        return [*aside, *((room.name, found_by, room.id) for found_by, room in self._given.items())]

    def _keep(self, room: Named) -> _Doing:
        found_by = folded(room.name)
        if not found_by:
            self._late.append(replace(room, name="Room"))
            return
        there = yield from self._holder(found_by)
        if there is not None and there.age < room.age:
            self._late.append(room)
            return
        if there is not None:
            self._late.append(there)
        self._given[found_by] = room

    def _number(self, room: Named, numbers: Iterable[int]) -> _Doing:
        for number in numbers:
            name = _numbered(room.name, number)
            if (yield from self._holder(folded(name))) is None:
                self._given[folded(name)] = replace(room, name=name)
                return

    def _holder(self, found_by: str) -> _Looking:
        """Whose it is from now on, as far as that is settled."""
        if found_by in self._given:
            return self._given[found_by]
        stored = yield found_by
        return None if stored is None or stored.outdated else stored


def _numbered(name: str, number: int) -> str:
    if number == 1:
        return name
    end = f" ({number})"
    return name[: MAX_ROOM_NAME_CHARACTERS - len(end)].rstrip() + end
