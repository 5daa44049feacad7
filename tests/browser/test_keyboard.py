"""Everything by keyboard alone, and the keyboard is never nowhere."""

from playwright.async_api import Locator, expect

from browser.person import Person
from browser.screen import place_of
from support.seeded import PASSWORD


async def test_a_whole_visit_needs_no_mouse(lounge):
    ada = await lounge.visitor("ada")
    screen, keys = ada.screen, ada.screen.page.keyboard
    await expect(screen.name).to_be_focused()
    await keys.type("ada")
    await keys.press("Tab")
    await expect(screen.password).to_be_focused()
    await keys.type(PASSWORD)
    await keys.press("Enter")
    await ada.is_in()

    await keys.press("Control+k")
    await expect(screen.destination).to_be_focused()
    await keys.type("loun")
    await expect(screen.switcher.get_by_role("option", name="Lounge")).to_be_visible()
    await keys.press("Enter")
    await ada.is_at(lounge.room)
    await expect(screen.composer).to_be_focused()

    await keys.type("by keyboard")
    await keys.press("Enter")
    await ada.hears("by keyboard")
    await expect(screen.composer).to_be_focused()

    await tabs_to(ada, screen.navigation.get_by_role("button", name="ada"))
    await keys.press("Enter")
    await expect(screen.settings).to_be_focused()
    await keys.press("Enter")
    await expect(screen.heading).to_have_text("Settings")
    await is_somewhere(ada)

    await tabs_to(ada, screen.navigation.get_by_role("button", name="ada"))
    await keys.press("Enter")
    await expect(screen.settings).to_be_focused()
    await keys.press("ArrowDown")
    await expect(screen.sign_out).to_be_focused()
    await keys.press("Enter")
    await ada.is_out()
    await expect(screen.name).to_be_focused()


async def test_the_navigation_can_be_skipped_in_every_view(lounge):
    lounge.forgives(r"/room/none.* 404")
    ada = await lounge.person("ada")
    page = ada.screen.page
    for address, heading, target in (
        ("", "Hello, ada", ada.screen.heading),
        ("settings", "Settings", ada.screen.heading),
        (place_of(lounge.room), "Lounge", ada.screen.log),
        ("room/none", "There is nothing here", ada.screen.heading),
    ):
        await page.goto(f"{lounge.url}/#/{address}")
        await expect(ada.screen.heading).to_have_text(heading)
        if target is ada.screen.log:
            await expect(ada.screen.composer).to_be_focused()  # by itself, as soon as it is there
        await page.get_by_role("link", name="Skip the navigation").focus()
        await page.keyboard.press("Enter")
        await expect(target).to_be_focused()


async def test_arrows_choose_in_the_switcher_and_escape_leaves_it(lounge):
    async with lounge.api("ada") as client:
        kitchen = await client.create_room("Kitchen")
        cellar = await client.create_room("Cellar")
    await lounge.is_followed_by("ada", lounge.room, kitchen, cellar)
    ada = await lounge.person("ada")
    await ada.enters(lounge.room)
    keys = ada.screen.page.keyboard

    await keys.press("Control+k")
    await keys.press("Escape")
    await expect(ada.screen.switcher).to_be_hidden()
    await ada.is_at(lounge.room)
    await is_somewhere(ada)

    await keys.press("Control+k")
    options = ada.screen.switcher.get_by_role("option")
    await expect(options.first).to_be_visible()
    await keys.press("ArrowDown")
    chosen = ada.screen.switcher.get_by_role("option", selected=True)
    await expect(chosen).to_have_count(1)
    second = await options.nth(1).inner_text()
    assert await chosen.inner_text() == second
    await keys.press("Enter")
    await expect(ada.screen.switcher).to_be_hidden()
    assert await ada.screen.heading.inner_text() in second


async def test_closing_a_dialog_brings_the_keyboard_back_to_where_it_was(lounge):
    ada = await lounge.person("ada")
    screen = ada.screen
    for opener, dialog in (
        (screen.browse_rooms, screen.rooms_dialog),
        (screen.new_room, screen.new_room_dialog),
        (screen.new_message, screen.new_message_dialog),
        (screen.go_to, screen.switcher),
    ):
        await opener.focus()
        await screen.page.keyboard.press("Enter")
        await expect(dialog).to_be_visible()
        await screen.page.keyboard.press("Escape")
        await expect(dialog).to_be_hidden()
        await expect(opener).to_be_focused()


async def test_the_keyboard_stays_in_a_dialog_that_is_open(lounge):
    ada = await lounge.person("ada")
    await ada.screen.new_room.click()
    await expect(ada.screen.room_name).to_be_focused()
    for _ in range(12):
        await ada.screen.page.keyboard.press("Tab")
        assert await ada.screen.page.evaluate(
            "document.activeElement.matches('body, dialog, dialog *, [role=dialog] *')"
        )


async def test_the_log_is_scrolled_by_keys(lounge):
    await lounge.says("bob", *(f"line {number}" for number in range(60)))
    ada = await lounge.person("ada")
    await ada.enters(lounge.room)
    await expect(ada.screen.message(60)).to_be_in_viewport()
    await ada.screen.log.focus()
    for _ in range(4):
        await ada.screen.page.keyboard.press("PageUp")
    await expect(ada.screen.message(60)).not_to_be_in_viewport()
    await expect(ada.screen.newest).to_be_visible()
    await ada.screen.page.keyboard.press("End")
    await expect(ada.screen.message(60)).to_be_in_viewport()


async def test_opening_a_place_from_the_navigation_brings_the_keyboard_there(lounge):
    await lounge.is_followed_by("ada")
    ada = await lounge.person("ada")
    link = ada.screen.link(place_of(lounge.room))
    await link.focus()
    await ada.screen.page.keyboard.press("Enter")
    await ada.is_at(lounge.room)
    await is_somewhere(ada)


async def tabs_to(person: Person, target: Locator) -> None:
    """With Tab alone, as far as it takes."""
    for _ in range(40):
        if await target.evaluate("element => element === document.activeElement"):
            return
        await person.screen.page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not lead to {target}; it is at {await person.screen.focus()}")


async def is_somewhere(person: Person) -> None:
    assert not (await person.screen.focus()).startswith("BODY")
