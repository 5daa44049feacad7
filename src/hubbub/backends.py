"""Which store and which bus there are, by the settings: the only place that names one."""

import os
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial

import msgspec

from hubbub.bus.base import Bus, Changed, Heard
from hubbub.config import Config
from hubbub.domain.errors import Damaged, StorageFailed
from hubbub.service.tally import Histogram
from hubbub.storage.auditing import Auditing
from hubbub.storage.base import Store
from hubbub.storage.errors import StoreUnusable
from hubbub.storage.sqlite import SqliteStore
from hubbub.storage.sqlite.auditing import SqliteAudit
from hubbub.storage.sqlite.directory import DATABASE
from hubbub.storage.sqlite.syncing import Thread


class Seams(msgspec.Struct, frozen=True, kw_only=True):
    """What the server takes from the outside world besides the network."""

    now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000
    monotonic: Callable[[], float] = time.monotonic
    randomness: Callable[[int], bytes] = os.urandom
    vfs: str | None = None
    """What SQLite reaches the disk through; None: the system."""
    sync: Callable[[], None] | None = None
    """Syncs the write-ahead log there, for who does it beside SQLite."""


def _batch_sizes() -> Histogram:
    return Histogram(1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000)


class Backend(msgspec.Struct, frozen=True, kw_only=True):
    """A store that is open, and what only its own kind can tell of it."""

    store: Store
    now_ms: Callable[[], int]
    """The clock that all who share the store go by."""
    audit: Callable[[], Awaitable[Auditing]]
    """A look at it from beside."""
    batch_sizes: Histogram = msgspec.field(default_factory=_batch_sizes)
    """How many posts were written together."""
    is_up: Callable[[], bool] = lambda: True
    """Whether the database can be reached, as far as is known."""
    syncs_apart: Callable[[], bool] = lambda: False


async def open_store(
    stack: AsyncExitStack,
    config: Config,
    seams: Seams,
    *,
    broke: Callable[[StorageFailed], None],
    damaged: Callable[[Damaged], None],
) -> Backend:
    """The store of the settings, closed by `stack`. Raises StoreInUse, StoreUnusable."""
    batch_sizes = _batch_sizes()
    if config.database is None:
        return _sqlite(stack, config, seams, broke, damaged, batch_sizes)
    try:
        from hubbub.storage.postgres.store import PostgresStore
    except ImportError as error:
        raise StoreUnusable(
            f"--database needs {error.name}: install hubbub[postgres], or make setup in a checkout"
        ) from error
    store = await PostgresStore.open(
        config.database.secret,
        now_ms=seams.now_ms,
        randomness=seams.randomness,
        monotonic=seams.monotonic,
        on_broken=broke,
        on_damaged=damaged,
        on_batch=batch_sizes.observe,
    )
    stack.push_async_callback(store.close)
    return Backend(
        store=store,
        now_ms=store.now_ms,
        audit=partial(_postgres_audit, config.database.secret),
        batch_sizes=batch_sizes,
        is_up=lambda: store.up,
    )


async def _postgres_audit(url: str) -> Auditing:
    from hubbub.storage.postgres.auditing import PostgresAudit

    return await PostgresAudit.open(url)


def _sqlite(
    stack: AsyncExitStack,
    config: Config,
    seams: Seams,
    broke: Callable[[StorageFailed], None],
    damaged: Callable[[Damaged], None],
    batch_sizes: Histogram,
) -> Backend:
    thread = Thread()
    stack.callback(thread.close)
    store = SqliteStore.open(
        config.data,
        now_ms=seams.now_ms,
        randomness=seams.randomness,
        on_broken=broke,
        on_damaged=damaged,
        on_batch=batch_sizes.observe,
        apart=thread,
        monotonic=seams.monotonic,
        vfs=seams.vfs,
        sync=seams.sync,
    )
    stack.push_async_callback(store.close)

    async def audit() -> Auditing:
        return SqliteAudit(config.data / DATABASE)

    return Backend(
        store=store,
        now_ms=seams.now_ms,
        audit=audit,
        batch_sizes=batch_sizes,
        syncs_apart=lambda: store.syncs_apart,
    )


async def open_bus(
    stack: AsyncExitStack, config: Config, epoch: str, node: str, *, heard: Heard, changed: Changed
) -> Bus:
    """The bus of the settings, closed by `stack`. Raises StoreUnusable where its client is not installed."""
    try:
        from hubbub.bus.nats import NatsBus
    except ImportError as error:
        raise StoreUnusable(
            f"--bus needs {error.name}: install hubbub[nats], or make setup in a checkout"
        ) from error
    bus = await NatsBus.open(
        [url.secret for url in config.bus], prefix=f"hubbub.{epoch}", name=node, heard=heard, changed=changed
    )
    stack.push_async_callback(bus.close)
    return bus
