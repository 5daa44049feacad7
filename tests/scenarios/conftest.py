"""The stage of the plays: each is given on uvloop and on asyncio, and most over every transport."""

import asyncio

import pytest

from support.lounge import lounge as open_lounge

try:
    import uvloop
except ImportError:
    LOOPS = {"asyncio": asyncio.new_event_loop}
else:
    LOOPS = {"uvloop": uvloop.new_event_loop, "asyncio": asyncio.new_event_loop}

PUSHED = ("ws", "sse", "ndjson")


def pytest_asyncio_loop_factories(config, item):
    return LOOPS


@pytest.fixture(params=[*PUSHED, "poll"])
async def lounge(request, data):
    """A room where everyone listens by one transport; the play is given once for each."""
    async with open_lounge(data, request.param) as place:
        yield place


@pytest.fixture(params=PUSHED)
async def hall(request, data):
    """The same where the play needs an open stream: all but long poll."""
    async with open_lounge(data, request.param) as place:
        yield place


@pytest.fixture
async def place(data):
    """The same where the play does not turn on how one listens."""
    async with open_lounge(data, "ws") as place:
        yield place
