"""One connection to a SQLite database: its settings, its transactions, and what its errors mean.

SQL runs in the event loop's thread: a thread beside a busy loop waits for the interpreter's lock longer than
the disk takes for a sync. Where the disk is slow, its syncs and checkpoints are made in a thread (see
`syncing`), which takes no lock while it waits for the disk. Nothing here knows what is stored.
"""

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import apsw
import structlog

from hubbub.domain.errors import Damaged, HubbubError, Overloaded, StorageFailed, StorageFull
from hubbub.storage.errors import StoreUnusable
from hubbub.storage.sqlite import wal
from hubbub.storage.sqlite.moving import Mover, move, write_anew
from hubbub.storage.sqlite.syncing import Apart, Pace, Syncs, Told, until_failure

Row = tuple[Any, ...]

_log = structlog.get_logger("hubbub.storage")

BUSY_SECONDS = 2.0
"""How long a write waits for another process (a `hubbub user` command) to finish its own."""

CACHE_KIB = 64 * 1024
"""SQLite's page cache, at most: the last page of each of some 10,000 busy logs, and what leads to them."""

CHECKPOINT_PAGES = 4000
"""How far the write-ahead log grows (16 MB) before it is moved into the database, in the loop, after an
acknowledgement and never before one.

Measured over 200,000 posts of 80 bytes in batches of 100, to 100 rooms, each with a key; the commit itself
took 2 ms at p50 and 3 ms at worst:

    pages     worst stall   cost of a post
     1,000        9 ms          30 µs
     4,000       15 ms          25 µs
    16,000       20 ms          21 µs

Pages that many posts change are moved once, so a longer log costs less in all and more at once. 4,000 keeps
the stall below the 20 ms that a post may take at p99, and what has to be read after a crash to 16 MB.
"""


