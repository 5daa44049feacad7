"""Where a store is, a directory or a PostgreSQL database, and what the commands open there.

What needs PostgreSQL's driver is imported when a database is asked for: it may not be installed.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from hubbub.cli.errors import Failed
from hubbub.storage.auditing import Auditing
from hubbub.storage.moving import From, To
from hubbub.storage.postgres.address import shown
from hubbub.storage.sqlite.auditing import SqliteAudit
from hubbub.storage.sqlite.copying import FromDirectory, ToDirectory
from hubbub.storage.sqlite.directory import DATABASE

SCHEMES = ("postgresql://", "postgres://")


class Url(msgspec.Struct, frozen=True):
    """Of a database. It is shown without its password."""

    url: str

    def __str__(self) -> str:
        return shown(self.url)

    __repr__ = __str__


Place = Path | Url


def place(text: str) -> Place:
    """What somebody wrote for one."""
    return Url(text) if text.startswith(SCHEMES) else Path(text).expanduser().absolute()


def has_store(directory: Path) -> bool:
    return (directory / DATABASE).exists()


async def audit_of(where: Place) -> Auditing:
    """The store in a directory, of a backup's file or in a database, to be looked through, whether or not a
    server has it.

    Raises StoreUnusable.
    """
    if isinstance(where, Url):
        with needing_the_driver():
            from hubbub.storage.postgres.auditing import PostgresAudit
        return await PostgresAudit.open(where.url)
    return SqliteAudit(where / DATABASE if where.is_dir() else where)


async def moved_from(where: Place) -> From:
    """Raises StoreInUse, StoreUnusable."""
    if isinstance(where, Url):
        with needing_the_driver():
            from hubbub.storage.postgres.copying import FromPostgres
        return await FromPostgres.reach(where.url)
    if not has_store(where):
        raise Failed(f"there is no hubbub store in {where}")
    return FromDirectory(where, os.urandom)


async def moved_to(where: Place) -> To:
    """Raises StoreInUse, StoreUnusable."""
    if isinstance(where, Url):
        with needing_the_driver():
            from hubbub.storage.postgres.copying import ToPostgres
        return await ToPostgres.reach(where.url)
    return ToDirectory(where, os.urandom)


@contextmanager
def needing_the_driver() -> Iterator[None]:
    """Around an import. Raises Failed where the driver is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name != "asyncpg":
            raise
        raise Failed(
            "PostgreSQL needs a driver that is not installed: pip install 'hubbub[postgres]'"
        ) from None
