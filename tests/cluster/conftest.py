"""The stage of a cluster: a real PostgreSQL and a real NATS for all tests of a process, a store with people
in it for each, and two or three nodes."""

import asyncio
from contextlib import ExitStack

import asyncpg
import pytest

from hubbub.cluster.errors import Missing
from support.nats import serving_nats
from support.seeded import seed_database
from support.spread import spread

try:
    import uvloop
except ImportError:
    LOOPS = {"asyncio": asyncio.new_event_loop}
else:
    LOOPS = {"uvloop": uvloop.new_event_loop}

NOT_TRIED = "NOTHING OF A CLUSTER WAS TRIED"

PUSHED = ("ws", "sse", "ndjson")


def pytest_asyncio_loop_factories(config, item):
    return LOOPS


@pytest.fixture(scope="session")
def bus(tmp_path_factory):
    """The NATS of this process."""
    with ExitStack() as stack:
        try:
            served = stack.enter_context(serving_nats(tmp_path_factory.mktemp("nats")))
        except Missing as missing:
            pytest.skip(f"{NOT_TRIED}: {missing}")
        yield served


@pytest.fixture(scope="session")
def _used_again(databases):
    """A database for all tests here: to empty one takes less than to make one, and to drop it."""
    return databases.fresh()


@pytest.fixture
def database(databases, _used_again):
    """The address of a database with people in it, for one test."""
    databases.aside.run(_begin_anew(_used_again))
    return _used_again


async def _begin_anew(url):
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("DROP SCHEMA IF EXISTS hubbub CASCADE")
    finally:
        await connection.close()
    await seed_database(url)


@pytest.fixture(params=[*PUSHED, "poll"])
async def lounge(request, database, bus, tmp_path):
    """A room on two nodes where everyone listens by one transport; the play is given once for each."""
    async with spread(tmp_path, request.param, database=database, buses=[bus.url] * 2) as place:
        yield place


@pytest.fixture(params=PUSHED)
async def hall(request, database, bus, tmp_path):
    """The same where the play needs an open stream: all but long poll."""
    async with spread(tmp_path, request.param, database=database, buses=[bus.url] * 2) as place:
        yield place


@pytest.fixture
async def place(database, bus, tmp_path):
    """The same where the play does not turn on how one listens."""
    async with spread(tmp_path, "ws", database=database, buses=[bus.url] * 2) as place:
        yield place


@pytest.fixture
async def trio(database, bus, tmp_path):
    """Three nodes."""
    async with spread(tmp_path, "ws", database=database, buses=[bus.url] * 3) as place:
        yield place
