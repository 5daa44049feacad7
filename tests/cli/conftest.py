"""What the commands are tried on: a directory where a server has been."""

import asyncio
import shutil
from pathlib import Path

import pytest

from hubbub.client import Client
from support.deadline import deadline
from support.seeded import token_of
from support.serving import serving

from .home import Home


@pytest.fixture(scope="session")
def talked_in(seeded_store, tmp_path_factory):
    """A data directory where three things were said to everyone and one to bob, to be copied."""
    directory = Path(shutil.copytree(seeded_store, tmp_path_factory.mktemp("talked") / "data"))

    async def talk():
        async with serving(directory) as server, Client(server.url, token=token_of("ada")) as ada, deadline():
            room = await ada.create_room("Lounge")
            for text in ("one", "two", "three"):
                await ada.post(text, room=room)
            await ada.post("psst", to="bob")

    asyncio.run(talk())
    return directory


@pytest.fixture
def used(talked_in, tmp_path):
    """The same for one test."""
    return Path(shutil.copytree(talked_in, tmp_path / "data"))


@pytest.fixture
async def server(data):
    """A server with people, and without limits of rate."""
    async with serving(data) as running:
        yield running


@pytest.fixture
def home(server, tmp_path):
    """Where ada is signed in."""
    return Home(tmp_path / "home", server.url).sign_in("ada")


@pytest.fixture
def empty_home(server, tmp_path):
    """Where nobody is signed in."""
    return Home(tmp_path / "home", server.url)


@pytest.fixture
async def lounge(server):
    """bob's client, and a room he made."""
    async with Client(server.url, token=token_of("bob")) as bob:
        yield bob, await bob.create_room("Lounge")
