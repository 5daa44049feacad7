"""Servers that share a PostgreSQL and a NATS."""

import asyncio
import os
from pathlib import Path

import pytest

from hubbub.cluster import programs
from hubbub.cluster.errors import Missing
from hubbub.cluster.nats import Nats
from hubbub.cluster.together import Cluster
from support.seeded import seed_database

from .stage import town as open_town

NOT_TRIED = "NOTHING OF A CLUSTER WAS TRIED"
PUSHED = ("ws", "sse", "ndjson")


@pytest.fixture
async def nats(tmp_path):
    try:
        programs.program("nats-server", package="nats-server")
    except Missing as missing:
        pytest.skip(f"{NOT_TRIED}: {missing}")
    async with Nats(tmp_path / "nats") as server:
        yield server


@pytest.fixture
async def database(postgres):
    """The address of a database with people in it."""
    await seed_database(postgres)
    return postgres


@pytest.fixture(params=[*PUSHED, "poll"])
async def town(request, database, nats):
    """Two servers, where everyone listens by one transport; the play is given once for each."""
    async with open_town(database, nats.url, request.param) as place:
        yield place


@pytest.fixture
async def lounge(town):
    """What the plays of one server call it."""
    return town


@pytest.fixture(params=PUSHED)
async def hall(request, database, nats):
    """The same where the play needs an open stream: all but long poll."""
    async with open_town(database, nats.url, request.param) as place:
        yield place


@pytest.fixture
async def place(database, nats):
    """The same where the play does not turn on how one listens."""
    async with open_town(database, nats.url, "ws") as place:
        yield place


@pytest.fixture
async def trio(database, nats):
    """Three servers."""
    async with open_town(database, nats.url, "ws", nodes=3) as place:
        yield place


@pytest.fixture
async def cluster(tmp_path):
    """Three servers as processes, with a PostgreSQL and a NATS of their own, to be ill-treated."""
    environment = {name: text for name, text in os.environ.items() if not name.startswith("HUBBUB_")}
    flags = ("--limits", "off", "--log-level", "error")
    directory = Path(tmp_path) / "cluster"
    try:
        programs.program("nats-server", package="nats-server")
        together = Cluster(directory, nodes=3, balanced=False, flags=flags, environment=environment)
        await together.start()
    except Missing as missing:
        pytest.skip(f"{NOT_TRIED}: {missing}")
    try:
        await seed_database(together.postgres.url)
        yield together
    finally:
        await asyncio.shield(together.kill())
