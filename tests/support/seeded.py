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


async def seed(directory: Path) -> None:
    """Make a store in `directory` where everyone of NAMES has PASSWORD and one session."""
    now_ms = _now_ms()
    store = SqliteStore.open(
        directory, now_ms=lambda: now_ms, randomness=os.urandom, on_broken=lambda failure: None
    )
    await store.seed(_everyone(now_ms))
    await store.close()


async def seed_database(url: str) -> None:
    """The same in the PostgreSQL database at `url`."""
    from hubbub.storage.postgres.store import PostgresStore

    store = await PostgresStore.open(
        url,
        now_ms=_now_ms,
        randomness=os.urandom,
        monotonic=time.monotonic,
        on_broken=lambda failure: None,
    )
    await store.seed(_everyone(_now_ms()))
    await store.close()


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


@cache
def _password_hash() -> str:
    passwords = Passwords(1)
    try:
        return passwords.hash_now(PASSWORD)
    finally:
        passwords.close()


def _everyone(now_ms: int) -> Seed:
    return Seed(
        users=[(User(name=UserId(name), created_at_ms=now_ms), _password_hash()) for name in NAMES],
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
