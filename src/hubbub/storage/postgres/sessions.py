"""Sessions in PostgreSQL, and telling other nodes that one has ended. A token is known by its hash only."""

from collections.abc import Mapping, Sequence
from sys import intern

from hubbub.domain.errors import WrongCredentials
from hubbub.domain.ids import SessionId, UserId
from hubbub.domain.model import Session
from hubbub.storage.base import Endings
from hubbub.storage.postgres.database import Connection, Database, Row

KEPT_MS = 3_600_000
"""How long an ending is kept for the other nodes, which ask twice a second."""

MOST_ENDINGS = 10_000
"""Who has missed more than these is not told which."""

_SESSION = 'SELECT id, "user", created_at_ms, expires_at_ms, agent FROM sessions '
_ADD = """
    INSERT INTO sessions (id, token_hash, "user", created_at_ms, expires_at_ms, agent)
    SELECT $1, $2, name, $4, $5, $6 FROM users
    WHERE name = $3 AND disabled_at_ms IS NULL AND password_hash = coalesce($7, password_hash) FOR SHARE
    RETURNING 1
"""

# The one row of `ended` is locked until the commit: numbers are seen in the order in which they are given.
_NUMBER = "UPDATE ended SET upto = upto + $1 RETURNING upto"
_TELL = """
    INSERT INTO endings (number, session, ended_at_ms)
    SELECT $1 + place, id, (extract(epoch FROM clock_timestamp()) * 1000)::bigint
    FROM unnest($2::text[]) WITH ORDINALITY AS ids (id, place)
"""
_ENDINGS = """
    SELECT upto, session FROM ended LEFT JOIN endings ON number > $1 AND number <= upto
    ORDER BY number LIMIT $2
"""
_FORGET = (
    "DELETE FROM endings WHERE ended_at_ms < (extract(epoch FROM clock_timestamp()) * 1000)::bigint - $1"
)

# What somebody is ending, or extending, at this moment is left for the next time: nobody waits for anybody.
_SWEEP = """
    DELETE FROM sessions WHERE id = ANY (ARRAY(
        SELECT id FROM sessions WHERE expires_at_ms <= $1 FOR UPDATE SKIP LOCKED
    )) RETURNING 1
"""


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
        async with self._db.connection() as connection:
            await add_session(connection, session, token_hash, password_hash)

    async def session_by_token(self, token_hash: bytes) -> Session | None:
        row = await self._db.row(_SESSION + "WHERE token_hash = $1", token_hash)
        return None if row is None else _session(row)

    async def session(self, id: SessionId) -> Session | None:
        row = await self._db.row(_SESSION + "WHERE id = $1", id)
        return None if row is None else _session(row)

    async def those(self, ids: Sequence[SessionId]) -> Mapping[SessionId, Session]:
        rows = await self._db.rows(_SESSION + "WHERE id = ANY($1::text[])", list(ids))
        return {session.id: session for session in map(_session, rows)}

    async def sessions(self, user: UserId) -> Sequence[Session]:
        rows = await self._db.rows(_SESSION + 'WHERE "user" = $1 ORDER BY created_at_ms, id', user)
        return [_session(row) for row in rows]

    async def extend_session(self, id: SessionId, expires_at_ms: int) -> None:
        """Nothing for a session that has ended meanwhile. Of two nodes that extend it the later end stays."""
        await self._db.rows(
            "UPDATE sessions SET expires_at_ms = $2 WHERE id = $1 AND expires_at_ms < $2", id, expires_at_ms
        )

    async def end_session(self, id: SessionId) -> bool:
        async with self._db.writing() as connection:
            return bool(await end(connection, "DELETE FROM sessions WHERE id = $1 RETURNING id", id))

    async def end_sessions(self, user: UserId) -> Sequence[SessionId]:
        async with self._db.writing() as connection:
            return await end_all(connection, user)

    async def sweep_sessions(self, now_ms: int) -> int:
        """See Store.sweep_sessions. Also forgets endings that everybody has heard of."""
        await self._db.rows(_FORGET, KEPT_MS)
        return len(await self._db.rows(_SWEEP, now_ms))

    async def endings(self, since: int | None) -> Endings:
        """See Store.endings."""
        rows = await self._db.rows(_ENDINGS, -1 if since is None else since, MOST_ENDINGS + 1)
        upto: int = rows[0][0]
        ended = [session for _, session in rows if session is not None]
        if since is None or len(ended) != upto - since:
            return Endings(upto, None)
        return Endings(upto, tuple(ended))


async def add_session(
    connection: Connection, session: Session, token_hash: bytes, password_hash: str | None = None
) -> None:
    """In a transaction of the caller's, or one of its own."""
    added = await connection.fetchval(
        _ADD,
        session.id,
        token_hash,
        session.user,
        session.created_at_ms,
        session.expires_at_ms,
        session.agent,
        password_hash,
    )
    if not added:
        raise WrongCredentials()


async def end(connection: Connection, delete: str, argument: str) -> Sequence[SessionId]:
    """End the sessions that `delete` answers with, in a transaction of the caller's, and leave word of it."""
    ids = [id for (id,) in await connection.fetch(delete, argument)]
    if ids:
        upto = await connection.fetchval(_NUMBER, len(ids))
        await connection.execute(_TELL, upto - len(ids), ids)
    return ids


async def end_all(connection: Connection, user: UserId) -> Sequence[SessionId]:
    """As `end`, of all sessions of `user`."""
    return await end(connection, 'DELETE FROM sessions WHERE "user" = $1 RETURNING id', user)
