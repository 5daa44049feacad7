"""A store with some people in it, already signed in: a play starts without waiting for password hashes."""

import hashlib
import os
import time
from base64 import urlsafe_b64encode
from functools import cache
from pathlib import Path

from hubbub.domain.ids import SessionId, UserId
from hubbub.domain.model import Session, User
from hubbub.service.passwords import Passwords
from hubbub.service.tokens import token_hash
from hubbub.storage.base import Seed
from hubbub.storage.sqlite import SqliteStore

NAMES = ("ada", "bob", "cyd", "dan", "eve")
PASSWORD = "correct horse battery"
SESSION_SECONDS = 30 * 86_400


def token_of(name: str) -> str:
    """The token of a seeded person's session."""
    return "hb_" + urlsafe_b64encode(hashlib.sha256(name.encode()).digest()).rstrip(b"=").decode()


@cache
def _password_hash() -> str:
    """A tenth of a second, once for all tests of a process."""
    passwords = Passwords(1)
    try:
        return passwords.hash_now(PASSWORD)
    finally:
        passwords.close()


def people() -> Seed:
    """Everyone of NAMES, with PASSWORD and one session."""
    now_ms = time.time_ns() // 1_000_000
    password_hash = _password_hash()
    return Seed(
        users=[(User(name=UserId(name), created_at_ms=now_ms), password_hash) for name in NAMES],
        sessions=[
            (
                Session(
                    id=SessionId(f"session-of-{name}"),
                    user=UserId(name),
                    created_at_ms=now_ms,
                    expires_at_ms=now_ms + SESSION_SECONDS * 1000,
                ),
                token_hash(token_of(name)),
            )
            for name in NAMES
        ],
        rooms=[],
    )


async def seed(directory: Path) -> None:
    """Make a store in `directory` with those people in it."""
    planned = people()
    now_ms = planned.users[0][0].created_at_ms
    store = SqliteStore.open(
        directory, now_ms=lambda: now_ms, randomness=os.urandom, on_broken=lambda failure: None
    )
    await store.seed(planned)
    await store.close()


async def seed_database(url: str) -> None:
    """The same in PostgreSQL."""
    from hubbub.storage.postgres import PostgresStore

    store = await PostgresStore.open(
        url,
        now_ms=lambda: time.time_ns() // 1_000_000,
        randomness=os.urandom,
        monotonic=time.monotonic,
        on_broken=lambda failure: None,
    )
    await store.seed(people())
    await store.close()
