"""A PostgreSQL store as rows, to be read from and written to: an end of a move, or what a backup is of."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Self

from hubbub.storage.copying import BATCH, Key, Row, Table
from hubbub.storage.errors import StoreInUse, StoreUnusable
from hubbub.storage.moving import Mark
from hubbub.storage.postgres.database import Connection, leave
from hubbub.storage.postgres.marking import UNMARK, read_mark, remove_mark, write_mark
from hubbub.storage.postgres.opening import shown
from hubbub.storage.postgres.schema import form_of, migrate, steps
from hubbub.storage.postgres.visiting import form_read, refusing, visit

_ONE_MOVE = int.from_bytes(b"hub mov")
"""The advisory lock of the one move that a database is an end of."""

_MOVE, _BACKUP, _RESTORE = "hubbub move", "hubbub backup", "hubbub restore"
_READERS = ("hubbub verify", _BACKUP)
"""As whom those connect who only read."""

_OTHERS = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> ALL($1) AND application_name LIKE 'hubbub%'
      AND application_name <> ALL($2)
"""
_NUMBER_ON = """
    SELECT setval(pg_get_serial_sequence('hubbub.logs', 'number'), coalesce(max(number), 1), max(number) > 0)
    FROM logs
"""


class Tables:
    """A Target, of a connection."""

    def __init__(self, url: str, connection: Connection) -> None:
        self._url = url
        self._connection = connection

    @property
    def where(self) -> str:
        return shown(self._url)

    async def count(self, table: Table) -> int:
        with refusing(self._url):
            return int(await self._connection.fetchval(f"SELECT count(*) FROM {table.name}"))  # noqa: S608

    async def rows(self, table: Table, after: Key | None) -> Sequence[Row]:
        key = ", ".join(_quoted(table.key))
        columns = ", ".join(_quoted(table.columns))
        given = ", ".join(f"${number}" for number in range(1, len(table.key) + 1))
        beyond = f"WHERE ({key}) > ({given})" if after else ""
        sql = f"SELECT {columns} FROM {table.name} {beyond} ORDER BY {key} LIMIT {BATCH}"  # noqa: S608
        with refusing(self._url):
            return [tuple(row) for row in await self._connection.fetch(sql, *(after or ()))]

    async def last(self, table: Table) -> Key | None:
        key = _quoted(table.key)
        backwards = ", ".join(f"{name} DESC" for name in key)
        sql = f"SELECT {', '.join(key)} FROM {table.name} ORDER BY {backwards} LIMIT 1"  # noqa: S608
        with refusing(self._url):
            row = await self._connection.fetchrow(sql)
        return None if row is None else tuple(row)

    async def put(self, table: Table, rows: Sequence[Row]) -> None:
        columns = table.columns
        if table.name == "store":
            columns, rows = ("one", *columns), [(True, *row) for row in rows]
        with refusing(self._url):
            await self._connection.copy_records_to_table(
                table.name, schema_name="hubbub", columns=columns, records=rows
            )


def _quoted(names: Sequence[str]) -> list[str]:
    return [f'"{name}"' for name in names]


# -- what a backup is made of --------------------------------------------------


class Snapshot(Tables):
    """A Source: a store as it is at one moment, while its nodes go on."""

    @classmethod
    async def take(cls, url: str) -> Self:
        """Raises StoreUnusable. Close it in the end."""
        connection = await visit(url, _BACKUP)
        try:
            with refusing(url):
                await connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
                await form_read(connection)
        except BaseException:
            await leave(connection)
            raise
        return cls(url, connection)

    async def close(self) -> None:
        await leave(self._connection)


# -- what is made of a backup --------------------------------------------------


