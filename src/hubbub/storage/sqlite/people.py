"""People in SQLite. A user has an inbox from the beginning."""

from collections.abc import Sequence

from hubbub.domain.errors import NameTaken, NoSuchUser
from hubbub.domain.ids import SessionId, UserId, inbox_log
from hubbub.domain.model import User
from hubbub.storage.base import Credential
from hubbub.storage.sqlite.database import Database, Row
from hubbub.storage.sqlite.rooms import add_log, span

_USER = "SELECT name, created_at_ms, disabled_at_ms FROM users "


def _user(row: Row) -> User:
    name, created_at_ms, disabled_at_ms = row
    return User(name=name, created_at_ms=created_at_ms, disabled_at_ms=disabled_at_ms)


class People:
    _db: Database

    async def create_user(self, user: User, password_hash: str) -> None:
        async with self._db.saving():
            self._add_user(user, password_hash)

    def _add_user(self, user: User, password_hash: str) -> None:
        if self._db.row("SELECT 1 FROM users WHERE name = ?", (user.name,)):
            raise NameTaken(f"There is a user named {user.name}.", conflicts_with=f"/user/{user.name}")
        self._db.rows(
            "INSERT INTO users (name, password_hash, created_at_ms, disabled_at_ms) VALUES (?, ?, ?, ?)",
            (user.name, password_hash, user.created_at_ms, user.disabled_at_ms),
        )
        add_log(self._db, inbox_log(user.name))

    async def user(self, name: UserId) -> User | None:
        row = self._db.row(_USER + "WHERE name = ?", (name,))
        return None if row is None else _user(row)

    async def users(self, *, prefix: str, after: UserId | None, limit: int) -> tuple[Sequence[User], bool]:
        rows = self._db.rows(
            _USER + "WHERE name >= ? AND name < ? AND disabled_at_ms IS NULL ORDER BY name LIMIT ?",
            (*span(prefix, after), limit + 1),
        )
        return [_user(row) for row in rows[:limit]], len(rows) > limit

    async def credential(self, name: UserId) -> Credential | None:
        row = self._db.row("SELECT password_hash, disabled_at_ms FROM users WHERE name = ?", (name,))
        if row is None:
            return None
        return Credential(user=name, password_hash=row[0], disabled=row[1] is not None)

    async def set_password(self, name: UserId, password_hash: str) -> Sequence[SessionId]:
        """See Store.set_password."""
        async with self._db.saving():
            self._change(name, "UPDATE users SET password_hash = ? WHERE name = ?", (password_hash, name))
            ended = self._db.rows("DELETE FROM sessions WHERE user = ? RETURNING id", (name,))
        return [id for (id,) in ended]

    async def disable(self, name: UserId, now_ms: int | None) -> None:
        """See Store.disable. Raises NoSuchUser."""
        async with self._db.saving():
            self._change(name, "UPDATE users SET disabled_at_ms = ? WHERE name = ?", (now_ms, name))
            if now_ms is not None:
                self._db.rows("DELETE FROM sessions WHERE user = ?", (name,))

    def _change(self, name: UserId, sql: str, bindings: Row) -> None:
        self._db.rows(sql, bindings)
        if not self._db.connection.changes():
            raise NoSuchUser(f"There is no user named {name}.")
