"""The pieces of a cluster."""

import os

import pytest

from hubbub.cluster import Nats, Postgres


@pytest.fixture(scope="session")
def environment():
    """For nodes: ours, with nothing in it that is meant for another server."""
    return {name: text for name, text in os.environ.items() if not name.startswith("HUBBUB_")}


@pytest.fixture
async def postgres(tmp_path):
    async with Postgres(tmp_path) as postgres:
        yield postgres


@pytest.fixture
async def nats(tmp_path):
    async with Nats(tmp_path) as nats:
        yield nats
