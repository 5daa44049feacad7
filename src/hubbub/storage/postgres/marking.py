"""The mark that a database is one end of a move: see `storage/moving.py`.

It is a table of its own, made by the move: a store that was never moved has none.
"""

import msgspec

from hubbub.storage.errors import StoreUnusable
from hubbub.storage.moving import Mark, why_not
from hubbub.storage.postgres.database import Connection

UNMARK = "drop the table hubbub.moving"
"""How somebody removes a mark by hand."""

EPOCH = "SELECT epoch FROM store WHERE to_regclass('hubbub.moving') IS NULL"
"""Of a store that may be served from."""

_MARKED = "SELECT to_regclass('hubbub.moving') IS NOT NULL"
_MAKE = "CREATE TABLE IF NOT EXISTS hubbub.moving (one boolean PRIMARY KEY CHECK (one), mark text NOT NULL)"
_WRITE = "INSERT INTO hubbub.moving (one, mark) VALUES (true, $1) ON CONFLICT (one) DO UPDATE SET mark = $1"


async def read_mark(connection: Connection) -> Mark | None:
    if not await connection.fetchval(_MARKED):
        return None
    mark = await connection.fetchval("SELECT mark FROM hubbub.moving")
    return None if mark is None else msgspec.json.decode(mark, type=Mark)


async def write_mark(connection: Connection, mark: Mark) -> None:
    async with connection.transaction():
        await connection.execute(_MAKE)
        await connection.execute(_WRITE, msgspec.json.encode(mark).decode())


async def remove_mark(connection: Connection) -> None:
    await connection.execute("DROP TABLE hubbub.moving")


async def check_unmarked(connection: Connection) -> None:
    """Raises StoreUnusable for one end of a move."""
    if mark := await read_mark(connection):
        raise StoreUnusable(why_not(mark, "this database", UNMARK))
