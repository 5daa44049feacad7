"""Hashing passwords with argon2id, away from the event loop and a bounded number at a time.

One hash takes tens of milliseconds and 19 MiB: the least OWASP recommends (Password Storage Cheat Sheet,
argon2id m=19 MiB t=2 p=1). A few threads do that, and those who would have to wait behind too many others
are told to come back, for a sign-in that takes half a minute helps nobody.
"""

import asyncio
import os
import threading
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

import msgspec
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from hubbub.domain.errors import ShuttingDown, TooMany
from hubbub.domain.policy import MAX_PASSWORD_CHARACTERS

T = TypeVar("T")


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """What one hash costs whoever computes it, us and the thief of the database alike."""

    memory_kib: int = 19_456
    passes: int = 2
    lanes: int = 1


class Passwords:
    """A bounded pool that hashes and verifies.

    Always true: at most `workers` hashes are computed at once, and at most `queue` more wait.
    """

    def __init__(self, workers: int | None = None, queue: int = 64, cost: Cost | None = None) -> None:
        """`workers` is the number of cores this process may use unless given."""
        cost = cost or Cost()
        workers = workers or cores()
        self._hasher = PasswordHasher(
            time_cost=cost.passes, memory_cost=cost.memory_kib, parallelism=cost.lanes
        )
        self._nobodys = self._hasher.hash(os.urandom(16))
        self._places = threading.BoundedSemaphore(workers + queue)
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="password")

    async def hash(self, password: str) -> str:
        """Raises TooMany when the pool is full, ShuttingDown when it is closed."""
        return await self._run(lambda: self.hash_now(password))

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Whether `password` is the one that was hashed; False without a hash, in the same time.

        Raises as `hash` does.
        """
        return await self._run(lambda: self.verify_now(password_hash, password))

    def hash_now(self, password: str) -> str:
        """As `hash`, in the calling thread."""
        return self._hasher.hash(_prepared(password))

    def verify_now(self, password_hash: str | None, password: str) -> bool:
        """As `verify`, in the calling thread."""
        if len(password) > MAX_PASSWORD_CHARACTERS:
            # Nobody's, and to normalise a body full of marks would take seconds, in which nothing else runs.
            password_hash, password = None, ""
        prepared = _prepared(password)
        if password_hash is not None:
            try:
                return self._hasher.verify(password_hash, prepared)
            except InvalidHashError:
                pass  # an account without a usable password must not answer faster than others
            except VerificationError:
                return False
        with suppress(VerificationError):
            self._hasher.verify(self._nobodys, prepared)
        return False

    def close(self) -> None:
        """Take no more. What waits is cancelled; what runs ends within tens of milliseconds."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _run(self, work: Callable[[], T]) -> T:
        if not self._places.acquire(blocking=False):
            raise TooMany("Too many people are signing in at once; try again shortly.", retry_after_seconds=2)
        try:
            running = self._pool.submit(work)
        except RuntimeError:
            self._places.release()
            raise ShuttingDown from None
        # The place is free when the thread is, not when the caller loses patience and is cancelled.
        running.add_done_callback(lambda _: self._places.release())
        return await asyncio.wrap_future(running)


def _prepared(password: str) -> bytes:
    """The same bytes for a password from every keyboard: Unicode form NFC (RFC 8265, section 4.2.2)."""
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")


def cores() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
