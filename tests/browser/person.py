"""People with a browser: they open the page, say things and see things.

Whatever a person sees is waited for, under a deadline.
"""

import re
from typing import TYPE_CHECKING, Any

from playwright.async_api import BrowserContext, Locator, expect

from browser.screen import Screen, place_of
from hubbub.protocol.frames import RoomBody
from support.seeded import PASSWORD

if TYPE_CHECKING:
    from browser.lounge import Lounge

Where = RoomBody | str
"""A room, or the name of a person."""


class Person:
    """Somebody at one tab of one browser: `another_tab` is the same browser, `another_device` is not."""

    screen: Screen

    def __init__(self, name: str, lounge: "Lounge", context: BrowserContext, url: str) -> None:
        self.name = name
        self.url = url
        self.context = context
        self._lounge = lounge

    async def opens_a_tab(self, address: str = "#/") -> None:
        self.screen = Screen(await self.context.new_page())
        await self.screen.page.goto(f"{self.url}/{address}")

    async def another_tab(self) -> "Person":
        again = Person(self.name, self._lounge, self.context, self.url)
        await again.opens_a_tab()
        await expect(again.screen.navigation).to_be_visible()
        return again

    async def another_device(self, **device: Any) -> "Person":
        return await self._lounge.person(self.name, **device)

    async def reloads(self) -> None:
        await self.screen.page.reload()

    async def hides_the_page(self) -> None:
        """Another tab is in front of it. A browser without a window never hides one by itself."""
        await self._becomes("hidden")

    async def shows_the_page(self) -> None:
        await self._becomes("visible")

    async def _becomes(self, visibility: str) -> None:
        await self.screen.page.evaluate(
            """visibility => {
                const hidden = visibility === "hidden"
                Object.defineProperty(document, "visibilityState", { value: visibility, configurable: true })
                Object.defineProperty(document, "hidden", { value: hidden, configurable: true })
                document.hasFocus = () => !hidden
                document.dispatchEvent(new Event("visibilitychange"))
            }""",
            visibility,
        )

    # -- coming and going ------------------------------------------------------------------------------

    async def signs_in(self, password: str = PASSWORD) -> None:
        await self.fills_in(password)
        await self.screen.sign_in.click()
        await self.is_in()

    async def signs_up(self, password: str = PASSWORD) -> None:
        await self.screen.to_sign_up.click()
        await self.fills_in(password)
        await self.screen.sign_up.click()
        await self.is_in()

    async def fills_in(self, password: str) -> None:
        await self.screen.name.fill(self.name)
        await self.screen.password.fill(password)

    async def signs_out(self) -> None:
        await self.opens_the_menu()
        await self.screen.sign_out.click()
        await self.is_out()

    async def shows_the_navigation(self) -> None:
        if await self.screen.to_navigation.is_visible():
            await self.screen.to_navigation.click()

    async def opens_the_menu(self) -> None:
        await self.shows_the_navigation()
        await self.screen.navigation.get_by_role("button", name=self.name).click()

    async def opens_the_settings(self) -> None:
        await self.opens_the_menu()
        await self.screen.settings.click()
        await expect(self.screen.heading).to_have_text("Settings")

    async def is_in(self) -> None:
        await expect(self.screen.navigation).to_be_attached()
        await expect(self.screen.main).to_be_visible()

    async def is_out(self) -> None:
        await expect(self.screen.sign_in_heading).to_be_visible()
        await expect(self.screen.navigation).to_be_hidden()

    async def enters(self, where: Where) -> None:
        """By its address, as a link would."""
        await self.screen.page.evaluate("hash => { location.hash = hash }", f"#/{place_of(where)}")
        await self.is_at(where)

    async def is_at(self, where: Where) -> None:
        name = where if isinstance(where, str) else where.name
        await expect(self.screen.heading).to_have_text(name)
        await expect(self.screen.composer).to_be_editable()
        await expect(self.screen.log).not_to_have_attribute("aria-busy", "true")

    async def leaves_for_the_start(self) -> None:
        await self.screen.page.evaluate("() => { location.hash = '#/' }")
        await expect(self.screen.log).to_be_hidden()

    async def reaches(self, target: Locator) -> None:
        """Press what is in the navigation, which a small screen keeps behind a button."""
        await self.shows_the_navigation()
        await target.click()

    async def loses_the_network(self) -> None:
        """Nothing comes through, and the browser says so."""
        await self.context.set_offline(True)

    # -- speaking --------------------------------------------------------------------------------------

    async def types(self, text: str) -> None:
        await self.screen.composer.fill(text)

    async def sends(self, text: str) -> None:
        """Write and press Enter, and wait for nothing."""
        await self.types(text)
        await self.screen.composer.press("Enter")

    async def says(self, *texts: str) -> None:
        """Write, and see that it was stored."""
        for text in texts:
            await self.sends(text)
            await self.hears(text)

    # -- seeing ----------------------------------------------------------------------------------------

    async def hears(self, *texts: str) -> None:
        """Each stands once among the stored messages."""
        for text in texts:
            await expect(self.screen.said(text)).to_have_count(1)

    async def sees_what_is_stored(self, room: RoomBody | None = None) -> None:
        """All of the room, each message once and in the order of the log; nothing still to be sent."""
        stored = await self._lounge.log(room)
        await expect(self.screen.stored).to_have_count(len(stored))
        await expect(self.screen.pending).to_have_count(0)
        assert await self.screen.seqs() == [seq for seq, _ in stored]
        for seq, text in stored:
            await expect(self.screen.message(seq)).to_contain_text(text)

    async def sees_unread(self, where: Where, count: int) -> None:
        """Beside the name of a place in the navigation; 0 for no count."""
        link = self.screen.link(place_of(where))
        if count:
            await expect(link).to_have_accessible_name(re.compile(rf"\b{count} unread\b"))
        else:
            await expect(link).to_be_visible()
            await expect(link).not_to_have_accessible_name(re.compile("unread"))

    async def sees_in_the_title(self, title: str) -> None:
        await expect(self.screen.page).to_have_title(title)

    async def is_told(self, connection: str | re.Pattern[str]) -> None:
        """How the connection is."""
        await expect(self.screen.connection.filter(has_text=connection)).to_be_visible()
