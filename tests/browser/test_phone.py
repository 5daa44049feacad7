"""Small screens: a phone's, and one on which everything is enlarged.

There the navigation lies over the place, and goes when one goes somewhere.
"""

import pytest_asyncio
from playwright.async_api import Locator, expect

from browser.screen import place_of

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}

ENLARGED = {"viewport": {"width": 320, "height": 256}}
"""What is left of 1280 × 1024 at 400 %."""


@pytest_asyncio.fixture(loop_scope="session")
async def ada(lounge):
    await lounge.is_followed_by("ada")
    return await lounge.person("ada", **PHONE)


async def test_the_navigation_is_out_of_the_way_of_who_reads_and_of_the_keyboard(lounge, ada):
    await ada.enters(lounge.room)
    link = ada.screen.link(place_of(lounge.room))
    await expect(link).not_to_be_in_viewport()
    for _ in range(12):
        await ada.screen.page.keyboard.press("Tab")
        assert await ada.screen.page.evaluate("document.activeElement.closest('nav') === null")


async def test_a_place_that_is_chosen_is_in_front(lounge, ada):
    await ada.shows_the_navigation()
    await ada.screen.link(place_of(lounge.room)).tap()
    await ada.is_at(lounge.room)
    await expect(ada.screen.link(place_of(lounge.room))).not_to_be_in_viewport()
    await ada.says("from the bus")


async def test_a_room_that_is_chosen_in_a_dialog_is_in_front(lounge, ada):
    await ada.reaches(ada.screen.browse_rooms)
    await ada.screen.rooms_dialog.get_by_text("Lounge").tap()
    await ada.is_at(lounge.room)
    await expect(ada.screen.link(place_of(lounge.room))).not_to_be_in_viewport()


async def test_what_is_unread_elsewhere_is_told_by_the_button_of_the_navigation(lounge, ada):
    await ada.enters("bob")
    await lounge.says("bob", "over here")
    await expect(ada.screen.to_navigation).to_have_accessible_name("Rooms and people, 1 unread")


async def test_a_field_is_one_line_high_until_something_is_written(lounge, ada):
    async with lounge.api("ada") as client:
        room = await client.create_room("Everything there is to be said about the garden and the bees in it")
    await lounge.is_followed_by("ada", room)
    await expect(ada.screen.link(place_of(room))).to_be_attached()
    await ada.enters(room)
    empty = await height(ada.screen.composer)
    await ada.enters("bob")
    assert empty == await height(ada.screen.composer)
    await ada.types("one\ntwo\nthree")
    assert empty < await height(ada.screen.composer)


async def test_enlarged_fourfold_every_room_and_every_button_can_be_reached(lounge):
    ada = await lounge.person("ada", **ENLARGED)
    await ada.reaches(ada.screen.new_room)
    dialog = ada.screen.new_room_dialog
    assert await dialog.evaluate("it => it.scrollHeight > it.clientHeight")
    await dialog.hover()
    await ada.screen.page.mouse.wheel(0, 1_000)
    await expect(ada.screen.create_room).to_be_in_viewport(ratio=1)
    await ada.screen.page.keyboard.press("Escape")

    await ada.screen.browse_rooms.click()
    await ada.screen.rooms_dialog.get_by_text("Lounge").click()
    await ada.is_at(lounge.room)
    await ada.shows_the_navigation()
    await ada.screen.link(place_of(lounge.room)).click()


async def height(of: Locator) -> float:
    return await of.evaluate("it => it.getBoundingClientRect().height")
