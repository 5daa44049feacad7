"""Reaching PostgreSQL: a bounded number of connections, and finding it again after it was away.

Knows nothing of what is stored.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import asyncpg
import structlog

from hubbub.domain.errors import Damaged, HubbubError, Overloaded, StorageAway, StorageFailed
from hubbub.storage.postgres.failures import DRIVER, is_loss, meaning
from hubbub.storage.postgres.texts import is_storable

if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]
else:
    Connection = asyncpg.Connection
Row = asyncpg.Record
Connect = Callable[[], Awaitable[Connection]]

_log = structlog.get_logger("hubbub.storage")

CONNECT_SECONDS = 5.0
"""How long a connection may take to be made."""

ANSWER_SECONDS = 10.0
"""How long an answer may take; the server itself gives up a little earlier (`SETTINGS`), unless it hangs."""

PATIENCE_SECONDS = 5.0
"""How long a call waits for a connection that is free, and for a database that went away a moment ago: long
enough for a restart or a failover to pass unseen. When it has been away for longer, calls are refused."""

MAX_WAITING = 5_000
"""Calls that wait for a connection; further ones are refused as Overloaded."""

_FIRST_PAUSE_SECONDS = 0.05
_LONGEST_PAUSE_SECONDS = 2.0

SETTINGS = {
    "search_path": "hubbub",
    "default_transaction_isolation": "read committed",
    # Who hangs, or is cut off, amid a transaction holds what others need: the server ends it for them.
    "idle_in_transaction_session_timeout": "5s",
    "lock_timeout": "4s",
    "statement_timeout": "9s",
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
    # Every statement is a few look-ups: compiling it, or sharing it out among processes, takes longer.
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
    # A plan that is made while a table is small is kept while it grows, and reading all of a small table is
    # cheap: every statement is to look up in an index from the first day.
    "enable_seqscan": "off",
}


class AnotherStore(Exception):
    """Under the same address lies another store now: restored from a backup, or moved there."""


class Database:
    """Connections to one database, all of one store.

    Always true:
      * at most `connections` are in anybody's hands, and no more than MAX_WAITING calls wait for one;
      * one that nobody has is in no transaction;
      * while `up` is false exactly one task tries to reach the database; once it does, `up` is true;
      * once `broken` says so, nothing is read or written any more.
    """

    def __init__(
        self,
        connect: Connect,
        *,
        connections: int,
        monotonic: Callable[[], float],
        on_broken: Callable[[StorageFailed], None],
        on_damaged: Callable[[Damaged], None],
    ) -> None:
        """`connect` makes a connection that may be used, or raises; what it makes of another store it gives
        to `give_up`."""
        self.broken: StorageFailed | None = None
        self._connect = connect
        self._monotonic = monotonic
        self._on_broken = on_broken
        self._on_damaged = on_damaged
        self._free = asyncio.Semaphore(connections)
        self._waiting = 0
        self._idle: list[Connection] = []
        self._reachable = asyncio.Event()
        self._reachable.set()
        self._lost_at = 0.0
        self._finding: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def up(self) -> bool:
        """Whether the database can be reached, as far as is known."""
        return self._reachable.is_set()

    async def close(self) -> None:
        """What is under way goes on to its end."""
        self._closed = True
        if self._finding is not None:
            self._finding.cancel()
            with suppress(asyncio.CancelledError):
                await self._finding
        idle, self._idle = self._idle, []
        await asyncio.gather(*map(leave, idle))

    # -- connections --------------------------------------------------------

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """One for a moment. Raises StorageAway, Overloaded, StorageFailed, what the block's errors mean."""
        await self._take_turn()
        try:
            connection = self._pop() or await self.connect()
            try:
                yield connection
            except DRIVER as error:
                raise self._meaning(error, connection) from error
            except (HubbubError, UnicodeDecodeError):
                raise
            except BaseException:
                connection.terminate()  # cancelled amid a statement, or a bug
                raise
            finally:
                if not connection.is_closed():
                    self._put_back(connection)
        finally:
            self._free.release()

    def _meaning(self, error: BaseException, connection: Connection) -> BaseException:
        if is_loss(error) or connection.is_closed():
            connection.terminate()
            self.lost(error)
        self.check()
        meant = StorageAway() if connection.is_closed() else meaning(error)
        return self.damaged(meant) if isinstance(meant, Damaged) else meant

    async def _take_turn(self) -> None:
        self.check()
        if not self.up:
            await self.reachable()
        if not self._free.locked():
            await self._free.acquire()
            return
        if self._waiting >= MAX_WAITING:
            raise Overloaded("Too much is asked of the database.")
        self._waiting += 1
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._free.acquire()
        except TimeoutError:
            raise StorageAway("The database takes too long to answer.") from None
        finally:
            self._waiting -= 1

    def _pop(self) -> Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
        return None

    def _put_back(self, connection: Connection) -> None:
        if self.broken or self._closed or not self.up or connection.is_in_transaction():
            connection.terminate()
        else:
            self._idle.append(connection)

    async def connect(self) -> Connection:
        """A connection of the caller's own. Raises StorageAway, StorageFailed."""
        give_up_at = self._monotonic() + PATIENCE_SECONDS
        while True:
            self.check()
            if not self.up:
                await self.reachable()
            try:
                return await self._connect()
            except DRIVER as error:
                self.lost(error)
                if self._monotonic() >= give_up_at:
                    raise StorageAway() from error

    # -- away ---------------------------------------------------------------

    async def reachable(self) -> None:
        """Wait until the database can be reached, if it went away only now. Raises StorageAway,
        StorageFailed."""
        left = self._lost_at + PATIENCE_SECONDS - self._monotonic()
        if not self.up and left > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._reachable.wait()
        self.check()
        if not self.up:
            raise StorageAway()

    def lost(self, error: BaseException) -> None:
        """A connection was lost: what else is open may be dead too, and the database is to be found again."""
        for connection in self._idle:
            connection.terminate()
        self._idle.clear()
        if self.up and not self.broken:
            _log.warning("the database is away", error=f"{type(error).__name__}: {error}")
            self._reachable.clear()
            self._lost_at = self._monotonic()
            self._finding = asyncio.get_running_loop().create_task(self._find())

    async def _find(self) -> None:
        pause_seconds = _FIRST_PAUSE_SECONDS
        while not self.broken and not await self._found():
            await asyncio.sleep(pause_seconds)
            pause_seconds = min(2 * pause_seconds, _LONGEST_PAUSE_SECONDS)
        self._reachable.set()

    async def _found(self) -> bool:
        try:
            connection = await self._connect()
        except Exception as error:  # whatever it is, it is not found yet
            _log.debug("the database is still away", error=f"{type(error).__name__}: {error}")
            return False
        self._idle.append(connection)
        _log.info("the database is back", seconds=round(self._monotonic() - self._lost_at, 2))
        return True

    # -- statements ---------------------------------------------------------

    async def row(self, sql: str, *arguments: object) -> Row | None:
        """The first row, of statements that have one at most."""
        rows = await self.rows(sql, *arguments)
        return rows[0] if rows else None

    async def rows(self, sql: str, *arguments: object) -> list[Row]:
        """Of one statement, which is a transaction of its own. Raises Damaged for a text that is none any
        more."""
        try:
            return await self.undecoded(sql, *arguments)
        except UnicodeDecodeError as error:
            raise self.damaged(Damaged()) from error

    async def undecoded(self, sql: str, *arguments: object) -> list[Row]:
        """The same, for who can do something about such a text: raises UnicodeDecodeError."""
        if any(isinstance(argument, str) and not is_storable(argument) for argument in arguments):
            return []  # no text in the database is like it, so nothing is found by it
        async with self.connection() as connection:
            return await connection.fetch(sql, *arguments)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Connection]:
        """For statements that have to see one moment."""
        async with self.connection() as connection:
            await connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield connection
            await connection.execute("COMMIT")

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Connection]:
        """A transaction: all of it is on disk when the block has ended, or nothing and an error. With
        StorageAway it may be either."""
        async with self.connection() as connection:
            await connection.execute("BEGIN")
            try:
                yield connection
            except (HubbubError, asyncpg.PostgresError):
                if not connection.is_closed():
                    await connection.execute("ROLLBACK")
                raise
            await commit(connection)

    # -- errors -------------------------------------------------------------

    def check(self) -> None:
        """Raises StorageFailed once the store is broken."""
        if self.broken is not None:
            raise StorageFailed(self.broken.detail)

    def damaged(self, damage: Damaged) -> Damaged:
        """Something that was read is not what was written. To be raised, and other reads go on."""
        self._on_damaged(damage)
        return damage

    def give_up(self, error: BaseException) -> StorageFailed:
        """Break, for good."""
        if self.broken is None:
            self.broken = StorageFailed()  # clients are told no more: the cause is for the log
            self.broken.__cause__ = error
            self._on_broken(self.broken)
        return self.broken


async def commit(connection: Connection) -> None:
    """Raises what the driver raises; what became of the transaction is then not known.

    When the answer takes too long the connection is cut, and the driver's own timeout never strikes: it would
    ask the server to cancel, and one that waits for its replica then stops waiting and says that all is well.
    """
    cutting = asyncio.get_running_loop().call_later(ANSWER_SECONDS, connection.terminate)
    try:
        await connection.execute("COMMIT", timeout=100 * ANSWER_SECONDS)
    finally:
        cutting.cancel()


async def leave(connection: Connection) -> None:
    """Close it, in good order if that is possible."""
    with suppress(*DRIVER):
        await connection.close(timeout=2)
