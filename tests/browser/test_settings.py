"""What each reader chooses, or brings along: language, colours, zone, what the browser is like."""

from datetime import UTC, datetime

from playwright.async_api import expect

from browser.filled import Line, say

# Half an hour after midnight in Kiritimati, 14 hours ahead of Greenwich, where it is still the day before.
JUST_MIDNIGHT_MS = int(datetime(2025, 3, 9, 10, 30, tzinfo=UTC).timestamp() * 1000)
HOUR_MS = 3_600_000


async def test_the_page_speaks_german_when_asked_and_after_a_reload(lounge):
    ada = await lounge.person("ada")
    await ada.opens_the_settings()
    await ada.screen.choice("Language", "Deutsch").check(force=True)
    for _ in range(2):
        await expect(ada.screen.heading).to_have_text("Einstellungen")
        await expect(ada.screen.page.locator("html")).to_have_attribute("lang", "de")
        await ada.reloads()


async def test_a_german_browser_is_spoken_to_in_german(lounge):
    fay = await lounge.visitor("fay", locale="de-DE")
    await expect(fay.screen.page.get_by_role("heading", name="Anmelden")).to_be_visible()
    await expect(fay.screen.page.locator("html")).to_have_attribute("lang", "de")


async def test_what_is_chosen_is_seen_where_the_system_forces_its_colours(lounge):
    ada = await lounge.person("ada", forced_colors="active")
    await ada.opens_the_settings()
    chosen, other = ada.screen.choice("Language", "English"), ada.screen.choice("Language", "Deutsch")
    outline = "it => getComputedStyle(it.nextElementSibling).outlineStyle"
    assert await chosen.evaluate(outline) == "solid"
    assert await other.evaluate(outline) == "none"
    # The browser draws it, in colours that are forced; a background of the page's own would not be seen.
    await expect(ada.screen.notify).to_have_css("appearance", "auto")


async def test_a_dark_theme_is_dark_and_stays(lounge):
    ada = await lounge.person("ada", color_scheme="light")
    await ada.opens_the_settings()
    assert await brightness(ada) > 200
    await ada.screen.choice("Theme", "Dark").check(force=True)
    for _ in range(2):
        await ada.screen.page.wait_for_function(f"({BRIGHTNESS})() < 60")
        await ada.reloads()
        await ada.is_in()


async def test_the_page_is_dark_where_the_system_is(lounge):
    ada = await lounge.person("ada", color_scheme="dark")
    assert await brightness(ada) < 60
    await ada.screen.page.emulate_media(color_scheme="light")
    await ada.screen.page.wait_for_function(f"({BRIGHTNESS})() > 200")


BRIGHTNESS = """() => {
    let at = document.querySelector("main"), color = "rgba(0, 0, 0, 0)"
    for (; at && /rgba\\(.*, 0\\)|transparent/.test(color); at = at.parentElement)
        color = getComputedStyle(at).backgroundColor
    const canvas = new OffscreenCanvas(1, 1).getContext("2d")
    canvas.fillStyle = color
    canvas.fillRect(0, 0, 1, 1)
    const [red, green, blue] = canvas.getImageData(0, 0, 1, 1).data
    return (red + green + blue) / 3
}"""


async def brightness(person) -> float:
    return await person.screen.page.evaluate(BRIGHTNESS)


async def test_days_and_times_are_those_of_the_reader(lounge):
    await lounge.closes()
    await say(
        lounge.data,
        [
            Line(place=lounge.room, sender="bob", text="before midnight", at_ms=JUST_MIDNIGHT_MS - HOUR_MS),
            Line(place=lounge.room, sender="bob", text="after midnight", at_ms=JUST_MIDNIGHT_MS),
        ],
    )
    await lounge.opens()
    far = await lounge.person("ada", timezone_id="Pacific/Kiritimati")
    near = await lounge.person("cyd", timezone_id="Etc/GMT")
    await far.enters(lounge.room)
    await near.enters(lounge.room)

    await expect(far.screen.log).to_contain_text("9 March")
    await expect(far.screen.log).to_contain_text("10 March")
    await expect(far.screen.log).to_contain_text("23:30")
    await expect(far.screen.log).to_contain_text("00:30")
    await expect(near.screen.log).to_contain_text("9 March")
    await expect(near.screen.log).not_to_contain_text("10 March")
    await expect(near.screen.log).to_contain_text("10:30")


async def test_the_settings_name_each_session_once(lounge):
    ada = await lounge.person("ada")
    await ada.another_device()
    await ada.opens_the_settings()
    async with lounge.api("ada") as client:
        sessions = await client.sessions()
    await expect(ada.screen.current_device).to_have_count(1)
    await expect(ada.screen.sign_out_there).to_have_count(len(sessions) - 1)
