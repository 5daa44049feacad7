"""What is on a screen, by the names that people and screen readers know it by: they stand only here."""

import re

from playwright.async_api import Locator, Page

from hubbub.protocol.frames import RoomBody

PENDING = ("sending", "waiting", "failed")


class Screen:
    """One tab. It finds things; it does nothing and waits for nothing."""

    def __init__(self, page: Page) -> None:
        self.page = page
        # Signed out
        self.sign_in_heading = page.get_by_role("heading", name="Sign in", exact=True)
        self.sign_up_heading = page.get_by_role("heading", name="Create an account", exact=True)
        self.name = page.get_by_role("textbox", name="Name", exact=True)
        self.password = page.get_by_label("Password", exact=True)  # a password's field has no role
        self.sign_in = self.button("Sign in")
        self.to_sign_up = self.button("Create an account")
        self.sign_up = self.button("Create account")
        self.to_sign_in = self.button("I have an account")
        self.alert = page.get_by_role("alert")
        # The navigation
        # … which a phone keeps out of sight until it is asked for.
        self.navigation = page.get_by_role("navigation", name="Rooms and people", include_hidden=True)
        self.to_navigation = page.get_by_role("button", name=re.compile(r"^Rooms and people"))
        self.rooms = self.navigation.get_by_role("list", name="Rooms", exact=True)
        self.conversations = self.navigation.get_by_role("list", name="Direct messages", exact=True)
        self.browse_rooms = self.navigation.get_by_role("button", name="Browse rooms", exact=True)
        self.new_room = self.navigation.get_by_role("button", name="New room", exact=True)
        self.new_message = self.navigation.get_by_role("button", name="New message", exact=True)
        self.go_to = page.get_by_role("button", name=re.compile(r"^Go to"))
        self.settings = page.get_by_role("menuitem", name="Settings")
        self.sign_out = page.get_by_role("menuitem", name="Sign out")
        # Dialogs
        self.rooms_dialog = self.dialog("Rooms")
        self.find_room = page.get_by_role("searchbox", name="Find a room")
        self.new_room_dialog = self.dialog("New room")
        self.room_name = page.get_by_role("textbox", name="Room name")
        self.create_room = self.button("Create room")
        self.new_message_dialog = self.dialog("New message")
        self.find_person = page.get_by_role("searchbox", name="Find a person")
        self.switcher = self.dialog("Go to")
        self.destination = page.get_by_role("combobox", name="Room or person")
        # A place
        self.main = page.get_by_role("main")
        self.heading = self.main.get_by_role("heading", level=1)
        self.log = page.get_by_role("log", name="Messages")
        self.composer = page.get_by_role("textbox", name="Message", exact=True)
        self.send = self.button("Send")
        self.newest = page.get_by_role("button", name=re.compile(r"^Jump to the newest"))
        self.stop_following = self.button("Stop following")
        self.stored = self.log.locator("[data-seq]")
        self.pending = self.log.locator("[data-key]")
        self.new_messages = self.log.get_by_role("separator", name="New messages")
        self.connection = page.get_by_role("status")
        # Settings
        self.current_device = page.get_by_text("This device", exact=True)
        self.sign_out_there = page.get_by_role("button", name=re.compile(r"^Sign out: "))
        self.notify = page.get_by_role("switch", name="Notifications")

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    def dialog(self, name: str) -> Locator:
        return self.page.get_by_role("dialog", name=name, exact=True)

    def link(self, place: str) -> Locator:
        """In the navigation: `room/ID` or `person/NAME`."""
        return self.navigation.locator(f'[data-place="{place}"]')

    def choice(self, of: str, name: str) -> Locator:
        """Among the settings."""
        return self.page.get_by_role("group", name=of).get_by_role("radio", name=name)

    def said(self, text: str) -> Locator:
        """Messages of the log in which this stands."""
        return self.stored.filter(has=self.page.get_by_text(text, exact=True))

    def message(self, seq: int) -> Locator:
        return self.log.locator(f'[data-seq="{seq}"]')

    def unsent(self, state: str) -> Locator:
        return self.log.locator(f'[data-key][data-state="{state}"]')

    async def seqs(self) -> list[int]:
        """The numbers of the messages in the page, from the top down."""
        return await self.page.evaluate(
            "[...document.querySelectorAll('[role=log] [data-seq]')].map(row => Number(row.dataset.seq))"
        )

    async def nodes(self) -> int:
        """How much there is in the page, seen or not."""
        return await self.page.evaluate("document.querySelectorAll('*').length")

    async def focus(self) -> str:
        """The element that the keyboard is at, roughly: its tag, and what it is called."""
        return await self.page.evaluate(
            """() => {
                const at = document.activeElement
                const called = at.getAttribute("aria-label") ?? at.textContent.trim().slice(0, 40)
                return at.tagName + " " + called
            }"""
        )


def place_of(where: RoomBody | str) -> str:
    """As it stands in addresses and in the navigation: of a room, or of a person's name."""
    return f"person/{where}" if isinstance(where, str) else f"room/{where.id}"
