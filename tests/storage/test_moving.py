"""The rows of a move, and the marks at its ends, below any command."""

import asyncio
import os
import shutil
import time
from contextlib import asynccontextmanager
from pathlib import Path

import apsw
import asyncpg
import pytest

from hubbub.storage import copying
from hubbub.storage.copying import TABLES, compare, copy
from hubbub.storage.errors import StoreInUse, StoreUnusable
from hubbub.storage.moving import Mark, begin, carry, end
from hubbub.storage.postgres import PostgresStore
from hubbub.storage.postgres.copying import FromPostgres, ToPostgres
from hubbub.storage.sqlite.copying import FromDirectory, ToDirectory

from .drafting import LOUNGE, draft
from .everything import filled
from .posting import post


@pytest.fixture(scope="module")
def everything(tmp_path_factory):
    return asyncio.run(filled(tmp_path_factory.mktemp("everything") / "data"))


@pytest.fixture
def directory(everything, tmp_path):
    return Path(shutil.copytree(everything, tmp_path / "data"))


@pytest.fixture(params=["sqlite", "postgres"])
async def target(request, tmp_path):
    if request.param == "sqlite":
        target = ToDirectory(tmp_path / "other", os.urandom)
    else:
        target = await ToPostgres.reach(request.getfixturevalue("postgres"))
    yield target
    await target.close()


@pytest.fixture
async def source(directory):
    source = FromDirectory(directory, os.urandom)
    yield source
    await source.close()


async def nothing_wrong() -> None:
    pass


class Spoilt:
    """A source one of whose rows comes out otherwise."""

    def __init__(self, source, table: str, column: str, value: object) -> None:
        self._source = source
        self._table = table
        self._column = column
        self._value = value

    async def count(self, table):
        return await self._source.count(table)

    async def rows(self, table, after):
        rows = list(await self._source.rows(table, after))
        if table.name == self._table and rows and self._column in table.columns:
            at = table.columns.index(self._column)
            rows[-1] = (*rows[-1][:at], self._value, *rows[-1][at + 1 :])
        return rows


@pytest.mark.parametrize(
    ("table", "column"),
    [(table.name, column) for table in TABLES for column in table.columns if column not in table.key],
)
async def test_nothing_that_a_store_holds_arrives_otherwise_unnoticed(source, target, table, column):
    await begin(source, target, "m", nothing_wrong)
    await copy(source, target)
    await compare(source, target)

    with pytest.raises(StoreUnusable, match=f"What arrived is not what was sent: {table} "):
        await compare(Spoilt(source, table, column, "otherwise"), target)


class Short:
    """A source that leaves its last rows of a table out."""

    def __init__(self, source, table: str) -> None:
        self._source = source
        self._table = table

    async def count(self, table):
        return await self._source.count(table)

    async def rows(self, table, after):
        rows = await self._source.rows(table, after)
        return rows[:-1] if table.name == self._table else rows


@pytest.mark.parametrize("table", [table.name for table in TABLES])
async def test_a_row_too_few_or_too_many_is_noticed(source, target, table):
    await begin(source, target, "m", nothing_wrong)
    await carry(source, target, lambda table, count: None, lambda table, count: None)

    for one, other in ((Short(source, table), target), (source, Short(target, table))):
        with pytest.raises(StoreUnusable, match=f"not what was sent: {table} "):
            await compare(one, other)


@pytest.mark.parametrize("batch", [1, 2, 3, 25, 26])
async def test_batches_of_any_size_bring_everything_in_order(source, target, batch, monkeypatch):
    """Also where a table, or a log, ends together with a batch."""
    for backend in ("sqlite", "postgres"):
        monkeypatch.setattr(f"hubbub.storage.{backend}.copying.BATCH", batch)
    told = []

    await begin(source, target, "m", nothing_wrong)
    await copy(source, target, lambda table, count: told.append((table.name, count)))
    await compare(source, target)

    assert max(count for _, count in told) <= batch
    for table in TABLES:
        count = sum(count for name, count in told if name == table.name)
        assert count == await source.count(table) == await target.count(table)


