"""People in PostgreSQL. A user has an inbox from the beginning."""

from collections.abc import Sequence

from hubbub.domain.errors import NameTaken, NoSuchUser
from hubbub.domain.ids import SessionId, UserId, inbox_log
from hubbub.domain.model import User
from hubbub.storage.base import Credential
from hubbub.storage.postgres.database import Connection, Database, Row
from hubbub.storage.postgres.rooms import ABOVE_ALL, add_log
from hubbub.storage.postgres.sessions import end_all

_USER = "SELECT name, created_at_ms, disabled_at_ms FROM users "
_USERS = (
    _USER + "WHERE name >= $1 AND name > $2 AND name < $3 AND disabled_at_ms IS NULL ORDER BY name LIMIT $4"
)
_ADD = """
    INSERT INTO users (name, password_hash, created_at_ms, disabled_at_ms) VALUES ($1, $2, $3, $4)
    ON CONFLICT DO NOTHING RETURNING 1
"""


def _user(row: Row) -> User:
    name, created_at_ms, disabled_at_ms = row
    return User(name=name, created_at_ms=created_at_ms, disabled_at_ms=disabled_at_ms)


class People:
    _db: Database

    async def create_user(self, user: User, password_hash: str) -> None:
        async with self._db.writing() as connection:
            await add_user(connection, user, password_hash)

    async def user(self, name: UserId) -> User | None:
        row = await self._db.row(_USER + "WHERE name = $1", name)
        return None if row is None else _user(row)

    async def users(self, *, prefix: str, after: UserId | None, limit: int) -> tuple[Sequence[User], bool]:
        rows = await self._db.rows(
            _USERS,
            prefix,
            after or "",
            prefix + ABOVE_ALL,
            limit + 1,
        )
        return [_user(row) for row in rows[:limit]], len(rows) > limit

    async def credential(self, name: UserId) -> Credential | None:
        row = await self._db.row("SELECT password_hash, disabled_at_ms FROM users WHERE name = $1", name)
        if row is None:
            return None
        return Credential(user=name, password_hash=row[0], disabled=row[1] is not None)

    async def set_password(self, name: UserId, password_hash: str) -> Sequence[SessionId]:
        """See Store.set_password."""
        async with self._db.writing() as connection:
            # Whoever is signing in holds the user's row: this waits for them, and so sees their session.
            await _change(connection, name, "password_hash", password_hash)
            return await end_all(connection, name)

    async def disable(self, name: UserId, now_ms: int | None) -> None:
        """See Store.disable. Raises NoSuchUser."""
        async with self._db.writing() as connection:
            await _change(connection, name, "disabled_at_ms", now_ms)  # waits for them here, too
            if now_ms is not None:
                await end_all(connection, name)


async def add_user(connection: Connection, user: User, password_hash: str) -> None:
    """In a transaction of the caller's."""
    added = await connection.fetchval(_ADD, user.name, password_hash, user.created_at_ms, user.disabled_at_ms)
    if not added:
        raise NameTaken(f"There is a user named {user.name}.", conflicts_with=f"/user/{user.name}")
    await add_log(connection, inbox_log(user.name))


async def _change(connection: Connection, name: UserId, column: str, value: object) -> None:
    changed = await connection.fetchval(
        f"UPDATE users SET {column} = $2 WHERE name = $1 RETURNING 1",  # noqa: S608
        name,
        value,
    )
    if not changed:
        raise NoSuchUser(f"There is no user named {name}.")
