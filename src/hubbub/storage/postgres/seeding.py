"""Putting many people, sessions and rooms into PostgreSQL at once."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

from hubbub.domain.errors import NameTaken
from hubbub.domain.ids import inbox_log, room_log
from hubbub.domain.model import Room, User
from hubbub.storage.base import Seed
from hubbub.storage.postgres.database import Connection

AT_ONCE = 2_000
"""Rows in one statement."""

_USERS = """
    INSERT INTO users (name, password_hash, created_at_ms, disabled_at_ms)
    SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[])
    ON CONFLICT DO NOTHING RETURNING name
"""
_SESSIONS = """
    INSERT INTO sessions (id, token_hash, "user", created_at_ms, expires_at_ms, agent)
    SELECT * FROM unnest($1::text[], $2::bytea[], $3::text[], $4::bigint[], $5::bigint[], $6::text[])
"""
_ROOMS = """
    INSERT INTO rooms (id, log, name, folded, created_at_ms, created_by)
    SELECT id, number, seed.name, folded, created_at_ms, created_by
    FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[])
        AS seed (id, log_name, name, folded, created_at_ms, created_by)
    JOIN logs ON logs.name = log_name
    ON CONFLICT (folded) DO NOTHING RETURNING id
"""
_LOGS = "INSERT INTO logs (name) SELECT * FROM unnest($1::text[])"

T = TypeVar("T")


async def sow(connection: Connection, seed: Seed) -> None:
    """In a transaction of the caller's, which cannot go on after NameTaken."""
    for users in _some(seed.users):
        await _add_users(connection, users)
    for sessions in _some(seed.sessions):
        await connection.execute(
            _SESSIONS,
            *zip(
                *(
                    (each.id, token_hash, each.user, each.created_at_ms, each.expires_at_ms, each.agent)
                    for each, token_hash in sessions
                ),
                strict=True,
            ),
        )
    for rooms in _some(seed.rooms):
        await _add_rooms(connection, rooms)


async def _add_users(connection: Connection, users: Sequence[tuple[User, str]]) -> None:
    rows = [(user.name, hash, user.created_at_ms, user.disabled_at_ms) for user, hash in users]
    added = {name for (name,) in await connection.fetch(_USERS, *zip(*rows, strict=True))}
    for user, _ in users:
        if user.name not in added:
            raise NameTaken(f"There is a user named {user.name}.", conflicts_with=f"/user/{user.name}")
    await connection.execute(_LOGS, [inbox_log(user.name) for user, _ in users])


async def _add_rooms(connection: Connection, rooms: Sequence[tuple[Room, str]]) -> None:
    await connection.execute(_LOGS, [room_log(room.id) for room, _ in rooms])
    rows = [
        (room.id, room_log(room.id), room.name, folded, room.created_at_ms, room.created_by)
        for room, folded in rooms
    ]
    added = {id for (id,) in await connection.fetch(_ROOMS, *zip(*rows, strict=True))}
    for room, folded in rooms:
        if room.id not in added:
            taken = await connection.fetchval("SELECT id FROM rooms WHERE folded = $1", folded)
            raise NameTaken(f"There is a room named “{room.name}”.", conflicts_with=f"/room/{taken}")


def _some(all: Sequence[T]) -> Iterator[Sequence[T]]:
    for at in range(0, len(all), AT_ONCE):
        yield all[at : at + AT_ONCE]
