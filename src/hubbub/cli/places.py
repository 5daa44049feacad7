"""What the commands open, in a directory or in a PostgreSQL database.

What needs PostgreSQL's driver is imported when a database is asked for: it may not be installed.
"""

import os
import time
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from hubbub.cli.asked import Place, now_ms
from hubbub.cli.errors import Failed, Misused
from hubbub.domain.errors import StorageFailed
from hubbub.knobs import ServerUrl, database_url, directory
from hubbub.storage.auditing import Auditing
from hubbub.storage.base import Seed, Store
from hubbub.storage.moving import From, To
from hubbub.storage.sqlite import SqliteStore
from hubbub.storage.sqlite.auditing import SqliteAudit
from hubbub.storage.sqlite.copying import FromDirectory, ToDirectory, write
from hubbub.storage.sqlite.directory import DATABASE, check_arrived

if TYPE_CHECKING:
    from hubbub.storage.postgres.copying import Restored
    from hubbub.storage.postgres.store import PostgresStore

_SCHEMES = ("postgresql://", "postgres://")


def place(text: str) -> Place:
    """What somebody wrote for either. Raises Misused."""
    is_database = text.startswith(_SCHEMES)
    try:
        return database_url(text) if is_database else directory(text)
    except ValueError as error:
        raise Misused(str(error) if is_database else f"{text!r}: {error}") from None


async def has_store(where: Place) -> bool:
    """Raises StoreUnusable for a database that cannot be reached."""
    if isinstance(where, ServerUrl):
        with _needing_the_driver():
            from hubbub.storage.postgres.visiting import holds_store
        return await holds_store(where.secret)
    return (where / DATABASE).exists()


async def check_store(where: Place) -> None:
    """Raises Failed where there is none; StoreUnusable where a move to it was not finished, or for a database
    that cannot be reached."""
    if not await has_store(where):
        raise Failed(f"there is no hubbub store in {where}")
    if isinstance(where, Path):
        check_arrived(where)


async def beside_servers(where: Place, *, create: bool = False) -> Store:
    """The store, whether or not servers have it open. Raises StoreUnusable."""
    if isinstance(where, ServerUrl):
        return await _postgres(where, "hubbub user", create=create)
    return SqliteStore.open_shared(where, now_ms=now_ms, randomness=os.urandom, create=create)


async def sow(where: Place, seed: Seed) -> None:
    """Put people and rooms into a store, which is made if need be.

    Raises NameTaken, StoreUnusable; StoreInUse for a directory that a server has.
    """
    store: SqliteStore | PostgresStore
    if isinstance(where, ServerUrl):
        store = await _postgres(where, "hubbub seed", create=True)
    else:
        store = SqliteStore.open(where, now_ms=now_ms, randomness=os.urandom, on_broken=_is_told)
    try:
        await store.seed(seed)
    finally:
        await store.close()


async def audit_of(where: Place) -> Auditing:
    """The store in a directory or a database, or of a backup's file, to be looked through, also while servers
    have it.

    Raises StoreUnusable.
    """
    if isinstance(where, ServerUrl):
        with _needing_the_driver():
            from hubbub.storage.postgres.auditing import PostgresAudit
        return await PostgresAudit.open(where.secret)
    return SqliteAudit(where / DATABASE if where.is_dir() else where)


async def moved_from(where: Place) -> From:
    """Raises StoreInUse, StoreUnusable."""
    if isinstance(where, ServerUrl):
        with _needing_the_driver():
            from hubbub.storage.postgres.copying import FromPostgres
        return await FromPostgres.reach(where.secret)
    await check_store(where)
    return FromDirectory(where, os.urandom)


async def moved_to(where: Place) -> To:
    """Raises StoreInUse, StoreUnusable."""
    if isinstance(where, ServerUrl):
        with _needing_the_driver():
            from hubbub.storage.postgres.copying import ToPostgres
        return await ToPostgres.reach(where.secret)
    return ToDirectory(where, os.urandom)


async def copied(where: ServerUrl, file: Path) -> None:
    """Write all that a database holds at this moment into a new file, as a SQLite database.

    Raises StoreUnusable, OSError.
    """
    with _needing_the_driver():
        from hubbub.storage.postgres.copying import Snapshot
    snapshot = await Snapshot.take(where.secret)
    try:
        await write(snapshot, file)
    finally:
        await snapshot.close()


def restoring(where: ServerUrl) -> "AbstractAsyncContextManager[Restored]":
    """A store that a database gets when the block has ended well. Raises StoreUnusable."""
    with _needing_the_driver():
        from hubbub.storage.postgres.copying import Restored
    return Restored.making(where.secret)


async def _postgres(where: ServerUrl, name: str, *, create: bool) -> "PostgresStore":
    with _needing_the_driver():
        from hubbub.storage.postgres.store import PostgresStore
    return await PostgresStore.open(
        where.secret,
        now_ms=now_ms,
        randomness=os.urandom,
        monotonic=time.monotonic,
        on_broken=_is_told,
        create=create,
        connections=2,
        application=name,
    )


def _is_told(error: StorageFailed) -> None:
    """By the call that failed."""


@contextmanager
def _needing_the_driver() -> Iterator[None]:
    """Around an import. Raises Failed where the driver is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name != "asyncpg":
            raise
        raise Failed(
            "PostgreSQL needs asyncpg: install hubbub[postgres], or make setup in a checkout"
        ) from None
