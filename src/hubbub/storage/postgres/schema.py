"""Bringing a database to the form this code knows: numbered steps, each in a transaction of its own.

Nodes of two versions may be at one database while it is brought up. So a step first adds, and only a later
release takes away (expand, then contract); a file says at its top `-- needs: N` when code that knows no
further than form N - 1 can no longer use what the step leaves.
"""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from importlib.resources import files

import asyncpg
import msgspec

from hubbub.storage.errors import StoreUnusable
from hubbub.storage.postgres.database import Connection

Fill = Callable[[Connection], Awaitable[None]]
"""What SQL cannot do for a step, in its transaction."""

_LOCK = int.from_bytes(b"hubbub")
"""PostgreSQL's advisory lock under which steps are taken: nodes may start at once."""

_NEEDS = re.compile(r"-- needs: (\d+)\n")

# One question, for another node may make the store between two.
_THERE = """
    SELECT relname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace WHERE nspname = 'hubbub'
"""


class Step(msgspec.Struct, frozen=True):
    """Leads from the form before to the next."""

    sql: str
    needs: int
    """The lowest form that code has to know to use what this leaves; 0: as before."""


class Form(msgspec.Struct, frozen=True):
    """What a database says of itself."""

    form: int
    """How many steps were taken."""
    needs: int
    """The form that code has to know at least."""


def steps() -> Sequence[Step]:
    """What is in `migrations/`, in order. Step n, counted from 1, leads from form n - 1 to n."""
    found = sorted(
        (file.name, file.read_text("utf-8"))
        for file in (files("hubbub.storage.postgres") / "migrations").iterdir()
        if file.name.endswith(".sql")
    )
    for number, (name, _) in enumerate(found, 1):
        assert name.startswith(f"{number:04}_"), f"migration {number} is missing, or {name} is misnumbered"
    return [Step(sql, needs_of(sql)) for _, sql in found]


def needs_of(sql: str) -> int:
    stated = _NEEDS.match(sql)
    return int(stated[1]) if stated else 0


async def form_of(connection: Connection) -> Form:
    """Form 0 for a database with no store in it. Raises StoreUnusable for one that is not ours."""
    there = {name for (name,) in await connection.fetch(_THERE)}
    if "form" not in there:
        if there:
            raise StoreUnusable(
                "The database has a schema named hubbub that is not one of hubbub's. Give hubbub a database"
                " of its own."
            )
        return Form(0, 0)
    try:
        row = await connection.fetchrow("SELECT form, needs FROM hubbub.form")
    except asyncpg.UndefinedColumnError:
        row = None
    if row is None:
        raise StoreUnusable("The schema hubbub does not say which form it has. Restore a backup.")
    return Form(row[0], row[1])


def check(form: Form, known: int) -> None:
    """Raises StoreUnusable for a database that code which knows so many steps cannot use."""
    if form.needs > known:
        raise StoreUnusable(
            f"The database was brought up by a newer hubbub: it has form {form.form} and needs one that knows"
            f" form {form.needs}, and this one knows up to {known}. Start the newer one, or restore a backup."
        )


async def migrate(
    connection: Connection, known: Sequence[Step], fills: Mapping[int, Fill], begin: Fill
) -> None:
    """Take the steps that are missing, each with what `fills` does for it; `begin` fills a database that was
    empty, together with the first.

    Raises StoreUnusable. Waits while another node takes them.
    """
    await connection.execute("SET lock_timeout = 0; SET statement_timeout = 0")  # a step may be long
    await connection.execute("SELECT pg_advisory_lock($1)", _LOCK, timeout=3600)
    try:
        form = await form_of(connection)
        check(form, len(known))
        for number in range(form.form + 1, len(known) + 1):
            async with connection.transaction():
                if number == 1 and await connection.fetchval("SELECT to_regnamespace('hubbub') IS NULL"):
                    await connection.execute("CREATE SCHEMA hubbub")
                await connection.execute(known[number - 1].sql, timeout=3600)
                if number == 1:
                    await begin(connection)
                if number in fills:
                    await fills[number](connection)
                await connection.execute(
                    "UPDATE form SET form = $1, needs = GREATEST(needs, $2)", number, known[number - 1].needs
                )
    finally:
        await connection.execute("SELECT pg_advisory_unlock($1)", _LOCK)
        await connection.execute("RESET lock_timeout; RESET statement_timeout")
