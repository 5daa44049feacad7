"""The store in PostgreSQL, which any number of nodes and commands have open at once."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Self

import asyncpg
import structlog
from asyncpg.connect_utils import SessionAttribute

from hubbub.domain.errors import Damaged, HubbubError, StorageFailed
from hubbub.storage.base import Seed, StoreInfo
from hubbub.storage.postgres.clock import Clock
from hubbub.storage.postgres.database import (
    ANSWER_SECONDS,
    CONNECT_SECONDS,
    SETTINGS,
    AnotherStore,
    Connection,
    Database,
    leave,
)
from hubbub.storage.postgres.failures import DRIVER
from hubbub.storage.postgres.opening import bring_up, durability_of, epoch_of, refusing, version_of
from hubbub.storage.postgres.people import People
from hubbub.storage.postgres.retention import Retention
from hubbub.storage.postgres.rooms import Rooms
from hubbub.storage.postgres.seeding import sow
from hubbub.storage.postgres.sessions import Sessions

LOOK_SECONDS = 60.0
"""How often the database's clock is looked at."""

_log = structlog.get_logger("hubbub.storage")


class PostgresStore(Retention, Rooms, People, Sessions):
    """A Store. Servers and commands `open` it alike."""

    def __init__(
        self,
        database: Database,
        *,
        info: StoreInfo,
        ticket_secret: bytes,
        clock: Clock,
        randomness: Callable[[int], bytes],
        monotonic: Callable[[], float],
        writer: Connection,
        on_batch: Callable[[int], None],
    ) -> None:
        super().__init__(
            database,
            epoch=info.epoch,
            randomness=randomness,
            monotonic=monotonic,
            writer=writer,
            on_batch=on_batch,
        )
        self._info = info
        self._ticket_secret = ticket_secret
        self._clock = clock
        self._looking = asyncio.get_running_loop().create_task(self._look())

    @classmethod
    async def open(
        cls,
        url: str,
        *,
        now_ms: Callable[[], int],
        randomness: Callable[[int], bytes],
        monotonic: Callable[[], float],
        on_broken: Callable[[StorageFailed], None],
        on_damaged: Callable[[Damaged], None] = lambda damage: None,
        on_batch: Callable[[int], None] = lambda posts: None,
        create: bool = True,
        connections: int = 8,
        application: str = "hubbub",
    ) -> Self:
        """The store in the database at `url`. Raises StoreUnusable.

        With `create` one is made in a database that has none, and brought to the form this code knows. One of
        the `connections` is for writing posts alone: the one that is made here, so that the first post waits
        for none. `on_batch` is told of each batch of posts how many it has. `application` is what the
        server's lists show.
        """
        settings = {**SETTINGS, "application_name": application}
        # Of several hosts the one that takes writes, unless the address says otherwise.
        wanted = None if "target_session_attrs=" in url else SessionAttribute.read_write

        async def dial() -> Connection:
            return await asyncpg.connect(
                url,
                timeout=CONNECT_SECONDS,
                command_timeout=ANSWER_SECONDS,
                server_settings=settings,
                target_session_attrs=wanted,
            )

        clock = Clock(now_ms, monotonic)
        async with refusing(url):
            first = await dial()
            try:
                durability = await durability_of(first, settings)
                await bring_up(first, now_ms, randomness, create=create)
                row = await first.fetchrow("SELECT epoch, ticket_secret FROM store")
                await clock.measure(first)
                version = version_of(first)
            except BaseException:
                await leave(first)
                raise
        assert row is not None, "the row is made with the store"
        epoch, ticket_secret = row

        async def connect() -> Connection:
            connection = await dial()
            try:
                found = await epoch_of(connection)
                await clock.measure(connection)
            except BaseException:
                connection.terminate()
                raise
            if found != epoch:
                connection.terminate()
                raise database.give_up(AnotherStore("The database holds another store than before."))
            return connection

        database = Database(
            connect,
            connections=max(connections - 1, 1),
            monotonic=monotonic,
            on_broken=on_broken,
            on_damaged=on_damaged,
        )
        return cls(
            database,
            info=StoreInfo(backend="postgresql", version=version, epoch=epoch, durability=durability),
            ticket_secret=ticket_secret,
            clock=clock,
            randomness=randomness,
            monotonic=monotonic,
            writer=first,
            on_batch=on_batch,
        )

    @property
    def info(self) -> StoreInfo:
        return self._info

    @property
    def ticket_secret(self) -> bytes:
        return self._ticket_secret

    @property
    def up(self) -> bool:
        """Whether the database can be reached, as far as is known."""
        return self._db.up

    def now_ms(self) -> int:
        """The database's time."""
        return self._clock.now_ms()

    async def close(self) -> None:
        """All that was posted is told first."""
        self._looking.cancel()
        with suppress(asyncio.CancelledError):
            await self._looking
        await self.finish_appending()
        await self.finish_noting()
        await self._db.close()

    async def seed(self, seed: Seed) -> None:
        """All of it in one transaction, or nothing and NameTaken."""
        async with self._db.writing() as connection:
            await sow(connection, seed)

    async def _look(self) -> None:
        while not self._db.broken:
            await asyncio.sleep(LOOK_SECONDS)
            with suppress(HubbubError, *DRIVER):
                async with self._db.connection() as connection:
                    await self._clock.measure(connection)