class Database:
    """A connection that writes and reads.

    Always true:
      * between calls no transaction is open, and no statement holds one open;
      * when a commit or a sync has failed, for any reason but a full disk, `broken` says so and nothing is
        read, written or tried again: what the disk holds is for the next process to find out;
      * a commit is on disk when `writing` has ended, or else when who asked by `after_sync` is told.
    """

    def __init__(
        self,
        file: Path,
        *,
        on_broken: Callable[[StorageFailed], None],
        on_damaged: Callable[[Damaged], None] = lambda damage: None,
        shared: bool = False,
        vfs: str | None = None,
        apart: Apart | None = None,
        pace: Pace | None = None,
        sync: Callable[[], None] | None = None,
        monotonic: Callable[[], float] = lambda: 0.0,
    ) -> None:
        """Raises apsw.Error, StoreUnusable. A `shared` one, beside a server's own, never checkpoints.

        Without `apart` every commit is synced in the loop, however slow the disk is by `monotonic`. `sync`
        syncs the write-ahead log, where that is not done through the system.
        """
        self.broken: StorageFailed | None = None
        self._on_broken = on_broken
        self._on_damaged = on_damaged
        self._wal_pages = 0
        self._shared = shared
        self._file = file
        self._vfs = vfs
        self._monotonic = monotonic
        self._apart = None if apart is None else until_failure(apart, lambda: self.broken)
        self.pace = pace or Pace()
        self._sync = sync
        self._relaxed = False  # whether commits leave the sync to `_syncs`
        self._log_handle: int | None = None
        self._syncs = Syncs(
            sync=sync or self._sync_log,
            apart=self._apart or _nowhere,
            failed=self.give_up,
            monotonic=monotonic,
            took=self.pace.synced,
        )
        self.mover = Mover(self._connect_beside, self._apart or _nowhere, self.give_up)
        self.connection = apsw.Connection(str(file), flags=apsw.SQLITE_OPEN_READWRITE, vfs=vfs)
        try:
            self.durability = self._set_up()
        except BaseException:
            self.connection.close()
            raise
        self._cursor = self.connection.cursor()

    def _set_up(self) -> str:
        connection = self.connection
        connection.set_busy_timeout(int(BUSY_SECONDS * 1000))
        settings = {
            "journal_mode": "wal",
            "synchronous": 2,  # FULL: a commit returns when the log is synced
            "fullfsync": 1,  # macOS, where a plain fsync stops at the drive's cache
            "foreign_keys": 1,
        }
        for name, wanted in settings.items():
            connection.pragma(name, wanted)
            found = connection.pragma(name)
            if found != wanted:
                raise StoreUnusable(
                    f"SQLite answers {name}={found} where {wanted} is needed to lose nothing."
                )
        connection.pragma("cache_size", -CACHE_KIB)
        connection.pragma("temp_store", 2)  # in memory: nothing of ours lies in /tmp
        connection.pragma("trusted_schema", 0)
        connection.pragma("cell_size_check", 1)  # look harder at pages that come from the disk
        connection.wal_autocheckpoint(0)
        if self._shared:
            connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        else:
            connection.set_wal_hook(self._committed)
        return "WAL, synchronous=FULL"

    def settle(self) -> None:
        """Write what a crash left in the write-ahead log to the database, anew, and sync it.

        After a failed sync the system may hold pages to be clean which never reached the disk: read back
        from its cache they look stored, and only writing them again makes it so. That goes for the log
        first: with a hole in it, and only there, a power cut amid the rest would leave the database torn.
        """
        self.connection.execute("BEGIN IMMEDIATE")  # nobody else writes to it meanwhile
        try:
            write_anew(Path(f"{self._file}-wal"), self._vfs)
        finally:
            self.connection.execute("ROLLBACK")
        if self._apart is not None and self._sync is None:
            self._log_handle = os.open(f"{self._file}-wal", os.O_RDWR)
        self._wal_pages = CHECKPOINT_PAGES
        self.tidy()

    def close(self) -> None:
        """To be called when nothing is under way any more: see `quiet`."""
        self.mover.close()
        self.connection.close()
        if self._log_handle is not None:
            os.close(self._log_handle)
            self._log_handle = None

    # -- reading ------------------------------------------------------------

    def row(self, sql: str, bindings: Row = ()) -> Row | None:
        """The first row, of statements that have one at most."""
        rows = self.rows(sql, bindings)
        return rows[0] if rows else None

    def rows(self, sql: str, bindings: Row = ()) -> list[Row]:
        self.check()
        try:
            return self._cursor.execute(sql, bindings).fetchall()
        except apsw.ConstraintError:
            raise  # a bug of the caller's: see `writing`
        except apsw.Error as error:
            raise self.failed(error) from error
        except UnicodeDecodeError as error:
            raise self.damaged(Damaged()) from error

    @contextmanager
    def reading(self, sql: str, bindings: Row) -> Iterator[Iterator[Row]]:
        """The rows one by one, for who may not want all of them; UnicodeDecodeError for one whose text is
        none any more."""
        self.check()
        cursor = self.connection.cursor()
        try:
            yield cursor.execute(sql, bindings)
        except apsw.Error as error:
            raise self.failed(error) from error
        finally:
            cursor.close()

    def changes(self) -> int:
        """Differs from the last answer when another connection has written since."""
        row = self.row("PRAGMA data_version")
        assert row is not None
        return int(row[0])

    # -- writing ------------------------------------------------------------

    @contextmanager
    def writing(self) -> Iterator[apsw.Cursor]:
        """A transaction: all of it is on disk when the block has ended, or nothing and an error.

        Where `syncs_apart` it is on disk only after the next sync.

        Raises StorageFull, Overloaded, StorageFailed; passes on what the block raises.
        """
        self.check()
        cursor = self._cursor
        try:
            if self._relaxed and not self.pace.apart and not self._syncs:
                self._relax(False)
            cursor.execute("BEGIN IMMEDIATE")
            yield cursor
            began = self._monotonic()
            cursor.execute("COMMIT")
            if not self._relaxed:
                self.pace.committed(self._monotonic() - began)
                if self.pace.apart and self._apart is not None:
                    self._relax(True)
        except apsw.ConstraintError:
            self._roll_back()  # a bug of the caller's; the data is as it was
            raise
        except apsw.Error as error:
            raise self.failed(error) from error
        except BaseException:
            self._roll_back()
            raise

    def _roll_back(self) -> None:
        # SQLite has already done so after some errors; where it cannot, the connection is of no more use.
        if self.connection.in_transaction:
            try:
                self._cursor.execute("ROLLBACK")
            except apsw.Error as error:
                self.give_up(error)

    @asynccontextmanager
    async def saving(self) -> AsyncIterator[apsw.Cursor]:
        """`writing`, and then the wait until it is on disk."""
        with self.writing() as cursor:
            yield cursor
        await self.synced()

    # -- syncs --------------------------------------------------------------

    @property
    def syncs_apart(self) -> bool:
        """Whether a commit may not be on disk yet. Always true: nobody waits for a sync when it is false."""
        return self._relaxed

    def after_sync(self, told: Told) -> None:
        """Call `told` when all that is committed now is on disk, or with why it is not known to be. Those who
        ask are told in the order in which they asked."""
        if self.broken or not self._relaxed:
            told(self.broken)
        else:
            self._syncs.after(told)

    async def synced(self) -> None:
        """Wait for that. Raises StorageFailed."""
        if not self._relaxed:
            return
        waiting: asyncio.Future[StorageFailed | None] = asyncio.get_running_loop().create_future()
        self.after_sync(lambda failure: None if waiting.done() else waiting.set_result(failure))
        if await waiting is not None:
            self.check()

    async def quiet(self) -> None:
        """Wait until nothing is under way: for who is about to close it and starts nothing new."""
        while not self.broken and (self.mover.is_moving or self._syncs):
            if self.mover.is_moving:
                moved: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                self.mover.after(partial(moved.set_result, None))
                await moved
            else:
                with suppress(StorageFailed):
                    await self.synced()

    def _relax(self, relaxed: bool) -> None:
        """Have commits wait for their sync, or not. Between transactions only."""
        if relaxed:
            wal.expect_holes(self._file)
        wanted = 1 if relaxed else 2  # NORMAL, FULL
        self.connection.pragma("synchronous", wanted)
        assert self.connection.pragma("synchronous") == wanted
        self._relaxed = relaxed
        if relaxed:
            _log.warning("the disk is slow to sync: syncs are made in a thread, and posts wait for them")
        else:
            _log.info("the disk syncs swiftly again: syncs are made in the loop")

    def _sync_log(self) -> None:
        """In the thread. The handle is open since the start: later, it might miss an error of before."""
        assert self._log_handle is not None
        if hasattr(fcntl, "F_FULLFSYNC"):  # macOS, as above
            fcntl.fcntl(self._log_handle, fcntl.F_FULLFSYNC)
        else:
            os.fdatasync(self._log_handle)

    # -- the write-ahead log ------------------------------------------------

    def _connect_beside(self) -> apsw.Connection:
        """One that moves the log, and does nothing else."""
        connection = apsw.Connection(str(self._file), flags=apsw.SQLITE_OPEN_READWRITE, vfs=self._vfs)
        connection.pragma("fullfsync", 1)
        connection.wal_autocheckpoint(0)
        connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        # It knows of the log only once it has read, and moves nothing before.
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchall()
        return connection

    def _committed(self, connection: apsw.Connection, database: str, pages: int) -> int:
        self._wal_pages = pages
        return apsw.SQLITE_OK

    def tidy(self) -> None:
        """Move the write-ahead log into the database when it has grown enough. After a commit was told."""
        if self._wal_pages < CHECKPOINT_PAGES or self.broken:
            return
        self._wal_pages = 0
        if self._relaxed:
            self.mover.start()
            return
        try:
            move(self.connection)
        except apsw.Error as error:
            self.give_up(error)

    # -- errors -------------------------------------------------------------

    def check(self) -> None:
        """Raises StorageFailed once the store is broken."""
        if self.broken is not None:
            raise StorageFailed(self.broken.detail)

    def failed(self, error: apsw.Error) -> HubbubError:
        """What `error` means to the caller; the transaction is undone, if there is one."""
        match error:
            case apsw.BusyError() | apsw.LockedError():
                meaning: HubbubError = Overloaded("The database is held by another process.")
            case apsw.FullError():
                meaning = StorageFull()
            case apsw.IOError() if getattr(error, "extendedresult", 0) == apsw.SQLITE_IOERR_SHMSIZE:
                meaning = StorageFull()  # the index of the write-ahead log could not grow
            case _:
                meaning = self.give_up(error)
        self._roll_back()
        return self.broken or meaning

    def damaged(self, damage: Damaged) -> Damaged:
        """Something that was read is not what was written. To be raised, and other reads go on."""
        self._on_damaged(damage)
        return damage

    def give_up(self, error: BaseException) -> StorageFailed:
        """Break, for good."""
        if self.broken is None:
            # The last to close a database would write to it once more.
            self.connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
            self.broken = StorageFailed()  # clients are told no more: the cause is for the log
            self.broken.__cause__ = error
            self._on_broken(self.broken)
        return self.broken


def _nowhere(work: Callable[[], None], done: Callable[[BaseException | None], None]) -> None:
    raise AssertionError("a database that was given no thread makes every sync in the loop")
