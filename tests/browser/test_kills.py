"""The server dies without a word while people write, and comes back."""

import re

from playwright.async_api import expect

from support.deadline import deadline

ADA = [f"ada {number}" for number in range(6)]
BOB = [f"bob {number}" for number in range(6)]


async def test_everything_typed_across_a_kill_is_stored_once_and_shown_once(mortal):
    mortal.forgives_a_lost_connection()
    ada, bob = await mortal.guests("ada", "bob")
    for number in range(3):
        await ada.sends(ADA[number])
        await bob.sends(BOB[number])
    await mortal.process.kill()
    for number in range(3, 6):
        await ada.sends(ADA[number])
        await bob.sends(BOB[number])
    await mortal.process.start()
    await ada.hears(*ADA, *BOB)
    await bob.hears(*ADA, *BOB)

    stored = [text for _, text in await mortal.log()]
    assert sorted(stored) == sorted(ADA + BOB)
    assert [text for text in stored if text in ADA] == ADA
    assert [text for text in stored if text in BOB] == BOB
    await ada.sees_what_is_stored()
    await bob.sees_what_is_stored()


async def test_what_is_typed_while_the_server_is_away_is_shown_as_waiting(mortal):
    mortal.forgives_a_lost_connection()
    (ada,) = await mortal.guests("ada")
    await mortal.process.kill()
    await ada.is_told(re.compile("Reconnecting|Connecting"))
    await ada.sends("are you there?")
    await expect(ada.screen.unsent("waiting")).to_contain_text("are you there?")
    await expect(ada.screen.unsent("waiting")).to_contain_text("Waiting for the connection")
    await mortal.process.start()
    await ada.hears("are you there?")
    await expect(ada.screen.pending).to_have_count(0)
    await ada.is_told("Live")


async def test_a_reload_before_the_server_is_back_keeps_what_was_not_sent(mortal):
    mortal.forgives_a_lost_connection()
    (ada,) = await mortal.guests("ada")
    await ada.says("before")
    await mortal.process.kill()
    await ada.sends("one")
    await ada.sends("two")
    await expect(ada.screen.unsent("waiting")).to_have_count(2)
    await mortal.process.start()
    await ada.reloads()
    await ada.is_at(mortal.room)
    await ada.hears("before", "one", "two")
    await ada.sees_what_is_stored()
    assert [text for _, text in await mortal.log()] == ["before", "one", "two"]


async def test_a_message_whose_answer_was_lost_is_not_stored_twice(lounge):
    """Stored, and the road is cut before the answer: the page cannot know, and sends it again.

    The road stays shut for a while, because a browser itself sends again once, the very same request.
    """
    lounge.forgives_a_lost_connection()
    road = await lounge.road()
    ada = await lounge.person("ada", url=road.url)
    await ada.enters(lounge.room)
    road.block()
    await ada.sends("once")
    async with lounge.api("bob") as client, deadline():
        while not await client.page(lounge.room):
            pass
    road.shut = True
    road.cut()
    await expect(ada.screen.unsent("waiting")).to_have_count(1)
    road.shut = False
    road.free()
    await ada.hears("once")
    await ada.sees_what_is_stored()
    assert [text for _, text in await lounge.log()] == ["once"]
