"""Sessions in SQLite. A token is known by its hash only."""

from collections.abc import Mapping, Sequence
from sys import intern

from hubbub.domain.errors import WrongCredentials
from hubbub.domain.ids import SessionId, UserId
from hubbub.domain.model import Session
from hubbub.storage.sqlite.database import Database, Row

_SESSION = "SELECT id, user, created_at_ms, expires_at_ms, agent FROM sessions "


def _session(row: Row) -> Session:
    id, user, created_at_ms, expires_at_ms, agent = row
    # Thousands of sessions come from a few kinds of agents: they share the text.
    return Session(
        id=id, user=user, created_at_ms=created_at_ms, expires_at_ms=expires_at_ms, agent=intern(agent)
    )


class Sessions:
    _db: Database

    async def create_session(
        self, session: Session, token_hash: bytes, *, password_hash: str | None = None
    ) -> None:
        """See Store.create_session."""
        async with self._db.saving():
            self._add_session(session, token_hash, password_hash)

    def _add_session(self, session: Session, token_hash: bytes, password_hash: str | None = None) -> None:
        row = self._db.row(
            "SELECT password_hash FROM users WHERE name = ? AND disabled_at_ms IS NULL", (session.user,)
        )
        if row is None or password_hash not in (None, row[0]):
            raise WrongCredentials()
        self._db.rows(
            "INSERT INTO sessions (id, token_hash, user, created_at_ms, expires_at_ms, agent)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (
                session.id,
                token_hash,
                session.user,
                session.created_at_ms,
                session.expires_at_ms,
                session.agent,
            ),
        )

    async def session_by_token(self, token_hash: bytes) -> Session | None:
        row = self._db.row(_SESSION + "WHERE token_hash = ?", (token_hash,))
        return None if row is None else _session(row)

    async def session(self, id: SessionId) -> Session | None:
        row = self._db.row(_SESSION + "WHERE id = ?", (id,))
        return None if row is None else _session(row)

    async def those(self, ids: Sequence[SessionId]) -> Mapping[SessionId, Session]:
        found = [await self.session(id) for id in ids]
        return {session.id: session for session in found if session is not None}

    async def sessions(self, user: UserId) -> Sequence[Session]:
        rows = self._db.rows(_SESSION + "WHERE user = ? ORDER BY created_at_ms, id", (user,))
        return [_session(row) for row in rows]

    async def extend_session(self, id: SessionId, expires_at_ms: int) -> None:
        """Nothing for a session that has ended meanwhile."""
        async with self._db.saving():
            self._db.rows("UPDATE sessions SET expires_at_ms = ? WHERE id = ?", (expires_at_ms, id))

    async def end_session(self, id: SessionId) -> bool:
        async with self._db.saving():
            return bool(self._db.rows("DELETE FROM sessions WHERE id = ? RETURNING id", (id,)))

    async def end_sessions(self, user: UserId) -> Sequence[SessionId]:
        async with self._db.saving():
            rows = self._db.rows("DELETE FROM sessions WHERE user = ? RETURNING id", (user,))
        return [id for (id,) in rows]

    async def sweep_sessions(self, now_ms: int) -> int:
        # Asked all the time and mostly in vain: a look costs no transaction.
        if not self._db.rows("SELECT 1 FROM sessions WHERE expires_at_ms <= ? LIMIT 1", (now_ms,)):
            return 0
        async with self._db.saving():
            self._db.rows("DELETE FROM sessions WHERE expires_at_ms <= ?", (now_ms,))
            return self._db.connection.changes()
