"""A connection to a PostgreSQL store for a command: to look through it, to copy it, or to move it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType

import asyncpg

from hubbub.storage.errors import StoreUnusable
from hubbub.storage.moving import why_not
from hubbub.storage.postgres.database import CONNECT_SECONDS, Connection, leave
from hubbub.storage.postgres.failures import DRIVER
from hubbub.storage.postgres.marking import UNMARK, read_mark
from hubbub.storage.postgres.opening import shown
from hubbub.storage.postgres.schema import check, form_of, steps

_SETTINGS = {
    "search_path": "hubbub",
    "jit": "off",  # it would compile for longer than these statements run
    "statement_timeout": "0",  # whoever looks at all of a table waits for it
    "idle_in_transaction_session_timeout": "0",
}
_NONE: Mapping[str, str] = MappingProxyType({})


async def visit(url: str, name: str, more: Mapping[str, str] = _NONE) -> Connection:
    """With `more` settings; `name` is what the database shows of who is connected. Raises StoreUnusable."""
    settings = {**_SETTINGS, **more, "application_name": name}
    with refusing(url):
        return await asyncpg.connect(url, timeout=CONNECT_SECONDS, server_settings=settings)


async def holds_store(url: str) -> bool:
    """Whether there is one. Raises StoreUnusable."""
    connection = await visit(url, "hubbub verify")
    try:
        with refusing(url):
            return (await form_of(connection)).form > 0
    finally:
        await leave(connection)


async def form_read(connection: Connection) -> int:
    """The form of a database that is to be read as it is.

    Raises StoreUnusable for one that cannot be, or to which a move was not finished.
    """
    known = len(steps())
    form = await form_of(connection)
    check(form, known)
    if form.form == 0:
        raise StoreUnusable("There is no store in the database.")
    if form.form < known:
        raise StoreUnusable(
            f"The database has form {form.form}, and this hubbub reads form {known}: a server brings it up"
            " when it starts."
        )
    mark = await read_mark(connection)
    if mark is not None and mark.end == "target":
        raise StoreUnusable(why_not(mark, "this database", UNMARK))
    return form.form


@contextmanager
def refusing(url: str) -> Iterator[None]:
    """What goes wrong with a database, said with its place and without its password."""
    try:
        yield
    except StoreUnusable as refusal:
        raise StoreUnusable(f"{shown(url)}: {refusal}") from refusal
    except (asyncpg.ClientConfigurationError, ValueError):
        # What stands in an address that cannot be read may be the password.
        raise StoreUnusable(f"{shown(url)}: this is no address that can be read.") from None
    except DRIVER as error:
        why = str(error) or type(error).__name__
        raise StoreUnusable(f"{shown(url)}: the database cannot be read or written ({why}).") from error
