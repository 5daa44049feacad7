"""A room of a hundred thousand messages."""

import shutil
from pathlib import Path

import pytest_asyncio
from playwright.async_api import expect

from browser.filled import Line, fill, say
from browser.lounge import lounge_on_a_copy
from browser.person import Person

COUNT = 100_000
FAR = 3_000
"""How many messages are scrolled through."""
MOST_ROWS = 250
"""In the page at a time: a window on the room, whatever is scrolled through."""


@pytest_asyncio.fixture(loop_scope="session")
async def long(browser, filled_store, tmp_path):
    data, room = filled_store
    async with lounge_on_a_copy(browser, data, tmp_path / "long", room) as place:
        yield place


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def filled_store(seeded_store, tmp_path_factory):
    data = Path(shutil.copytree(seeded_store, tmp_path_factory.mktemp("long") / "data"))
    (room,) = await fill(data, rooms=["Archive"])
    lines = [
        Line(
            place=room,
            sender=("ada", "bob", "cyd")[number // 3 % 3],
            text=f"number {number}" + " and some more of it" * (number % 7),
            at_ms=1_700_000_000_000 + number * 60_000,
        )
        for number in range(1, COUNT + 1)
    ]
    await say(data, lines)
    return data, room


async def test_it_opens_at_its_newest_message(long):
    ada = await long.person("ada")
    await ada.enters(long.room)
    await expect(ada.screen.message(COUNT)).to_be_in_viewport()
    assert len(await ada.screen.seqs()) <= MOST_ROWS


async def test_scrolling_up_through_thousands_shows_every_message_and_keeps_the_page_small(long):
    ada = await long.person("ada")
    await ada.enters(long.room)
    await expect(ada.screen.message(COUNT)).to_be_in_viewport()
    await watches_the_log(ada)
    await ada.screen.log.hover()
    while (await watched(ada))["lowest"] > COUNT - FAR:
        await ada.screen.page.mouse.wheel(0, -4_000)
        await ada.screen.page.evaluate("() => new Promise(requestAnimationFrame)")
    seen = await watched(ada)

    assert seen["broken"] == []
    assert seen["missing"] == []
    assert seen["rows"] <= MOST_ROWS

    await ada.screen.newest.click()
    await expect(ada.screen.message(COUNT)).to_be_in_viewport()
    await long.says("bob", "and one more", room=long.room)
    await ada.hears("and one more")


async def test_what_is_looked_at_stays_where_it_is_while_older_ones_come_above_it(long):
    ada = await long.person("ada")
    await ada.enters(long.room)
    await expect(ada.screen.message(COUNT)).to_be_in_viewport()
    await ada.screen.log.focus()
    for _ in range(8):
        await ada.screen.page.keyboard.press("PageUp")
    anchor = await first_in_view(ada)
    await long.says("bob", "something new", room=long.room)
    await expect(ada.screen.newest).to_be_visible()
    assert await first_in_view(ada) == anchor


async def watches_the_log(person: Person) -> None:
    """From now on: whether the messages in the page are ever out of order, doubled, or with a hole."""
    await person.screen.page.evaluate(
        """() => {
            const log = document.querySelector("[role=log]")
            const seen = new Set()
            window.watched = { seen, broken: [], rows: 0 }
            const look = () => {
                const seqs = [...log.querySelectorAll("[data-seq]")].map(row => Number(row.dataset.seq))
                seqs.forEach((seq, at) => {
                    seen.add(seq)
                    if (at > 0 && seq !== seqs[at - 1] + 1) watched.broken.push([seqs[at - 1], seq])
                })
                watched.rows = Math.max(watched.rows, seqs.length)
            }
            look()
            new MutationObserver(look).observe(log, { subtree: true, childList: true, attributes: true })
        }"""
    )


async def watched(person: Person) -> dict:
    return await person.screen.page.evaluate(
        """() => {
            const lowest = Math.min(...watched.seen), highest = Math.max(...watched.seen)
            const missing = []
            for (let seq = lowest; seq <= highest; seq++) if (!watched.seen.has(seq)) missing.push(seq)
            return { lowest, missing, broken: watched.broken.slice(0, 10), rows: watched.rows }
        }"""
    )


async def first_in_view(person: Person) -> list[int]:
    """The number of the first message in view, and where it stands."""
    return await person.screen.log.evaluate(
        """log => {
            const top = log.getBoundingClientRect().top
            const rows = [...log.querySelectorAll("[data-seq]")]
            const row = rows.find(row => row.getBoundingClientRect().bottom > top)
            return [Number(row.dataset.seq), Math.round(row.getBoundingClientRect().top)]
        }"""
    )
