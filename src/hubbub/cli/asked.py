"""What the commands have in common: where the store is, who is meant, which password."""

import os
import time
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from hubbub.cli.passwords import asked_password
from hubbub.config import load
from hubbub.domain.policy import check_password
from hubbub.knobs import ServerUrl
from hubbub.service.passwords import Passwords

Data = Annotated[
    str | None,
    Parameter(help="Where the server keeps everything, as for `hubbub serve`.", metavar="DIR"),
]
Database = Annotated[
    str | None,
    Parameter(help="The PostgreSQL database in its place, as for `hubbub serve`.", metavar="URL"),
]

_PLACES = ("HUBBUB_DATA", "HUBBUB_DATABASE", "HUBBUB_BUS")

Place = Path | ServerUrl
"""Of a store: a directory or a database. As text it may be shown: no password is in it."""


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def asked_place(data: str | None, database: str | None) -> Place:
    """Where `hubbub serve` would find its store, or where a flag says. Raises Misconfigured."""
    given = {"data": data, "database": database}
    flags = {name: [text] for name, text in given.items() if text is not None}
    # Of a server's environment, in which a command may well run, a flag leaves nothing to say where it is.
    overruled = _PLACES if flags else ()
    config = load(flags, {name: text for name, text in os.environ.items() if name not in overruled})
    return config.database or config.data


def without_settings() -> dict[str, str]:
    """The environment for a server that is set by its flags alone."""
    return {name: text for name, text in os.environ.items() if not name.startswith("HUBBUB_")}


def new_password() -> str:
    """Raises BadInput, Misused."""
    password = asked_password(twice=True)
    check_password(password)
    return password


def hashed(password: str) -> str:
    passwords = Passwords(workers=1)
    try:
        return passwords.hash_now(password)
    finally:
        passwords.close()
