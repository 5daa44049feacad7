"""Where servers are ill-treated."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from hubbub.check import Witness
from support.disk import Disk
from support.lounge import lounge

from .crowd import client_of
from .disk_life import memory


@pytest.fixture
def where() -> Iterator[Path]:
    """A directory in memory where there is one: a process that dies leaves the same behind there, and a sync
    costs nothing."""
    with memory() as directory:
        yield directory


@pytest.fixture
def quick_data(seeded_store: Path, where: Path) -> Path:
    """A data directory with people in it, there."""
    return Path(shutil.copytree(seeded_store, where / "data"))


@pytest.fixture
async def place(data):
    """A server with a room."""
    async with lounge(data, "ws") as place:
        yield place


@pytest.fixture
async def ada(place):
    """Keeps a ledger of what she posts and hears."""
    async with client_of(place.url, "ada") as client:
        yield Witness("ada", client)


@pytest.fixture
def disk() -> Iterator[Disk]:
    """One that remembers what was done to it, and fails when it is told to."""
    disk = Disk()
    yield disk
    disk.unregister()
