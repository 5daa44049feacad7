"""A thousand rooms, all of them followed: everything is found, and the page stays small."""

import shutil
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import expect

from browser.filled import fill
from browser.lounge import lounge_on, lounge_on_a_copy
from browser.screen import place_of

COUNT = 1_000
MOST_NODES = 2_500


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def filled_store(browser, seeded_store, tmp_path_factory):
    """Where it is, and its rooms, all of which ada follows."""
    data = Path(shutil.copytree(seeded_store, tmp_path_factory.mktemp("many") / "data"))
    rooms = await fill(data, rooms=[f"Room {number:04}" for number in range(COUNT)])
    async with lounge_on(browser, data) as place:
        await place.opens()
        await place.is_followed_by("ada", *rooms)
    return data, rooms


@pytest.fixture
def rooms(filled_store):
    return filled_store[1]


@pytest_asyncio.fixture(loop_scope="session")
async def lounge(browser, filled_store, tmp_path):
    data, rooms = filled_store
    async with lounge_on_a_copy(browser, data, tmp_path / "many", rooms[0]) as place:
        yield place


async def test_a_thousand_rooms_are_listed_with_what_is_unread_and_the_page_stays_small(lounge, rooms):
    ada = await lounge.person("ada")
    await expect(ada.screen.link(place_of(rooms[0]))).to_be_visible()
    await lounge.says("bob", "here", room=rooms[700])
    await ada.sees_in_the_title("(1) hubbub")
    assert await ada.screen.nodes() < MOST_NODES

    await ada.screen.rooms.hover()
    last = ada.screen.link(place_of(rooms[-1]))
    for _ in range(100):
        if await last.count():
            break
        await ada.screen.page.mouse.wheel(0, 1_000)
    await last.click()
    await ada.is_at(rooms[-1])
    assert await ada.screen.nodes() < MOST_NODES


async def test_any_of_a_thousand_rooms_is_found_in_the_dialog(lounge, rooms):
    ada = await lounge.person("ada")
    await ada.screen.browse_rooms.click()
    await expect(ada.screen.rooms_dialog.get_by_text("Room 0000")).to_be_visible()
    assert await ada.screen.nodes() < MOST_NODES
    await ada.screen.find_room.fill("0737")
    await ada.screen.rooms_dialog.get_by_text("Room 0737").click()
    await ada.is_at(rooms[737])


async def test_any_of_a_thousand_rooms_is_found_in_the_switcher(lounge, rooms):
    ada = await lounge.person("ada")
    await ada.screen.page.keyboard.press("Control+k")
    await ada.screen.destination.fill("0912")
    await expect(ada.screen.switcher.get_by_role("option").first).to_contain_text("Room 0912")
    await ada.screen.page.keyboard.press("Enter")
    await ada.is_at(rooms[912])


async def test_a_thousand_rooms_that_nobody_follows_are_all_in_the_dialog(lounge, rooms):
    bob = await lounge.person("bob")
    await bob.screen.browse_rooms.click()
    await expect(bob.screen.rooms_dialog.get_by_text("Room 0000")).to_be_visible()
    listed = bob.screen.rooms_dialog.get_by_text("Room 0999")
    await bob.screen.rooms_dialog.get_by_text("Room 0000").hover()
    for _ in range(100):
        if await listed.count():
            break
        await bob.screen.page.mouse.wheel(0, 1_000)
    await listed.click()
    await bob.is_at(rooms[999])
