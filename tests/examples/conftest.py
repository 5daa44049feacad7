import pytest

from examples.programs import PASSWORD
from hubbub.client import Client
from support.serving import serving


@pytest.fixture
async def url(tmp_path):
    async with serving(tmp_path / "data") as server:
        yield server.url


@pytest.fixture
async def ada(url):
    async with Client(url) as client:
        await client.sign_up("ada", PASSWORD)
        await client.sign_in("ada", PASSWORD)
        yield client