class Restored(Tables):
    """A Target: an empty database that becomes a store in one transaction, whole or not at all."""

    @classmethod
    @asynccontextmanager
    async def making(cls, url: str) -> AsyncIterator[Self]:
        """The store is there once the block has ended well. Raises StoreUnusable."""

        async def begun(connection: Connection) -> None:
            """Its row comes with the others."""

        connection = await visit(url, _RESTORE)
        try:
            with refusing(url):
                if (await form_of(connection)).form > 0:
                    raise StoreUnusable("There is a store in the database already; nothing was written.")
                await connection.execute("SET synchronous_commit = on")
                transaction = connection.transaction()
                await transaction.start()
                await migrate(connection, steps(), {}, begun)
            yield cls(url, connection)
            with refusing(url):
                await connection.execute(_NUMBER_ON)
                await connection.execute("ANALYZE")
                await transaction.commit()
        finally:
            await leave(connection)

    async def renew(self, epoch: str, ticket_secret: bytes) -> None:
        """Be another history than the one the backup was taken of."""
        with refusing(self._url):
            await self._connection.execute(
                "UPDATE store SET epoch = $1, ticket_secret = $2", epoch, ticket_secret
            )

    async def end_sessions(self) -> int:
        """How many there were."""
        with refusing(self._url):
            return len(await self._connection.fetch("DELETE FROM sessions RETURNING 1"))


# -- the ends of a move -------------------------------------------------------


class _End(Tables):
    """A database that no other move is an end of."""

    def __init__(self, url: str, connection: Connection) -> None:
        super().__init__(url, connection)
        self._marking = connection

    @classmethod
    async def reach(cls, url: str) -> Self:
        """Raises StoreInUse, StoreUnusable. Close it in the end."""
        connection = await visit(url, _MOVE)
        try:
            with refusing(url):
                if not await connection.fetchval("SELECT pg_try_advisory_lock($1)", _ONE_MOVE):
                    raise StoreInUse(f"Another move from or to {shown(url)} is going on.")
        except BaseException:
            await leave(connection)
            raise
        return cls(url, connection)

    @property
    def unmark(self) -> str:
        return UNMARK

    async def close(self) -> None:
        await leave(self._marking)
        await leave(self._connection)

    async def mark(self) -> Mark | None:
        with refusing(self._url):
            return await read_mark(self._marking)

    async def set_mark(self, mark: Mark) -> None:
        with refusing(self._url):
            await write_mark(self._marking, mark)


class FromPostgres(_End):
    """A From. All of it is read as it is at one moment."""

    async def open(self) -> None:
        await self._check_alone()
        self._connection = await visit(self._url, _MOVE)
        with refusing(self._url):
            await self._connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            await form_read(self._connection)

    async def set_mark(self, mark: Mark) -> None:
        """Whoever connects from now on sees it; those who came before are looked for again."""
        await super().set_mark(mark)
        try:
            await self._check_alone()
        except StoreInUse:
            with refusing(self._url):
                await remove_mark(self._marking)
            raise

    async def _check_alone(self) -> None:
        own = [connection.get_server_pid() for connection in (self._marking, self._connection)]
        with refusing(self._url):
            others = await self._marking.fetchval(_OTHERS, own, _READERS)
        if others:
            raise StoreInUse(
                f"{others} of hubbub's connections to {self.where} are open: stop every node first."
            )


class ToPostgres(_End):
    """A To."""

    async def holds(self) -> bool:
        with refusing(self._url):
            return (await form_of(self._connection)).form > 0

    async def set_mark(self, mark: Mark) -> None:
        """With the tables: neither is ever there without the other."""

        async def begin(connection: Connection) -> None:
            await write_mark(connection, mark)

        with refusing(self._url):
            await migrate(self._connection, steps()[:1], {}, begin)

    async def open(self) -> None:
        async def begun(connection: Connection) -> None:
            raise AssertionError("the first step was taken with the mark")

        with refusing(self._url):
            await migrate(self._connection, steps(), {}, begun)
            # What a crash takes of the rows is brought again, and the mark goes only when all are on disk.
            await self._connection.execute("SET synchronous_commit = off")

    async def finish(self) -> None:
        with refusing(self._url):
            await self._connection.execute("SET synchronous_commit = on")
            await self._connection.execute(_NUMBER_ON)
            await self._connection.execute("ANALYZE")
            await remove_mark(self._connection)
