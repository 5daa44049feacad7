"""One browser for each process of the suite, and one event loop for all that happens in it."""

from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import expect

from browser.chromium import chromium, missing
from browser.lounge import Lounge, lounge_on
from support.deadline import DEADLINE_SECONDS

expect.set_options(timeout=DEADLINE_SECONDS * 1000)


def pytest_collection_modifyitems(items):
    """All on one loop: a browser belongs to the loop it was started on, and starting one takes a second."""
    why = missing()
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)
            if why is not None:
                item.add_marker(pytest.mark.skip(reason=why))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser():
    async with chromium() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def lounge(browser, data) -> Lounge:
    """A server with a room in it, in the test's own loop."""
    async with lounge_on(browser, data) as place:
        await place.opens()
        yield place
        place.is_content()


@pytest_asyncio.fixture(loop_scope="session")
async def mortal(browser, data) -> Lounge:
    """The same, but its server is a process of its own, which can be killed."""
    async with lounge_on(browser, data) as place:
        await place.starts()
        yield place
        place.is_content()
