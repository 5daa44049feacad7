"""The store in one SQLite file, in a directory of its own: nothing to install, nothing to run beside it.

One connection, in the event loop's thread, reads and writes. An `append` is one transaction and one sync.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Self

import apsw

from hubbub.domain.errors import Damaged, StorageFailed, Unavailable
from hubbub.storage.base import Endings, Seed, StoreInfo
from hubbub.storage.errors import StoreUnusable
from hubbub.storage.sqlite import wal
from hubbub.storage.sqlite.chaining import CHAINED, fill
from hubbub.storage.sqlite.database import Database
from hubbub.storage.sqlite.directory import Lock, prepare
from hubbub.storage.sqlite.marks import Marks
from hubbub.storage.sqlite.naming import NAMED, refold
from hubbub.storage.sqlite.people import People
from hubbub.storage.sqlite.retention import Retention
from hubbub.storage.sqlite.rooms import Rooms
from hubbub.storage.sqlite.schema import migrate, pending, steps
from hubbub.storage.sqlite.sessions import Sessions
from hubbub.storage.sqlite.syncing import Apart, Pace


class SqliteStore(Retention, Marks, Rooms, People, Sessions):
    """A Store. `open` it for a server, `open_shared` for a command beside one."""

    def __init__(
        self,
        database: Database,
        lock: Lock | None,
        randomness: Callable[[int], bytes],
        on_batch: Callable[[int], None] = lambda posts: None,
    ) -> None:
        super().__init__(database, alone=lock is not None, randomness=randomness, on_batch=on_batch)
        self._lock = lock
        row = database.row("SELECT epoch, ticket_secret FROM store")
        if row is None:
            raise StoreUnusable("The database does not say whose it is.")
        epoch: str = row[0]
        self._ticket_secret: bytes = row[1]
        self._info = StoreInfo(
            backend="sqlite",
            version=apsw.sqlite_lib_version(),
            epoch=epoch,
            durability=database.durability,
        )

    @classmethod
    def open(
        cls,
        directory: Path,
        *,
        now_ms: Callable[[], int],
        randomness: Callable[[int], bytes],
        on_broken: Callable[[StorageFailed], None],
        on_damaged: Callable[[Damaged], None] = lambda damage: None,
        on_batch: Callable[[int], None] = lambda posts: None,
        create: bool = True,
        vfs: str | None = None,
        apart: Apart | None = None,
        pace: Pace | None = None,
        sync: Callable[[], None] | None = None,
        monotonic: Callable[[], float] = lambda: 0.0,
    ) -> Self:
        """The store in `directory`, for the one server that may have it. Raises StoreInUse, StoreUnusable.

        `on_batch` is told of each batch of posts how many it has. `vfs` names what SQLite reaches the disk
        through, and `sync` syncs the write-ahead log there, where that is not the system itself. `apart` is
        where syncs are made once the disk has proved slow by `monotonic` (`pace`); without it they stay in
        the loop.
        """
        file = prepare(directory, create=create)
        lock = Lock(directory)
        try:
            with _refusing(directory):
                connect = partial(
                    Database,
                    file,
                    on_broken=on_broken,
                    on_damaged=on_damaged,
                    vfs=vfs,
                    apart=apart,
                    pace=pace,
                    sync=sync,
                    monotonic=monotonic,
                )
                database = wal.opened_whole(file, connect)
                try:
                    bring_up(database, now_ms, randomness)
                    database.settle()
                    wal.expect_none(file, database.connection)
                    return cls(database, lock, randomness, on_batch)
                except BaseException:
                    database.close()
                    raise
        except BaseException:
            lock.release()
            raise

    @classmethod
    def open_shared(
        cls,
        directory: Path,
        *,
        now_ms: Callable[[], int],
        randomness: Callable[[int], bytes],
        create: bool = False,
    ) -> Self:
        """The same store for a command, also while a server has it: for everything but `append` and `trim`.

        Raises StoreUnusable; StoreInUse when the database has to be brought to a newer form first, which
        nobody does under a running server.
        """
        file = prepare(directory, create=create)
        with _refusing(directory):
            database = Database(file, on_broken=lambda failure: None, shared=True)
            try:
                wal.check_beside(file, database.connection)
                if pending(database.connection, steps()):
                    lock = Lock(directory)
                    try:
                        bring_up(database, now_ms, randomness)
                    finally:
                        lock.release()
                return cls(database, None, randomness)
            except BaseException:
                database.close()
                raise

    @property
    def info(self) -> StoreInfo:
        return self._info

    @property
    def ticket_secret(self) -> bytes:
        return self._ticket_secret

    @property
    def syncs_apart(self) -> bool:
        """Whether the disk has proved so slow that its syncs are made in a thread."""
        return self._db.syncs_apart

    async def close(self) -> None:
        """All that was posted is told first."""
        try:
            self.write_notes()
            await self._db.quiet()
            self._db.close()
        finally:
            if self._lock is not None:
                self._lock.release()

    async def endings(self, since: int | None) -> Endings:
        """See Store.endings. That somebody else wrote is all that is known."""
        now = self._db.changes()
        return Endings(now, () if now == since else None)

    async def seed(self, seed: Seed) -> None:
        """All of it in one transaction, or nothing and NameTaken."""
        async with self._db.saving():
            for user, password_hash in seed.users:
                self._add_user(user, password_hash)
            for session, token_hash in seed.sessions:
                self._add_session(session, token_hash)
            for room, folded in seed.rooms:
                self._add_room(room, folded)
        self._db.tidy()


def bring_up(database: Database, now_ms: Callable[[], int], randomness: Callable[[int], bytes]) -> None:
    """To the form this code knows; an empty database becomes a new store. Raises StoreUnusable."""
    known = steps()
    if not pending(database.connection, known):
        return

    def begin() -> None:
        database.connection.execute(
            "INSERT INTO store (one, epoch, ticket_secret, created_at_ms) VALUES (1, ?, ?, ?)",
            (randomness(8).hex(), randomness(32), now_ms()),
        )

    fills = {
        CHAINED: lambda: fill(database.connection, randomness),
        NAMED: lambda: refold(database.connection),
    }
    migrate(database.connection, known, fills, begin)


@contextmanager
def _refusing(directory: Path) -> Iterator[None]:
    """What goes wrong with a database that is being opened, said with its place."""
    try:
        yield
    except StoreUnusable as refusal:
        raise StoreUnusable(f"{directory}: {refusal}") from refusal
    except (apsw.Error, Unavailable, Damaged, UnicodeDecodeError) as error:
        raise StoreUnusable(f"{directory}: the database cannot be opened ({error}).") from error
