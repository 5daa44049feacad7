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
    """An event loop in a thread: for what outlives the loops of the tests, or blocks one of them."""

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

    def fresh(self, options: str = "") -> str:
        """The address of a new and empty one, made with these words of CREATE DATABASE."""
        name = f"test_{next(_numbers)}"
        self.aside.run(self._do(f"CREATE DATABASE {name} OWNER hubbub {options}"))
        return self._server.url_of(name)

    def drop(self, url: str) -> None:
        self.aside.run(self._do(f"DROP DATABASE {name_of(url)} WITH (FORCE)"))

    def allow_texts_that_are_none(self, url: str) -> None:
        """In that database any bytes may be cast to text, as a disk might do it."""
        sql = """
            DO $$ BEGIN CREATE CAST (bytea AS text) WITHOUT FUNCTION;
            EXCEPTION WHEN duplicate_object THEN NULL; END $$
        """
        self.aside.run(self._do(sql, self.superuser_url(url)))

    def cut_off(self, url: str) -> None:
        """End every connection there is to a database."""
        sql = """
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid()
        """
        self.aside.run(self._do(sql, self.superuser_url(url)))

    def do(self, url: str, sql: str) -> None:
        """As who may do everything."""
        self.aside.run(self._do(sql, self.superuser_url(url)))

    def offers(self, url: str, extension: str) -> bool:
        """Whether the server has it, to be put into a database."""
        return self.aside.run(self._offers(url, extension))

    async def _offers(self, url: str, extension: str) -> bool:
        connection = await asyncpg.connect(url)
        try:
            sql = "SELECT EXISTS (SELECT FROM pg_available_extensions WHERE name = $1)"
            return bool(await connection.fetchval(sql, extension))
        finally:
            await connection.close()

    def superuser_url(self, url: str) -> str:
        """Of the same database, for who may do everything there."""
        return self._server.superuser_url.rpartition("/")[0] + "/" + name_of(url)

    async def as_superuser(self, script: str, url: str) -> None:
        """Run it with the `{name}` of that database."""
        await asyncio.to_thread(self.aside.run, self._do(script.format(name=name_of(url))))

    async def set(self, name: str, value: str) -> None:
        """Of the whole server, at once; DEFAULT undoes it."""
        await asyncio.to_thread(self.aside.run, self._set(name, value))

    async def _set(self, name: str, value: str) -> None:
        await self._do(f"ALTER SYSTEM SET {name} = {value}")
        connection = await asyncpg.connect(self._server.superuser_url)
        try:
            await connection.execute("SELECT pg_reload_conf()")
            wanted = value.strip("'").replace("DEFAULT", "")
            while await connection.fetchval(f"SHOW {name}") != wanted:
                await asyncio.sleep(0.01)
        finally:
            await connection.close()

    def url_as(self, user: str, password: str, url: str) -> str:
        return f"postgresql://{user}:{password}@{self._server.address}/{name_of(url)}"

    async def restart(self) -> None:
        """In order, and on the same port."""
        await asyncio.to_thread(self.aside.run, self._server.restart())

    async def kill(self) -> None:
        """As a power cut would."""
        await asyncio.to_thread(self.aside.run, self._server.kill())

    async def start(self) -> None:
        await asyncio.to_thread(self.aside.run, self._server.start())

    def freeze(self) -> None:
        """It answers nobody any more, and holds on to what it has."""
        self._server.freeze()

    def thaw(self) -> None:
        self._server.thaw()

    async def _do(self, script: str, url: str = "") -> None:
        connection = await asyncpg.connect(url or self._server.superuser_url)
        try:
            await connection.execute(script)
        finally:
            await connection.close()


def name_of(url: str) -> str:
    return url.rpartition("/")[2]


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
