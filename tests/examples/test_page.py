"""The page of another site, in a browser."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import expect

from browser.chromium import chromium, program
from examples.programs import EXAMPLES, PASSWORD
from hubbub.client import Client, Message
from support.road import Road
from support.serving import serving

pytestmark = pytest.mark.skipif(not program(), reason="there is no Chromium: page.html goes untested")


@pytest.fixture
async def site():
    """Another site, at whose every address the page is: its origin, and what to put into the page."""
    said = {"server": "http://127.0.0.1:9"}

    async def serve(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        page = (
            (EXAMPLES / "page.html")
            .read_text("utf-8")
            .replace("http://localhost:8080", said["server"])
            .encode()
        )
        head = (
            b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
        )
        writer.write(head % len(page) + page)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        yield f"http://{host}:{port}", said


@asynccontextmanager
async def opened(origin):
    async with chromium() as browser:
        page = await browser.new_page()
        await page.goto(f"{origin}/page.html")
        yield page


async def sign_in(page):
    await page.get_by_label("Name").fill("ada")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("status")).to_have_text("Live")


async def test_it_talks_and_goes_on_where_it_was_after_a_cut(tmp_path, site):
    origin, said = site
    async with (
        serving(tmp_path / "data", settings={"cors_origins": (origin,)}) as server,
        Road(server.url) as road,
        Client(server.url) as bob,
    ):
        said["server"] = road.url
        for name in ("ada", "bob"):
            await bob.sign_up(name, PASSWORD)
        await bob.sign_in("bob", PASSWORD)
        room = await bob.create_room("Lounge")
        await bob.post("before you came", room=room)
        async with opened(origin) as page:
            await sign_in(page)
            lines = page.get_by_role("listitem")
            await expect(lines).to_have_text(["bob: before you came"])

            await page.get_by_label("Message", exact=True).fill("<img src=x onerror=document.title='broken'>")
            await page.get_by_role("button", name="Send").click()
            await expect(lines).to_have_count(2)
            await expect(lines.last).to_have_text("ada: <img src=x onerror=document.title='broken'>")

            travelled = road.travelled
            road.cut()
            await bob.post("while you were cut off", room=room)
            await expect(lines).to_have_count(3)
            assert road.travelled > travelled
            await page.get_by_label("Message", exact=True).fill("I am back")
            await page.get_by_role("button", name="Send").click()
            await expect(lines).to_have_count(4)
            await expect(lines.nth(2)).to_have_text("bob: while you were cut off")
            await expect(lines.nth(3)).to_have_text("ada: I am back")
        found = [event.text async for event in bob.history(room, after=0) if isinstance(event, Message)]
        assert found[-1] == "I am back"
        assert len(found) == 4


async def test_a_server_that_does_not_allow_its_origin_lets_it_do_nothing(tmp_path, site):
    origin, said = site
    async with serving(tmp_path / "data") as server, opened(origin) as page:
        said["server"] = server.url
        await page.reload()
        await page.get_by_label("Name").fill("ada")
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.get_by_role("status")).to_have_text("Failed to fetch")
