"""A whole server whose database loses what it says of commits: before they were made, or after."""

from contextlib import AsyncExitStack

import pytest

from faults.crowd import Crowd
from support.middleman import Middleman

from .door import Door
from .stage import town

CUTS = ("after", "before", "after", "after")


@pytest.fixture
async def middleman(database):
    async with Middleman(database) as middleman:
        yield middleman


async def test_whatever_becomes_of_commits_every_promise_is_kept(database, middleman, nats):
    """Also where the other server posts into the same rooms meanwhile."""
    async with AsyncExitStack() as stack:
        place = await stack.enter_async_context(town(database, nats.url, "ws", nodes=1))
        await place.opens(database=middleman.url)
        door = await stack.enter_async_context(Door(place.nodes))
        async with Crowd(door, 21) as crowd:
            for _ in range(4):
                await crowd.acknowledges(60)
                middleman.cuts += CUTS
            await crowd.acknowledges(200)
            await crowd.settles()
            assert crowd.broken() == []
    assert middleman.cuts == []


@pytest.mark.parametrize("cut", ["before", "after"])
async def test_a_post_whose_commit_goes_unanswered_is_told_once_everywhere(database, middleman, nats, cut):
    async with town(database, nats.url, "ws", nodes=1) as place:
        await place.opens(database=middleman.url)
        ada, bob = await place.person("ada", at=1), await place.person("bob", at=0)
        for person in (ada, bob):
            await person.listens()
        await ada.says("before")
        middleman.cuts = [cut]
        (receipt,) = await ada.says("amid")
        assert middleman.cuts == []
        await ada.says("after")
        for person in (ada, bob):
            heard = await person.hears("before", "amid", "after")
            assert heard[1].id == receipt.id
