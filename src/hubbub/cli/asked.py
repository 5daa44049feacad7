"""What the commands have in common: where the store is, who is meant, which password."""

import getpass
import os
import sys
import time
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from hubbub.cli.errors import Misused
from hubbub.config import load
from hubbub.domain.policy import check_password
from hubbub.service.passwords import Passwords
from hubbub.storage.auditing import Auditing
from hubbub.storage.sqlite import SqliteStore
from hubbub.storage.sqlite.auditing import SqliteAudit
from hubbub.storage.sqlite.directory import DATABASE

Data = Annotated[str | None, Parameter(help="Where the server keeps everything, as for `hubbub serve`.")]


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def data_directory(given: str | None) -> Path:
    """Where `hubbub serve` would find its store. Raises Misconfigured."""
    return load({"data": [given]} if given is not None else {}, os.environ).data


def without_settings() -> dict[str, str]:
    """The environment for a server that is set by its flags alone."""
    return {name: text for name, text in os.environ.items() if not name.startswith("HUBBUB_")}


def has_store(directory: Path) -> bool:
    return (directory / DATABASE).exists()


def beside_a_server(data: str | None, *, create: bool = False) -> SqliteStore:
    """The store, whether or not a server has it open. Raises StoreUnusable."""
    return SqliteStore.open_shared(data_directory(data), now_ms=now_ms, randomness=os.urandom, create=create)


def audit_of(where: Path) -> Auditing:
    """The store in a directory or of a backup's file, to be looked through, whether or not a server has it.

    Raises StoreUnusable.
    """
    return SqliteAudit(where / DATABASE if where.is_dir() else where)


def new_password() -> str:
    """Typed twice at a terminal, or one line of standard input; never an argument, which others can see.

    Raises BadInput, Misused.
    """
    if not sys.stdin.isatty():
        password = sys.stdin.readline().rstrip("\r\n")
    else:
        password = getpass.getpass("Password: ")
        if getpass.getpass("Once more: ") != password:
            raise Misused("the two are not the same; nothing was changed")
    check_password(password)
    return password


def hashed(password: str) -> str:
    passwords = Passwords(workers=1)
    try:
        return passwords.hash_now(password)
    finally:
        passwords.close()
