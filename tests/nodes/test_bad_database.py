"""A server whose way to the database loses what is said of commits, or is cut; the others have a good one."""

from contextlib import AsyncExitStack

import httpx2
import pytest

from support.deadline import deadline
from support.middleman import Middleman
from support.seeded import token_of

from .door import Door
from .mangling import Mangling
from .promises import every_promise_is_kept
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
        async with every_promise_is_kept(door, 21) as crowd:
            for _ in range(4):
                await crowd.acknowledges(60)
                middleman.cuts += CUTS
            while middleman.cuts:
                await crowd.acknowledges(50)


@pytest.mark.parametrize("cut", ["before", "after"])
async def test_a_post_whose_commit_goes_unanswered_is_told_once_everywhere(database, middleman, nats, cut):
    async with town(database, nats.url, "ws", nodes=1) as place:
        await place.opens(database=middleman.url)
        ada, bob = await place.person("ada", at=1), await place.person("bob", at=0)
        for person in (ada, bob):
            await person.listens()
        await ada.says("before")
        middleman.cuts = [cut]
        async with httpx2.AsyncClient(headers={"Authorization": f"Bearer {token_of('ada')}"}) as http:
            told = await http.post(
                f"{place.nodes[1].url}/room/{place.room.id}/messages", json={"text": "amid"}
            )  # without a key
        assert (told.status_code, middleman.cuts) == (201, [])
        await ada.says("after")
        for person in (ada, bob):
            heard = await person.hears("before", "amid", "after")
            assert heard[1].id == told.json()["id"]


@pytest.fixture
async def cut_off(database, nats):
    """Two servers, of which the second has a way to the database that can be closed."""
    async with Mangling(database, 0, spoils=False) as way, town(database, nats.url, "ws", nodes=1) as place:
        await place.opens(database=way.url)
        place.way = way
        yield place


async def test_a_server_that_is_cut_off_from_the_database_keeps_every_promise(cut_off):
    async with Door(cut_off.nodes) as door, every_promise_is_kept(door, 22) as crowd:
        await crowd.acknowledges(100)
        cut_off.way.close()
        await crowd.acknowledges(200)
        cut_off.way.opens()
        await crowd.acknowledges(100)


async def test_who_listens_there_hears_on_and_nobody_new_is_sent_there(cut_off):
    ada, bob = await cut_off.person("ada", at=0), await cut_off.person("bob", at=1)
    await bob.listens()
    cut_off.way.close()
    async with deadline(), httpx2.AsyncClient() as http:
        while (await http.get(f"{cut_off.nodes[1].url}/health/ready")).status_code != 503:
            pass
        assert (await http.get(f"{cut_off.nodes[0].url}/health/ready")).status_code == 200
    await ada.says("can you hear me?")
    await bob.hears("can you hear me?")
    cut_off.way.opens()
    async with deadline(), httpx2.AsyncClient() as http:
        while (await http.get(f"{cut_off.nodes[1].url}/health/ready")).status_code != 200:
            pass
    await bob.says("yes")
    await bob.hears("yes")
    assert bob.ear.connections == 1
