"""`hubbub rooms`: which there are, and making one."""

from typing import TYPE_CHECKING, Annotated

import msgspec
from cyclopts import Parameter

from hubbub.cli import output
from hubbub.cli.errors import Failed, Misused
from hubbub.cli.signed_in import AsJson, Server, session, talk
from hubbub.domain.policy import folded
from hubbub.terminal import harmless_line

if TYPE_CHECKING:
    from hubbub.client import Client
    from hubbub.protocol.frames import RoomBody


def rooms(
    *words: Annotated[str, Parameter(help="Only rooms with all these words in their name.")],
    create: Annotated[str | None, Parameter(help="Make a room and tell its id.", metavar="NAME")] = None,
    json: AsJson = False,
    server: Server = None,
) -> int:
    """List the rooms, or make one.

    Of each: its name, its id, and how many messages were posted to it.

        hubbub rooms
        hubbub rooms --create "Team Blue"
        hubbub rooms team --json | jq -r .id
    """
    if create is not None and words:
        raise Misused("--create takes one name; put quotation marks around it")

    async def work(client: "Client") -> int:
        if create is not None:
            _tell([await _made(client, create)], json)
            return 0
        wanted = [folded(word) for word in words]
        found = [room async for room in client.rooms() if all(word in folded(room.name) for word in wanted)]
        _tell(found, json)
        return 0

    return talk(session(server), work)


async def _made(client: "Client", name: str) -> "RoomBody":
    from hubbub.client import Problem

    try:
        return await client.create_room(name)
    except Problem as problem:
        if problem.code != "name-taken":
            raise
        there = str(problem.members.get("conflicts_with", "")).rpartition("/")[2]
        raise Failed(f"there is a room of that name already; its id is {harmless_line(there)}") from None


def _tell(rooms: list["RoomBody"], json: bool) -> None:
    if json:
        for room in rooms:
            output.write_json(msgspec.json.encode(room))
        return
    if not rooms:
        return
    from rich.cells import cell_len

    names = [harmless_line(room.name) for room in rooms]
    width = max(map(cell_len, names))
    id_width = max(len(room.id) for room in rooms)
    for name, room in zip(names, rooms, strict=True):
        padding = " " * (width - cell_len(name))
        output.write(f"{name}{padding}  {harmless_line(room.id):{id_width}}  {room.head:,}\n")
