"""The door: making an account, signing in, signing out."""

import re

from playwright.async_api import expect

from support.seeded import PASSWORD


async def test_somebody_new_makes_an_account_and_is_in(lounge):
    fay = await lounge.visitor("fay")
    await fay.is_out()
    await fay.signs_up()

    await fay.reloads()
    await fay.is_in()


async def test_who_has_signed_out_is_out_and_can_come_back(lounge):
    ada = await lounge.person("ada")
    await ada.signs_out()
    await ada.reloads()
    await ada.is_out()
    await ada.signs_in()


async def test_a_wrong_password_is_said_and_nobody_is_let_in(lounge):
    ada = await lounge.visitor("ada")
    await ada.fills_in("wrong horse battery")
    await ada.screen.sign_in.click()

    await expect(ada.screen.alert).to_contain_text("password")
    await ada.is_out()
    await ada.signs_in()


async def test_a_name_that_is_taken_is_said(lounge):
    lounge.forgives(r"/users .* 409")
    eve = await lounge.visitor("ada")
    await eve.screen.to_sign_up.click()
    await eve.fills_in(PASSWORD)
    await eve.screen.sign_up.click()

    await expect(eve.screen.alert).to_contain_text("taken")
    await expect(eve.screen.name).to_be_focused()
    await expect(eve.screen.name).to_have_accessible_description(re.compile("taken"))
    await expect(eve.screen.sign_up_heading).to_be_visible()


async def test_what_cannot_be_a_password_is_said_before_anything_is_made(lounge):
    lounge.forgives(r"/users .* 400")
    fay = await lounge.visitor("fay")
    await fay.screen.to_sign_up.click()
    await fay.fills_in("short")
    await fay.screen.sign_up.click()

    await expect(fay.screen.alert).to_contain_text("8")
    await expect(fay.screen.password).to_be_focused()
    await expect(fay.screen.password).to_have_attribute("aria-invalid", "true")
    async with lounge.api("ada") as client:
        assert "fay" not in [person.name async for person in client.people()]


async def test_the_cookie_is_out_of_reach_of_scripts(lounge):
    ada = await lounge.person("ada")
    assert await ada.screen.page.evaluate("document.cookie") == ""
    stored = await ada.screen.page.evaluate("JSON.stringify({...localStorage, ...sessionStorage})")
    assert "hb_" not in stored
    assert PASSWORD not in stored
