"""Every view of the page, and how one comes to it."""

import re
from collections.abc import Awaitable, Callable

from playwright.async_api import expect

from browser.person import Person
from hubbub.protocol.frames import RoomBody

Rooms = dict[str, RoomBody]
Way = Callable[[Person, Rooms], Awaitable[None]]

SIGNED_OUT: dict[str, Way] = {}
SIGNED_IN: dict[str, Way] = {}


def _view(name: str, among: dict[str, Way]) -> Callable[[Way], Way]:
    def keep(way: Way) -> Way:
        among[name] = way
        return way

    return keep


@_view("sign-in", SIGNED_OUT)
async def _sign_in(fay: Person, rooms: Rooms) -> None:
    await fay.is_out()


@_view("sign-in-refused", SIGNED_OUT)
async def _sign_in_refused(fay: Person, rooms: Rooms) -> None:
    await fay.fills_in("wrong horse battery")
    await fay.screen.sign_in.click()
    await expect(fay.screen.alert).to_be_visible()


@_view("create-account", SIGNED_OUT)
async def _create_account(fay: Person, rooms: Rooms) -> None:
    await fay.screen.to_sign_up.click()
    await expect(fay.screen.sign_up_heading).to_be_visible()


@_view("start", SIGNED_IN)
async def _start(ada: Person, rooms: Rooms) -> None:
    await ada.shows_the_navigation()
    await ada.sees_unread("eve", 1)


@_view("room", SIGNED_IN)
async def _room(ada: Person, rooms: Rooms) -> None:
    await ada.enters(rooms["Release 2.4"])
    await expect(ada.screen.new_messages).to_be_visible()


@_view("room-empty", SIGNED_IN)
async def _room_empty(ada: Person, rooms: Rooms) -> None:
    await ada.enters(rooms["Books"])


@_view("conversation", SIGNED_IN)
async def _conversation(ada: Person, rooms: Rooms) -> None:
    await ada.enters("bob")


@_view("writing", SIGNED_IN)
async def _writing(ada: Person, rooms: Rooms) -> None:
    await ada.enters(rooms["Lunch"])
    await ada.types(
        "I would rather have soup.\nBut noodles are fine too, as long as there is *enough* of them."
    )


@_view("browse-rooms", SIGNED_IN)
async def _browse_rooms(ada: Person, rooms: Rooms) -> None:
    await ada.reaches(ada.screen.browse_rooms)
    await expect(ada.screen.rooms_dialog.get_by_text("Books")).to_be_visible()


@_view("new-room", SIGNED_IN)
async def _new_room(ada: Person, rooms: Rooms) -> None:
    await ada.reaches(ada.screen.new_room)
    await ada.screen.room_name.fill("Lunch")
    await ada.screen.create_room.click()
    await expect(ada.screen.new_room_dialog.get_by_role("alert")).to_be_visible()


@_view("new-message", SIGNED_IN)
async def _new_message(ada: Person, rooms: Rooms) -> None:
    await ada.reaches(ada.screen.new_message)
    await expect(ada.screen.new_message_dialog.get_by_text("cyd")).to_be_visible()


@_view("go-to", SIGNED_IN)
async def _go_to(ada: Person, rooms: Rooms) -> None:
    await ada.screen.page.keyboard.press("Control+k")
    await ada.screen.destination.fill("l")
    await expect(ada.screen.switcher.get_by_role("option").first).to_be_visible()


@_view("account-menu", SIGNED_IN)
async def _account_menu(ada: Person, rooms: Rooms) -> None:
    await ada.opens_the_menu()
    await expect(ada.screen.settings).to_be_visible()


@_view("settings", SIGNED_IN)
async def _settings(ada: Person, rooms: Rooms) -> None:
    await ada.opens_the_settings()
    await expect(ada.screen.current_device).to_be_visible()


@_view("away", SIGNED_IN)
async def _away(ada: Person, rooms: Rooms) -> None:
    """Offline, with something that waits."""
    await ada.enters(rooms["Lounge"])
    await ada.loses_the_network()
    await ada.is_told(re.compile("Offline"))
    await ada.sends("I have the second key, by the way.")
    await expect(ada.screen.unsent("waiting")).to_be_visible()
