"""One PostgreSQL for all tests of a process, and an empty database in it for each."""

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import asyncpg

from hubbub.cluster.postgres import Postgres

NOT_TRIED = "NOTHING OF THE STORE IN POSTGRESQL WAS TRIED"
"""What is said where there is none."""

T = TypeVar("T")

_numbers = count(1)


class Aside:
    """An event loop in a thread: for what outlives the loops of the tests, and for what blocks one of them."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, doing: Coroutine[Any, Any, T]) -> T:
        future: Future[T] = asyncio.run_coroutine_threadsafe(doing, self._loop)
        return future.result()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class Databases:
    """The PostgreSQL of this process. What its databases hold is as durable as for anybody."""

    def __init__(self, server: Postgres, aside: Aside) -> None:
        self._server = server
        self.aside = aside

    def fresh(self) -> str:
        """The address of a new and empty one."""
        return self.aside.run(self._server.database(f"test_{next(_numbers)}"))

    def drop(self, url: str) -> None:
        self.aside.run(self._drop(url.rpartition("/")[2]))

    async def _drop(self, name: str) -> None:
        await self._do(self._server.superuser_url, f"DROP DATABASE {name} WITH (FORCE)")

    def allow_texts_that_are_none(self, url: str) -> None:
        """In that database any bytes may be cast to text, as a disk might do it."""
        sql = """
            DO $$ BEGIN CREATE CAST (bytea AS text) WITHOUT FUNCTION;
            EXCEPTION WHEN duplicate_object THEN NULL; END $$
        """
        self.aside.run(self._do(self.superuser_url(url), sql))

    def superuser_url(self, url: str) -> str:
        """Of the same database, for who may do everything there."""
        return self._server.superuser_url.rpartition("/")[0] + "/" + url.rpartition("/")[2]

    async def _do(self, url: str, sql: str) -> None:
        connection = await asyncpg.connect(url)
        try:
            await connection.execute(sql)
        finally:
            await connection.close()


@contextmanager
def serving_postgres(directory: Path) -> Iterator[Databases]:
    """Raises `hubbub.cluster.errors.Missing` where there is no PostgreSQL."""
    aside = Aside()
    server = Postgres(directory)
    try:
        aside.run(server.start())
        try:
            yield Databases(server, aside)
        finally:
            aside.run(server.leave())
    finally:
        aside.close()
