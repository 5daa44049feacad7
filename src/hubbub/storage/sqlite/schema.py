"""Bringing a database to the form this code knows: numbered steps, each in a transaction of its own."""

from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files

import apsw

from hubbub.storage.errors import StoreUnusable

APPLICATION = int.from_bytes(b"hubb")
"""SQLite's `application_id`: says whose database a file is."""


def steps() -> Sequence[str]:
    """The SQL of `migrations/`, in order. Step n, counted from 1, leads from version n - 1 to n."""
    found = sorted(
        (file.name, file.read_text("utf-8"))
        for file in (files("hubbub.storage.sqlite") / "migrations").iterdir()
        if file.name.endswith(".sql")
    )
    for number, (name, _) in enumerate(found, 1):
        assert name.startswith(f"{number:04}_"), f"migration {number} is missing, or {name} is misnumbered"
    return [sql for _, sql in found]


def pending(connection: apsw.Connection, known: Sequence[str]) -> bool:
    """Whether there are steps to take. Raises StoreUnusable for a database that is newer, or not ours."""
    version = connection.pragma("user_version")
    if version == 0:
        if connection.execute("SELECT count(*) FROM sqlite_schema").fetchone() != (0,):
            raise StoreUnusable("The database is not one of hubbub's.")
    elif connection.pragma("application_id") != APPLICATION:
        raise StoreUnusable("The database is not one of hubbub's.")
    elif version > len(known):
        raise StoreUnusable(
            f"The database was written by a newer hubbub: it has form {version}, and this one knows up to"
            f" {len(known)}. Start the newer one, or restore a backup."
        )
    return bool(version < len(known))


def migrate(
    connection: apsw.Connection,
    known: Sequence[str],
    fills: Mapping[int, Callable[[], None]],
    begin: Callable[[], None],
) -> None:
    """Take the steps that are missing, each with what `fills` does for it that SQL cannot; `begin` fills a
    database that was empty, together with the first."""
    first: int = connection.pragma("user_version")
    for version in range(first + 1, len(known) + 1):
        with connection:
            connection.execute(known[version - 1]).fetchall()
            if version == 1:
                begin()
                connection.pragma("application_id", APPLICATION)
            if version in fills:
                fills[version]()
            connection.pragma("user_version", version)
