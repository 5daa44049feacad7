"""An attempt at script injection in every field that takes text."""

import re

from playwright.async_api import Locator, expect

from browser.filled import fill
from browser.hostile import TEXTS, TRAP
from browser.lounge import Lounge
from browser.person import Person
from hubbub.domain.policy import folded

LONG = "<script>ran()</script>" * 700
"""Nearly as much as a message may hold."""


async def trapped(lounge: Lounge, name: str) -> Person:
    person = await lounge.visitor(name)
    await person.context.add_init_script(TRAP)
    await person.reloads()
    assert await person.screen.page.evaluate("typeof ran") == "function"
    return person


async def nothing_ran(person: Person) -> None:
    """Neither at once nor when every link was looked at."""
    page = person.screen.page
    tricks = await page.evaluate(
        """() => {
            for (const each of document.querySelectorAll("[role=log] *, nav *, [role=dialog] *"))
                each.dispatchEvent(new MouseEvent("mouseover", { bubbles: true }))
            const wrong = [...document.querySelectorAll("a[href]")]
                .map(link => link.href)
                .filter(href => !/^https?:|^mailto:/.test(href))
            const active = "script, iframe, object, embed, base, [onerror], [onload]"
            const foreign = [...document.querySelectorAll(active)]
                .filter(each => !(each.tagName === "SCRIPT" && each.src.startsWith(location.origin)))
                .map(each => each.outerHTML)
            return [...window.tricks, ...wrong, ...foreign]
        }"""
    )
    assert tricks == []


async def test_nothing_in_messages_runs_and_their_text_is_shown(lounge):
    await lounge.says("bob", *TEXTS, LONG)
    eve = await trapped(lounge, "ada")
    await eve.signs_in()
    await eve.enters(lounge.room)
    await expect(eve.screen.message(len(TEXTS) + 1)).to_be_visible()
    await nothing_ran(eve)
    await eve.screen.log.press("Home")
    await nothing_ran(eve)


async def test_the_text_of_each_attempt_can_be_read(lounge):
    eve = await trapped(lounge, "ada")
    await eve.signs_in()
    await eve.enters(lounge.room)
    plain = [text for text in TEXTS if not re.search(r"[`*_\[\s]", text)]
    for text in plain:
        await lounge.says("bob", text)
    await expect(eve.screen.message(len(plain))).to_be_visible()
    seqs = await eve.screen.seqs()
    for seq in seqs:
        text = await eve.screen.message(seq).evaluate("row => row.textContent")
        assert plain[seq - 1] in text
    await nothing_ran(eve)


async def test_nothing_in_direct_messages_runs_nor_in_what_is_shown_of_them_elsewhere(lounge):
    await lounge.says("bob", *TEXTS, to="ada")
    for text in TEXTS[:6]:
        await lounge.says("cyd", text, to="ada")
    ada = await trapped(lounge, "ada")
    await ada.signs_in()
    await ada.sees_unread("bob", len(TEXTS))
    await nothing_ran(ada)
    await ada.enters("bob")
    await nothing_ran(ada)


async def test_nothing_in_names_of_rooms_runs(lounge):
    names = [text[:80].strip() for text in TEXTS if text.isprintable() and "\u200b" not in text]
    names = sorted({folded(name): name for name in names}.values())
    await lounge.closes()
    rooms = await fill(lounge.data, rooms=names)
    await lounge.opens()
    await lounge.is_followed_by("ada", *rooms)
    ada = await trapped(lounge, "ada")
    await ada.signs_in()
    for room in rooms[:3]:
        await ada.enters(room)
        await expect(ada.screen.page).to_have_title(re.compile(re.escape(room.name.split()[0])))
    await nothing_ran(ada)
    await ada.screen.browse_rooms.click()
    await expect(ada.screen.rooms_dialog).to_be_visible()
    await nothing_ran(ada)


async def test_nothing_typed_into_any_field_runs(lounge):
    """The fields of the door, the dialogs, and the message that is being written."""
    lounge.forgives(r"status of 4\d\d")
    ada = await trapped(lounge, "ada")
    screen = ada.screen
    await types_each(screen.name)
    await types_each(screen.password)
    await screen.sign_in.click()
    await nothing_ran(ada)
    await ada.signs_in()

    await screen.browse_rooms.click()
    await tries(ada, screen.find_room)
    await screen.new_message.click()
    await tries(ada, screen.find_person)
    await screen.page.keyboard.press("Control+k")
    await tries(ada, screen.destination)
    await screen.new_room.click()
    await tries(ada, screen.room_name)
    await ada.enters(lounge.room)
    await types_each(screen.composer)
    await expect(screen.composer).to_have_value(TEXTS[-1])
    await nothing_ran(ada)
    await ada.reloads()
    await ada.is_at(lounge.room)
    await nothing_ran(ada)


async def types_each(field: Locator) -> None:
    """One after the other, as an input method would put it there, and each is drawn."""
    await field.focus()
    await field.evaluate(
        """async (field, texts) => {
            for (const text of texts) {
                field.select()
                document.execCommand("insertText", false, text)
                await new Promise(requestAnimationFrame)
            }
        }""",
        TEXTS,
    )


async def tries(person: Person, field: Locator) -> None:
    await types_each(field)
    await nothing_ran(person)
    await person.screen.page.keyboard.press("Escape")
    await expect(field).to_be_hidden()


async def test_nothing_in_the_address_runs(lounge):
    lounge.forgives(r"status of 4\d\d")
    ada = await trapped(lounge, "ada")
    await ada.signs_in()
    await ada.screen.page.evaluate(
        """async texts => {
            for (const text of texts) for (const form of ["#", "#/room/", "#/person/"]) {
                const told = new Promise(done => addEventListener("hashchange", done, { once: true }))
                const before = location.hash
                location.hash = form + text
                if (location.hash !== before) await told
            }
        }""",
        TEXTS,
    )
    await ada.is_in()
    await nothing_ran(ada)
    await ada.enters(lounge.room)


async def test_a_link_opens_where_it_says_and_tells_nobody_where_it_was(lounge):
    await lounge.says("bob", "see https://example.org/a?b=1#c for more")
    ada = await lounge.person("ada")
    await ada.enters(lounge.room)
    link = ada.screen.log.get_by_role("link", name="https://example.org/a?b=1#c")
    await expect(link).to_have_attribute("href", "https://example.org/a?b=1#c")
    await expect(link).to_have_attribute("target", "_blank")
    await expect(link).to_have_attribute("rel", re.compile("noopener"))
    await expect(link).to_have_attribute("rel", re.compile("noreferrer"))
