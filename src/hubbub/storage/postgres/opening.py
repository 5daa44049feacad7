"""Whether a database can be served from, and what to do when not: for the person who starts the server."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import asyncpg

from hubbub.storage.errors import StoreUnusable
from hubbub.storage.postgres.database import Connection
from hubbub.storage.postgres.failures import DRIVER
from hubbub.storage.postgres.marking import EPOCH, check_unmarked
from hubbub.storage.postgres.naming import NAMED, refold
from hubbub.storage.postgres.schema import check, form_of, migrate, steps

OLDEST = 14
"""The oldest PostgreSQL that is tried and gets fixes."""


async def durability_of(connection: Connection, settings: dict[str, str]) -> str:
    """What the server says of it. Adds to the `settings` of later connections what it takes, and raises
    StoreUnusable where what was acknowledged would not survive a power cut."""
    version = connection.get_server_version()
    if version.major < OLDEST:
        raise StoreUnusable(f"It is PostgreSQL {version.major}, and hubbub needs {OLDEST} or newer.")
    encoding = await connection.fetchval("SHOW server_encoding")
    if encoding != "UTF8":
        raise StoreUnusable(
            f"The database's encoding is {encoding}, and hubbub needs UTF8: CREATE DATABASE … ENCODING 'UTF8'"
            " TEMPLATE template0."
        )
    if await connection.fetchval("SHOW synchronous_commit") == "off":
        await connection.execute("SET synchronous_commit = on")
        settings["synchronous_commit"] = "on"
    synchronous = await connection.fetchval("SHOW synchronous_commit")
    fsync = await connection.fetchval("SHOW fsync")
    if synchronous == "off" or fsync != "on":
        raise StoreUnusable(
            f"The server has synchronous_commit={synchronous}, fsync={fsync}: a power cut would take what was"
            " acknowledged. Set both to on."
        )
    return f"synchronous_commit={synchronous}, fsync={fsync}"


def version_of(connection: Connection) -> str:
    """Of the server, as it says it: 15.18, without what a distribution adds."""
    return str(connection.get_settings().server_version).partition(" ")[0]


async def bring_up(
    connection: Connection, now_ms: Callable[[], int], randomness: Callable[[int], bytes], *, create: bool
) -> None:
    """To the form this code knows; an empty database becomes a new store. Raises StoreUnusable."""
    await check_unmarked(connection)
    known = steps()
    form = await form_of(connection)
    check(form, len(known))
    if form.form == 0 and not create:
        raise StoreUnusable("There is no store in the database. A server makes one when it starts.")
    if form.form >= len(known):
        return

    async def begin(connection: Connection) -> None:
        await connection.execute(
            "INSERT INTO store (one, epoch, ticket_secret, created_at_ms) VALUES (true, $1, $2, $3)",
            randomness(8).hex(),
            randomness(32),
            now_ms(),
        )

    await migrate(connection, known, {NAMED: refold}, begin)


async def epoch_of(connection: Connection) -> str | None:
    """None where there is no store any more, or one that is being moved."""
    try:
        epoch: str | None = await connection.fetchval(EPOCH)
    except (asyncpg.UndefinedTableError, asyncpg.InsufficientPrivilegeError):
        return None
    return epoch


@asynccontextmanager
async def refusing(url: str) -> AsyncIterator[None]:
    """What goes wrong with a database that is being opened, said with its place and without its password."""
    place = shown(url)
    try:
        yield
    except StoreUnusable as refusal:
        raise StoreUnusable(f"{place}: {refusal}") from refusal
    except asyncpg.InsufficientPrivilegeError as error:
        raise StoreUnusable(
            f"{place}: the user may not do what hubbub has to ({error}). Let it own the database, or"
            " GRANT CREATE ON DATABASE to it."
        ) from error
    except (ValueError, *DRIVER) as error:
        reason = str(error) or type(error).__name__
        raise StoreUnusable(
            f"{place}: the database cannot be opened ({reason}). See that it runs, and that the address is"
            " right."
        ) from error


def shown(url: str) -> str:
    """The address without what is secret in it."""
    try:
        parts = urlsplit(url)
        user = f"{parts.username}@" if parts.username else ""
        return f"{parts.scheme}://{user}{parts.netloc.rpartition('@')[2]}{parts.path}"
    except ValueError:
        return "the database"
