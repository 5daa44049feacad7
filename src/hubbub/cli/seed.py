"""`hubbub seed`: people who are signed in already, and rooms, for demonstrations and load tests."""

import asyncio
import json
import os
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from hubbub.cli.asked import Data, Database, Place, asked_place, hashed, now_ms
from hubbub.cli.errors import Failed
from hubbub.cli.places import sow
from hubbub.config import Config
from hubbub.domain.ids import UserId
from hubbub.domain.model import Room, Session, User
from hubbub.domain.policy import folded
from hubbub.service.tokens import new_room_id, new_session_id, new_token, token_hash
from hubbub.storage.base import Seed

_LIFETIME_MS = Config(data=Path()).session_seconds * 1000

_OUT = "The file that gets their tokens and ids as JSON; - for standard output."


def seed(
    *,
    users: Annotated[int, Parameter(help="How many people, called user-00001 and so on.")],
    rooms: Annotated[int, Parameter(help="How many rooms, called Room 1 and so on.")],
    out: Annotated[str, Parameter(help=_OUT, metavar="FILE", allow_leading_hyphen=True)],
    data: Data = None,
    database: Database = None,
) -> int:
    """Put people and rooms straight into a store: a directory's that no server is using, or a database's.

    The people are signed in, with the tokens that are written, and have no password anyone knows.
    """
    if users < 1 or rooms < 0:
        raise Failed("there has to be at least one user, to have made the rooms")
    _write(out, seeded(asked_place(data, database), users, rooms))
    if out != "-":
        print(f"{users} users and {rooms} rooms; their tokens and ids are in {out}")
    return 0


def seeded(where: Place, users: int, rooms: int) -> dict[str, list[dict[str, str]]]:
    """Fill the store there; the people's tokens and the rooms' ids."""
    return asyncio.run(sown(where, users, rooms))


async def sown(where: Place, users: int, rooms: int) -> dict[str, list[dict[str, str]]]:
    """The same, where a loop runs already."""
    planned, tokens = plan(users, rooms)
    await sow(where, planned)
    return {
        "users": [
            {"name": user.name, "token": token}
            for (user, _), token in zip(planned.users, tokens, strict=True)
        ],
        "rooms": [{"id": room.id, "name": room.name} for room, _ in planned.rooms],
    }


def plan(users: int, rooms: int) -> tuple[Seed, list[str]]:
    """What to store, and the users' tokens in their order."""
    at_ms = now_ms()
    # One hash for all, of a password that is forgotten at once: a hash each would take minutes.
    nobody_knows = hashed(new_token(os.urandom))
    people = [User(name=UserId(f"user-{number:05}"), created_at_ms=at_ms) for number in range(1, users + 1)]
    tokens = [new_token(os.urandom) for _ in people]
    sessions = [
        Session(
            id=new_session_id(os.urandom),
            user=user.name,
            created_at_ms=at_ms,
            expires_at_ms=at_ms + _LIFETIME_MS,
            agent="hubbub seed",
        )
        for user in people
    ]
    places = [
        Room(
            id=new_room_id(os.urandom),
            name=f"Room {number}",
            created_at_ms=at_ms,
            created_by=people[0].name,
            head=0,
        )
        for number in range(1, rooms + 1)
    ]
    planned = Seed(
        users=[(user, nobody_knows) for user in people],
        sessions=[(session, token_hash(token)) for session, token in zip(sessions, tokens, strict=True)],
        rooms=[(room, folded(room.name)) for room in places],
    )
    return planned, tokens


def _write(out: str, answer: object) -> None:
    text = json.dumps(answer, indent=1) + "\n"
    if out == "-":
        print(text, end="")
        return
    # There are tokens in it: for its owner only.
    try:
        with open(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise Failed(f"cannot write {out}: {error.strerror}") from error