OWN = {
    "sqlite": set(),
    "postgres": {"form", "ended", "endings", "moving"},  # what nodes tell each other of, and the move itself
}


@pytest.mark.parametrize("kind", OWN)
async def test_every_column_there_is_is_moved(directory, postgres, kind):
    """What a later form adds has to be added to what is moved."""
    async with moved(directory, postgres):
        pass

    found = columns_of_sqlite(directory) if kind == "sqlite" else await columns_of_postgres(postgres)

    assert {table for table, _ in found} == {table.name for table in TABLES} | OWN[kind] - {"moving"}
    for table in TABLES:
        there = {column for name, column in found if name == table.name}
        for ours, theirs in SPELT[kind].get(table.name, {}).items():
            assert theirs <= there
            there = there - theirs | {ours}
        assert there == set(table.columns)


SPELT = {
    "sqlite": {
        "store": {"epoch": {"one", "epoch"}},
        "events": {"log": {"position", "peer"}, "seq": set()},
        "logs": {"head": set(), "floor_link": {"link"}, "link": set()},
    },
    "postgres": {"store": {"epoch": {"one", "epoch"}}},
}
"""Columns of ours by those that a backend has for them."""


def columns_of_sqlite(directory):
    database = apsw.Connection(str(directory / "hubbub.db"))
    try:
        sql = """
            SELECT t.name, c.name FROM sqlite_schema AS t, pragma_table_xinfo(t.name) AS c
            WHERE t.type = 'table'
        """
        return database.execute(sql).fetchall()
    finally:
        database.close()


async def columns_of_postgres(url):
    connection = await asyncpg.connect(url)
    try:
        sql = "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'hubbub'"
        return [tuple(row) for row in await connection.fetch(sql)]
    finally:
        await connection.close()


async def test_a_node_that_comes_between_is_seen_and_nothing_is_marked(directory, postgres, tmp_path):
    """It starts after the source was found to be alone, and before the mark that would have kept it off."""
    nodes = []

    async def node_starts():
        node = await opened(postgres)
        await node.head(LOUNGE)
        nodes.append(node)

    async with moved(directory, postgres):
        pass
    source, target = await FromPostgres.reach(postgres), ToDirectory(tmp_path / "back", os.urandom)
    with pytest.raises(StoreInUse, match="stop every node first"):
        await begin(source, target, "m", node_starts)
    marks = await source.mark(), await target.mark()
    await source.close()
    await target.close()
    await post(nodes[0], draft(LOUNGE, "undisturbed"))
    await nodes[0].close()

    assert marks == (None, None)


async def test_a_mark_says_which_move_and_where_its_other_end_is(source, target):
    await begin(source, target, "m", nothing_wrong)

    assert await source.mark() == Mark(move="m", end="source", other=target.where)
    assert await target.mark() == Mark(move="m", end="target", other=source.where)

    await carry(source, target, lambda table, count: None, lambda table, count: None)
    await end(source, target)

    assert await source.mark() == Mark(move="m", end="source", other=target.where, finished=True)
    assert await target.mark() is None


async def test_what_is_wrong_with_the_source_leaves_both_ends_as_they_were(source, target):
    async def wrong():
        raise StoreUnusable("not whole")

    with pytest.raises(StoreUnusable, match="not whole"):
        await begin(source, target, "m", wrong)

    assert (await source.mark(), await target.mark(), await target.holds()) == (None, None, False)


async def opened(url):
    return await PostgresStore.open(
        url,
        now_ms=lambda: 1,
        randomness=os.urandom,
        monotonic=time.monotonic,
        on_broken=lambda failure: None,
    )


@asynccontextmanager
async def moved(directory, postgres):
    source, target = FromDirectory(directory, os.urandom), await ToPostgres.reach(postgres)
    await begin(source, target, "there", nothing_wrong)
    await copy(source, target)
    await end(source, target)
    await source.close()
    await target.close()
    yield


def test_what_is_read_at_once_is_bounded():
    assert copying.BATCH * 16_384 <= 32 << 20
