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
    new: Annotated[
        bool,
        Parameter(
            name="--unread",
            help="Only rooms with messages you have not read.",
        ),
    ] = False,
    json: AsJson = False,
    server: Server = None,
) -> int:
    """List the rooms, or make one.

    Of each: its name, its id, how many messages were posted to it, and of
    rooms you follow how many of them you have not read.

        hubbub rooms
        hubbub rooms --create "Team Blue"
        hubbub rooms team --json | jq -r .id
    """
    if create is not None and (words or new):
        raise Misused("--create takes one name and nothing else; put quotation marks around it")

    async def work(client: "Client") -> int:
        from hubbub.terminal.unread import follows

        if create is not None:
            _tell([await _made(client, create)], {}, json)
            return 0
        unread = {id: room.head - room.seq for id, room in (await follows(client)).items()}
        wanted = [folded(word) for word in words]
        found = [room async for room in client.rooms() if all(word in folded(room.name) for word in wanted)]
        _tell([room for room in found if unread.get(room.id) or not new], unread, json)
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


def _tell(rooms: list["RoomBody"], unread: dict[str, int], json: bool) -> None:
    """`unread`: how many, by the id of each room that is followed."""
    if json:
        for room in rooms:
            followed = {"unread": unread[room.id]} if room.id in unread else {}
            output.write_json(msgspec.json.encode(msgspec.structs.asdict(room) | followed))
        return
    if not rooms:
        return
    from rich.cells import cell_len

    names = [harmless_line(room.name) for room in rooms]
    width = max(map(cell_len, names))
    id_width = max(len(room.id) for room in rooms)
    for name, room in zip(names, rooms, strict=True):
        padding = " " * (width - cell_len(name))
        count = unread.get(room.id, 0)
        told = f"  {count:,} unread" if count else ""
        output.write(f"{name}{padding}  {harmless_line(room.id):{id_width}}  {room.head:,}{told}\n")
