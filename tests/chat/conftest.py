import pytest

from hubbub.client import Client
from support.deadline import deadline
from support.seeded import token_of
from support.serving import serving


@pytest.fixture
async def server(data):
    """A server with people, and without limits of rate."""
    async with serving(data) as running:
        yield running


@pytest.fixture
async def bob(server):
    """bob, with the Python client."""
    async with Client(server.url, token=token_of("bob")) as client:
        yield client


@pytest.fixture
async def lounge(bob):
    """A room in which bob has said three things."""
    async with deadline():
        room = await bob.create_room("Lounge")
        for text in ("one", "two", "three"):
            await bob.post(text, room=room)
    return room
