"""All nodes stopped and started anew, one after the other, under people who post through the balancer."""

import asyncio

import httpx2
import pytest

from hubbub.client import Client
from hubbub.cluster import Cluster, balancer
from hubbub.cluster.figures import read
from support.deadline import deadline
from support.pieces import needs_pieces

pytestmark = [
    needs_pieces,
    pytest.mark.skipif(not balancer.is_installed(), reason="NOT TESTED: there is no HAProxy"),
]

PASSWORD = "correct horse battery"
PEOPLE = 3


async def posts(node, http):
    """How many it has taken since it was started."""
    return read((await http.get(node.metrics)).text, 0.0).values["hubbub_posts_total"]


async def has_its_share(node, http):
    async with deadline(60):
        while not await posts(node, http):
            await asyncio.sleep(0.05)


@pytest.mark.long
async def test_nobody_notices_an_upgrade(tmp_path, environment):
    # As slow as the machine may be: the balancer has noticed by then.
    flags = ("--limits", "off", "--drain-seconds", "4")
    said, stop = [], asyncio.Event()

    async def talks(name, url, room, token):
        # Without a key: a post that was lost, or came twice, would not be put right by anybody.
        async with httpx2.AsyncClient(
            base_url=url, headers={"Authorization": f"Bearer {token}"}, trust_env=False, timeout=30
        ) as http:
            while not stop.is_set():
                text = f"{name} {len(said)}"
                answer = await http.post(f"/room/{room}/messages", json={"text": text})
                assert answer.status_code == 201, answer.text
                said.append(text)

    async with (
        Cluster(tmp_path, nodes=2, flags=flags, environment=environment) as cluster,
        Client(cluster.url) as ada,
        httpx2.AsyncClient(trust_env=False, timeout=30) as http,
    ):
        await ada.sign_up("ada", PASSWORD)
        token = (await ada.sign_in("ada", PASSWORD)).token
        room = (await ada.create_room("Lounge")).id
        async with asyncio.TaskGroup() as people:
            for number in range(PEOPLE):
                people.create_task(talks(f"p{number}", cluster.url, room, token))
            for node in cluster.nodes:
                await has_its_share(node, http)
            for node in cluster.nodes:
                await node.restart()
                await has_its_share(node, http)
            stop.set()
        stored = [event.text async for event in ada.history(room, after=0)]

    assert sorted(stored) == sorted(said)
    assert len(said) > PEOPLE
