"""Notifications: asked for by the reader, of others' messages only, and only where nobody looks."""

from playwright.async_api import expect

RECORDED = """
    window.notified = []
    window.Notification = class {
        static permission = "default"
        static async requestPermission() { return (this.permission = "granted") }
        constructor(title, options) { window.notified.push(title + ": " + (options?.body ?? "")) }
        addEventListener() {}
        close() {}
    }
"""
"""In place of the browser's own, which has no desktop here to show anything on."""


async def notified(person) -> list[str]:
    return await person.screen.page.evaluate("window.notified")


async def somebody_who_wants_them(lounge):
    ada = await lounge.visitor("ada")
    await ada.context.add_init_script(RECORDED)
    await ada.reloads()
    await ada.signs_in()
    await ada.opens_the_settings()
    await ada.screen.notify.click()
    await ada.enters(lounge.room)
    return ada


async def test_a_message_to_a_hidden_page_is_shown_once(lounge):
    ada = await somebody_who_wants_them(lounge)
    await ada.hides_the_page()
    await lounge.says("bob", "psst", to="ada")
    await ada.sees_unread("bob", 1)
    await ada.screen.page.wait_for_function("window.notified.length > 0")
    assert len(await notified(ada)) == 1
    assert "bob" in (await notified(ada))[0]


async def test_nothing_is_shown_of_ones_own_messages_nor_where_one_looks(lounge):
    ada = await somebody_who_wants_them(lounge)
    await lounge.says("bob", "you see this", to="ada")
    await ada.sees_unread("bob", 1)
    await ada.hides_the_page()
    await lounge.says("ada", "from my other device")
    await lounge.says("ada", "and directly", to="cyd")
    await ada.hears("from my other device")
    await lounge.says("bob", "the end", to="ada")
    await ada.screen.page.wait_for_function("window.notified.length > 0")
    assert len(await notified(ada)) == 1
    assert "the end" in (await notified(ada))[0]


async def test_nothing_is_shown_to_who_has_not_asked(lounge):
    ada = await lounge.visitor("ada")
    await ada.context.add_init_script(RECORDED.replace('"default"', '"granted"'))
    await ada.reloads()
    await ada.signs_in()
    await ada.enters(lounge.room)
    await ada.hides_the_page()
    await lounge.says("bob", "psst", to="ada")
    await ada.sees_unread("bob", 1)
    assert await notified(ada) == []
    await expect(ada.screen.log).to_be_visible()
