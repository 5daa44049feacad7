"""The page that shows the nodes, as a person sees it."""

import pytest
from playwright.async_api import expect

from browser.chromium import chromium, program
from hubbub.client import Client
from hubbub.cluster import Cluster
from hubbub.cluster.page import served
from hubbub.cluster.ports import listening
from hubbub.cluster.watch import Watch
from support.deadline import DEADLINE_SECONDS, deadline
from support.pieces import needs_pieces

pytestmark = [
    needs_pieces,
    pytest.mark.skipif(program() is None, reason="there is no Chromium: not looked at"),
]

NARROWEST = 320


async def test_a_person_sees_the_nodes_their_readers_and_who_is_away(tmp_path, environment):
    expect.set_options(timeout=DEADLINE_SECONDS * 1000)
    cluster = Cluster(tmp_path, nodes=2, balanced=False, environment=environment)
    sock = listening("127.0.0.1:0")
    complaints = []
    async with cluster, Watch(cluster) as watch, served(watch, sock) as address, chromium() as browser:
        page = await browser.new_page(viewport={"width": NARROWEST, "height": 640})
        page.on("console", lambda said: complaints.append(said.text) if said.type != "log" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        await page.goto(address)
        one, two = page.locator(".node").nth(0), page.locator(".node").nth(1)
        await expect(page.locator("#total-ready")).to_have_text("2 of 2")
        await expect(one.get_by_role("heading")).to_have_text("node-1")
        await expect(one.get_by_role("link")).to_have_attribute("href", cluster.nodes[0].url)
        await expect(one).to_contain_text("0 readers")
        assert await page.evaluate("document.documentElement.scrollWidth") == NARROWEST

        async with Client(cluster.nodes[0].url) as ada:
            await ada.sign_up("ada", "correct horse battery")
            await ada.sign_in("ada", "correct horse battery")
            async with deadline(), ada.subscribe(inbox=True):
                await expect(one).to_contain_text("1 reader")
                await expect(one.locator(".transports .websocket")).to_have_text("1 WebSocket")

        await cluster.nodes[1].kill()
        await expect(two).to_contain_text("away")
        await expect(page.locator("#total-ready")).to_have_text("1 of 2")
        await expect(page).to_have_title("1 of 2 ready · hubbub cluster")
        await expect(page.get_by_role("status")).to_be_hidden()
        await page.close()
    sock.close()
    assert complaints == []


@pytest.mark.long
async def test_when_the_cluster_was_stopped_the_page_says_so(tmp_path, environment):
    cluster = Cluster(tmp_path, nodes=1, balanced=False, environment=environment)
    sock = listening("127.0.0.1:0")
    async with chromium() as browser:
        page = await browser.new_page()
        async with cluster, Watch(cluster) as watch, served(watch, sock) as address:
            await page.goto(address)
            await expect(page.locator("#total-ready")).to_have_text("1 of 1")
        sock.close()
        await expect(page.get_by_role("status")).to_contain_text("the cluster was stopped")
        await expect(page.locator(".node")).to_have_count(1)
        await page.close()
