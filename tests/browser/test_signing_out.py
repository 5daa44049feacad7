"""Signing out ends every tab of the browser, and leaves what is somebody else's alone."""

from playwright.async_api import expect


async def test_signing_out_in_one_tab_ends_the_others(lounge):
    ada = await lounge.person("ada")
    beside = await ada.another_tab()
    await beside.enters(lounge.room)
    await ada.signs_out()
    await beside.is_out()


async def test_another_device_and_another_person_stay(lounge):
    ada, bob = await lounge.guests("ada", "bob")
    phone = await ada.another_device()
    await phone.enters(lounge.room)
    await ada.signs_out()
    await bob.says("still here")
    await phone.hears("still here")


async def test_a_device_can_be_signed_out_from_the_settings_of_another(lounge):
    lounge.forgives("401")
    ada = await lounge.person("ada")
    phone = await ada.another_device()
    await ada.opens_the_settings()
    async with lounge.api("ada") as client:
        count = len(await client.sessions())
    await expect(ada.screen.sign_out_there).to_have_count(count - 1)
    await ada.screen.sign_out_there.last.click()
    await phone.is_out()
    await ada.is_in()


async def test_what_one_wrote_and_did_not_send_is_not_shown_to_the_next_and_is_not_lost(lounge):
    ada = await lounge.person("ada")
    await ada.enters(lounge.room)
    await ada.types("a secret of mine")
    await ada.signs_out()

    ada.name = "bob"
    await ada.signs_in()
    await ada.enters(lounge.room)
    await expect(ada.screen.composer).to_have_value("")
    await ada.types("a secret of bob's")
    await ada.signs_out()

    ada.name = "ada"
    await ada.signs_in()
    await ada.enters(lounge.room)
    await expect(ada.screen.composer).to_have_value("a secret of mine")
