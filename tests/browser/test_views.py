"""Each view, in four forms: free of barriers by axe's rules, and pictured for people to look at.

The pictures are kept in tests/browser/.pictures, one for each view and form.
"""

import shutil
from pathlib import Path

import pytest
import pytest_asyncio

from browser.content import ROOMS, conversations
from browser.filled import fill, say
from browser.lounge import lounge_on, lounge_on_a_copy
from browser.person import Person
from browser.views import SIGNED_IN, SIGNED_OUT, Rooms, Way

_AXE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
_PICTURES = Path(__file__).parent / ".pictures"

_SCREENS = {"phone": {"width": 390, "height": 844}, "desktop": {"width": 1440, "height": 900}}
_SCHEMES = ("light", "dark")

_RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")

_RUN = """async rules => {
    const { violations } = await axe.run(document, {
        runOnly: { type: "tag", values: rules }, resultTypes: ["violations"],
    })
    return violations.flatMap(({ id, help, nodes }) =>
        nodes.map(({ target, failureSummary }) => `${id}: ${help}: ${target.join(" ")}: ${failureSummary}`))
}"""


# A colour that is on its way from one scheme to the other is none of either.
_SETTLED = """() => Promise.allSettled(
    document.getAnimations().filter(each => each instanceof CSSTransition).map(each => each.finished))"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def company(browser, seeded_store, tmp_path_factory) -> tuple[Path, Rooms]:
    """A store in which everybody has talked for days, and ada has read most of it."""
    data = Path(shutil.copytree(seeded_store, tmp_path_factory.mktemp("company") / "data"))
    rooms = {room.name: room for room in await fill(data, rooms=ROOMS)}
    await say(data, conversations(rooms))
    async with lounge_on(browser, data) as lounge:
        lounge.room = rooms["Lounge"]
        await lounge.opens()
        await lounge.is_followed_by("ada", rooms["Release 2.4"], seq=11)
        await lounge.is_followed_by("ada", rooms["Lounge"], seq=4)
        await lounge.is_followed_by("ada", rooms["Lunch"], seq=1)
        await lounge.is_followed_by("ada", rooms["Design"], rooms["Books"])
        await lounge.has_read("ada", "bob")
        await lounge.has_read("ada", "dan")
    return data, rooms


@pytest.mark.parametrize("screen", _SCREENS)
@pytest.mark.parametrize("view", SIGNED_OUT)
async def test_a_view_of_the_door_has_no_barrier(lounge, view, screen):
    fay = await lounge.visitor("fay", viewport=_SCREENS[screen])
    await looks(fay, view, screen, SIGNED_OUT[view], {})


@pytest.mark.parametrize("screen", _SCREENS)
@pytest.mark.parametrize("view", SIGNED_IN)
async def test_a_view_has_no_barrier(browser, company, tmp_path, view, screen):
    data, rooms = company
    async with lounge_on_a_copy(browser, data, tmp_path / "company", rooms["Lounge"]) as lounge:
        lounge.forgives(r"status of 409")
        lounge.forgives_a_lost_connection()
        ada = await lounge.person("ada", viewport=_SCREENS[screen])
        await looks(ada, view, screen, SIGNED_IN[view], rooms)


async def looks(person: Person, view: str, screen: str, way: Way, rooms: Rooms) -> None:
    if not _AXE.exists():
        pytest.skip(f"axe is not here ({_AXE}): npm ci in web/ brings it")
    await way(person, rooms)
    page = person.screen.page
    await page.evaluate(_AXE.read_text())
    barriers = []
    for scheme in _SCHEMES:
        await page.emulate_media(color_scheme=scheme)
        await page.evaluate(_SETTLED)
        _PICTURES.mkdir(exist_ok=True)
        await page.screenshot(path=_PICTURES / f"{view}-{screen}-{scheme}.png")
        barriers += [f"{scheme}: {barrier}" for barrier in await page.evaluate(_RUN, list(_RULES))]
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (
            "wider than its screen"
        )
    assert barriers == []
