"""All that a store holds, as rows that go from one database into another, whichever they are.

Each table is read in the order of its key and written in that order, a batch in a transaction of its own. So
what lies in the other already says how far it is, and nobody has to write that down.

What a row means is not known here, and neither is SQL.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import msgspec

from hubbub.storage.errors import StoreUnusable

BATCH = 2_000
"""Rows that are read, and written, at once: of events 32 MB at most, and half a megabyte as people write."""

Row = tuple[Any, ...]
Key = tuple[Any, ...]


class Table(msgspec.Struct, frozen=True):
    name: str
    key: tuple[str, ...]
    """The columns by which its rows are told apart, and in whose order they are read."""
    rest: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The key's first."""
        return self.key + self.rest

    def key_of(self, row: Row) -> Key:
        return row[: len(self.key)]


TABLES = (
    Table("users", ("name",), ("password_hash", "created_at_ms", "disabled_at_ms")),
    Table("logs", ("number",), ("name", "head", "link", "floor", "floor_link", "oldest_ms")),
    Table("rooms", ("id",), ("log", "name", "folded", "created_at_ms", "created_by")),
    Table("sessions", ("id",), ("token_hash", "user", "created_at_ms", "expires_at_ms", "agent")),
    Table(
        "events",
        ("log", "seq"),
        ("id", "sent", "sender", "recipient", "text", "key", "sent_at_ms", "salt", "digest", "link"),
    ),
    Table("keys", ("log", "sender", "key"), ("seq", "receipt", "id", "sent_at_ms", "digest")),
    Table("marks", ("log", "place"), ("seq",)),
    Table("store", ("epoch",), ("ticket_secret", "created_at_ms")),
)
"""In the order in which they are written: nothing hangs on what is not there yet, and the epoch comes last.

Whole numbers are `int`, `sent` is a `bool`, and names are in the order of their UTF-8. `head` and `link` of a
log are those of its last event, or where retention stopped when it has none; a link is None before the first.
"""


class Source(Protocol):
    """What is read from. Raises StoreUnusable where the database cannot go on."""

    async def count(self, table: Table) -> int: ...

    async def rows(self, table: Table, after: Key | None) -> Sequence[Row]:
        """Those that follow on a key, or the first: BATCH of them, or fewer at the end."""
        ...


class Target(Source, Protocol):
    """What is written to."""

    async def last(self, table: Table) -> Key | None:
        """The greatest key there is."""
        ...

    async def put(self, table: Table, rows: Sequence[Row]) -> None:
        """Add rows: all of them, or none."""
        ...


Told = Callable[[Table, int], None]
"""Is told how many more rows of a table were dealt with."""


async def copy(source: Source, target: Target, told: Told = lambda table, count: None) -> None:
    """Write what is missing in `target`, which has nothing that `source` has not."""
    for table in TABLES:
        after = await target.last(table)
        while rows := await source.rows(table, after):
            await target.put(table, rows)
            after = table.key_of(rows[-1])
            told(table, len(rows))


async def compare(one: Source, other: Source, told: Told = lambda table, count: None) -> None:
    """Read all of both. Raises StoreUnusable where they are not the same."""
    for table in TABLES:
        after: Key | None = None
        while True:
            rows, theirs = await one.rows(table, after), await other.rows(table, after)
            for row in _differing(rows, theirs):
                where = " ".join(str(part) for part in table.key_of(row))
                raise StoreUnusable(f"What arrived is not what was sent: {table.name} {where}.")
            if not rows:
                break
            after = table.key_of(rows[-1])
            told(table, len(rows))


def _differing(rows: Sequence[Row], theirs: Sequence[Row]) -> Iterator[Row]:
    if rows == theirs:
        return
    for row, its in zip(rows, theirs, strict=False):
        if row != its:
            yield row
    yield from (*rows[len(theirs) :], *theirs[len(rows) :])
