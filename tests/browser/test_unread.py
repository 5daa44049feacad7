"""What was not read is counted, and the count is the same wherever one looks."""

from playwright.async_api import expect

from browser.screen import place_of


async def test_what_comes_while_one_is_elsewhere_is_counted_in_the_navigation_and_the_title(lounge):
    await lounge.is_followed_by("ada")
    ada = await lounge.person("ada")
    await lounge.says("bob", "one", "two")
    await ada.sees_unread(lounge.room, 2)
    await ada.sees_in_the_title("(2) hubbub")


async def test_a_reload_keeps_what_is_unread(lounge):
    await lounge.is_followed_by("ada")
    await lounge.says("bob", "one", "two", "three")
    await lounge.says("cyd", "psst", to="ada")
    ada = await lounge.person("ada")
    for _ in range(2):
        await ada.sees_unread(lounge.room, 3)
        await ada.sees_unread("cyd", 1)
        await ada.reloads()


async def test_reading_takes_the_count_away_and_it_stays_away(lounge):
    await lounge.is_followed_by("ada")
    await lounge.says("bob", "one", "two")
    ada = await lounge.person("ada")
    await ada.sees_unread(lounge.room, 2)
    await ada.enters(lounge.room)
    await ada.hears("two")
    await ada.sees_unread(lounge.room, 0)
    await ada.sees_in_the_title("Lounge · hubbub")
    await ada.leaves_for_the_start()
    await ada.reloads()
    await ada.sees_unread(lounge.room, 0)


async def test_what_one_says_oneself_is_not_unread(lounge):
    ada = await lounge.person("ada")
    await ada.enters(lounge.room)
    await ada.says("one")
    await ada.leaves_for_the_start()
    await ada.sees_unread(lounge.room, 0)


async def test_two_tabs_agree_on_what_is_unread_and_on_what_was_read(lounge):
    await lounge.is_followed_by("ada")
    ada = await lounge.person("ada")
    beside = await ada.another_tab()
    await lounge.says("bob", "one", "two")
    await ada.sees_unread(lounge.room, 2)
    await beside.sees_unread(lounge.room, 2)

    await beside.enters(lounge.room)
    await beside.hears("two")
    await beside.sees_unread(lounge.room, 0)
    await ada.sees_unread(lounge.room, 0)


async def test_two_devices_agree_on_what_is_unread_and_on_what_was_read(lounge):
    ada = await lounge.person("ada")
    phone = await ada.another_device()
    await lounge.says("bob", "one", "two", to="ada")
    await ada.sees_unread("bob", 2)
    await phone.sees_unread("bob", 2)

    await phone.enters("bob")
    await phone.hears("two")
    await ada.sees_unread("bob", 0)
    await lounge.says("bob", "three", to="ada")
    await phone.hears("three")
    await ada.sees_unread("bob", 0)


async def test_a_line_stands_before_what_is_new(lounge):
    await lounge.says("bob", "old one", "old two")
    await lounge.is_followed_by("ada", seq=2)
    await lounge.says("bob", "new one", "new two")
    ada = await lounge.person("ada")
    await ada.sees_unread(lounge.room, 2)
    await ada.enters(lounge.room)
    await expect(ada.screen.new_messages).to_have_count(1)
    before = await ada.screen.new_messages.evaluate(
        """line => [...document.querySelectorAll('[role=log] [data-seq]')]
            .filter(row => line.compareDocumentPosition(row) & Node.DOCUMENT_POSITION_PRECEDING)
            .map(row => Number(row.dataset.seq))"""
    )
    assert before == [1, 2]


async def test_a_room_that_is_read_in_a_hidden_page_stays_unread(lounge):
    ada = await lounge.person("ada")
    await ada.enters(lounge.room)
    await ada.says("hello")
    await ada.hides_the_page()
    await lounge.says("bob", "are you there?")
    await ada.hears("are you there?")
    await ada.sees_in_the_title("(1) Lounge · hubbub")
    await ada.shows_the_page()
    await ada.sees_in_the_title("Lounge · hubbub")
    await expect(ada.screen.link(place_of(lounge.room))).to_be_visible()
