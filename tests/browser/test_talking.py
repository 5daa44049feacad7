"""Two people talk, in a room and directly."""

from playwright.async_api import expect

from browser.screen import place_of


async def test_what_one_says_the_other_hears_both_ways(lounge):
    ada, bob = await lounge.guests("ada", "bob")
    await ada.says("hello")
    await bob.hears("hello")
    await bob.says("hello yourself")
    await ada.hears("hello yourself")


async def test_both_screens_show_each_message_once_in_the_order_of_the_log(lounge):
    ada, bob = await lounge.guests("ada", "bob")
    for number in range(8):
        await ada.sends(f"ada {number}")
        await bob.sends(f"bob {number}")
    await ada.hears("ada 7", "bob 7")
    await bob.hears("ada 7", "bob 7")

    await ada.sees_what_is_stored()
    await bob.sees_what_is_stored()
    assert len(await lounge.log()) == 16


async def test_what_was_said_before_is_there_when_a_room_is_opened(lounge):
    await lounge.says("bob", "one", "two", "three")
    ada = await lounge.person("ada")
    await ada.enters(lounge.room)
    await ada.sees_what_is_stored()


async def test_a_message_says_who_wrote_it(lounge):
    await lounge.says("bob", "who am I?")
    ada = await lounge.person("ada")
    await ada.enters(lounge.room)
    await expect(ada.screen.message(1)).to_contain_text("bob")


async def test_direct_messages_go_both_ways_and_to_nobody_else(lounge):
    ada, bob, cyd = await lounge.people("ada", "bob", "cyd")
    await ada.enters("bob")
    await ada.says("psst")
    await expect(bob.screen.link(place_of("ada"))).to_be_visible()
    await bob.enters("ada")
    await bob.hears("psst")
    await bob.says("what?")
    await ada.hears("what?")

    await expect(cyd.screen.navigation).to_be_visible()
    await expect(cyd.screen.conversations.get_by_role("link")).to_have_count(0)


async def test_a_note_to_oneself_stands_once(lounge):
    ada = await lounge.person("ada")
    await ada.enters("ada")
    await ada.says("buy milk")
    await ada.reloads()
    await ada.is_at("ada")
    await ada.hears("buy milk")


async def test_a_room_is_made_and_found_by_another(lounge):
    ada, bob = await lounge.people("ada", "bob")
    await ada.screen.new_room.click()
    await ada.screen.room_name.fill("Kitchen")
    await ada.screen.create_room.click()
    await expect(ada.screen.heading).to_have_text("Kitchen")
    await ada.says("tea?")

    await bob.screen.browse_rooms.click()
    await bob.screen.find_room.fill("kit")
    await bob.screen.rooms_dialog.get_by_text("Kitchen").click()
    await expect(bob.screen.heading).to_have_text("Kitchen")
    await bob.hears("tea?")


async def test_a_room_name_that_is_taken_leads_to_that_room(lounge):
    lounge.forgives(r"/rooms .* 409")
    ada = await lounge.person("ada")
    await ada.screen.new_room.click()
    await ada.screen.room_name.fill("lounge")
    await ada.screen.create_room.click()
    dialog = ada.screen.new_room_dialog
    await expect(dialog).to_contain_text("Lounge")
    await dialog.get_by_role("button", name="Open Lounge").click()
    await ada.is_at(lounge.room)


async def test_a_person_is_found_and_written_to(lounge):
    ada = await lounge.person("ada")
    await ada.screen.new_message.click()
    await ada.screen.find_person.fill("bo")
    await ada.screen.new_message_dialog.get_by_text("bob", exact=True).click()
    await ada.is_at("bob")
    await ada.says("found you")


async def test_a_room_can_be_left_and_is_gone_from_the_navigation(lounge):
    ada = await lounge.person("ada")
    await ada.enters(lounge.room)
    await expect(ada.screen.link(place_of(lounge.room))).to_be_visible()
    await ada.screen.stop_following.click()
    await expect(ada.screen.link(place_of(lounge.room))).to_have_count(0)
    await ada.reloads()
    await ada.is_in()
    await expect(ada.screen.link(place_of(lounge.room))).to_have_count(0)
