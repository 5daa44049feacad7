"""The room or the person somebody meant; and what is called nearly so, when there is none.

A room's id wins over a name: scripts use ids, and nobody can take theirs by naming a room so.
"""

import difflib
from collections.abc import Iterable
from typing import TYPE_CHECKING

from hubbub.domain.policy import folded, is_room_id
from hubbub.terminal.errors import TerminalError
from hubbub.terminal.texts import harmless_line

if TYPE_CHECKING:
    from hubbub.client import Client
    from hubbub.protocol.frames import RoomBody

_LOOKED_THROUGH = 5000
"""Names that are compared with a wrong one; a server may have millions."""

_NEAR = 3


class NotThere(TerminalError):
    """`near`: names like the one that was given."""

    def __init__(self, kind: str, given: str, near: Iterable[str] = ()) -> None:
        self.near = tuple(near)
        meant = " or ".join(f"“{harmless_line(name)}”" for name in self.near)
        hint = f"; did you mean {meant}?" if meant else ""
        super().__init__(f"there is no {kind} “{harmless_line(given)}”{hint}")


async def find_room(client: "Client", given: str) -> "RoomBody":
    """The room with this id, or else of this name, whatever its case. Raises NotThere, ClientError."""
    from hubbub.client.errors import Problem

    if is_room_id(given):
        try:
            return await client.room_by_id(given)
        except Problem as problem:
            if problem.status != 404:
                raise
    if name := given.strip():
        try:
            return await client.room(name)
        except Problem as problem:
            if problem.code != "no-such-room":
                raise
    names = []
    async for room in client.rooms():
        names.append(room.name)
        if len(names) == _LOOKED_THROUGH:
            break
    raise NotThere("room", given, near(given, names))


async def no_such_person(client: "Client", given: str) -> NotThere:
    names = []
    async for person in client.people(given[:1].lower()):
        names.append(person.name)
        if len(names) == _LOOKED_THROUGH:
            break
    return NotThere("user", given, near(given, names))


def near(given: str, names: Iterable[str]) -> list[str]:
    """Of `names`, those that may have been meant, the nearest first."""
    by_folded: dict[str, str] = {}
    for name in names:
        by_folded.setdefault(folded(name), name)
    wanted = folded(given)
    alike = difflib.get_close_matches(wanted, by_folded, n=_NEAR, cutoff=0.65)
    if len(wanted) > 1:
        within = [name for name in by_folded if wanted in name or (len(name) > 1 and name in wanted)]
        alike += [name for name in within if name not in alike]
    return [by_folded[name] for name in alike[:_NEAR]]
