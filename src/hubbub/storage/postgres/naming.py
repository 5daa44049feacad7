"""What `storage.names` says of the rooms of an older store, done in PostgreSQL."""

from hubbub.storage.names import BEYOND_ASCII, Named, settled
from hubbub.storage.postgres.database import Connection

NAMED = 2
"""The form of the database from which on what is not seen makes no other name."""

_LONG_SECONDS = 3600.0
_AT_ONCE = 1_000
"""Rooms that are read at once, some hundred kilobytes."""

_FIND = "SELECT id, name, folded, created_at_ms FROM rooms WHERE folded = $1"
_CALL = "UPDATE rooms SET name = $1, folded = $2 WHERE id = $3"


async def refold(connection: Connection) -> None:
    """In the transaction of the step, which keeps others away from the rooms."""
    rows = connection.cursor(BEYOND_ASCII, prefetch=_AT_ONCE, timeout=_LONG_SECONDS)
    settling = settled([room async for row in rows if (room := Named(*row)).outdated])
    found = None
    try:
        while True:
            row = await connection.fetchrow(_FIND, settling.send(found))
            found = None if row is None else Named(*row)
    except StopIteration as end:
        await connection.executemany(_CALL, end.value, timeout=_LONG_SECONDS)
