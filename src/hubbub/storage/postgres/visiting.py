"""A connection to a PostgreSQL store for a command: to look through it, copy it, or move it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType

import asyncpg

from hubbub.storage.errors import StoreUnusable
from hubbub.storage.postgres.address import shown

CONNECT_SECONDS = 10.0

_SETTINGS = {
    "search_path": "hubbub",
    "jit": "off",  # it would compile for longer than these statements run
    "statement_timeout": "0",  # a look at a whole table takes as long as it takes
    "idle_in_transaction_session_timeout": "0",
}


async def visit(url: str, name: str, more: Mapping[str, str] = MappingProxyType({})) -> asyncpg.Connection:
    """With `more` settings; `name` is what the database shows of who is connected. Raises StoreUnusable."""
    with refusing(url):
        return await asyncpg.connect(
            url, timeout=CONNECT_SECONDS, server_settings={**_SETTINGS, **more, "application_name": name}
        )


@contextmanager
def refusing(url: str) -> Iterator[None]:
    """What goes wrong with a database, said with its place and without its password."""
    try:
        yield
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, ValueError, TypeError) as error:
        # An address that cannot be read is told with what stands in it.
        why = (
            ""
            if isinstance(error, asyncpg.ClientConfigurationError)
            else f" ({error or type(error).__name__})"
        )
        raise StoreUnusable(f"{shown(url)}: the database cannot be read or written{why}.") from error
