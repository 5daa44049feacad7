"""Writing: drafts, lines, what could not be sent."""

from playwright.async_api import expect

from browser.screen import place_of
from hubbub.service.limits import Policy

TOO_LONG = "x" * 16_385
"""A byte more than a message may hold."""


async def test_a_draft_survives_a_reload_and_a_look_into_another_room(lounge):
    async with lounge.api("ada") as client:
        kitchen = await client.create_room("Kitchen")
    ada = await lounge.person("ada")
    await ada.enters(lounge.room)
    await ada.types("not finished")
    await ada.enters(kitchen)
    await expect(ada.screen.composer).to_have_value("")
    await ada.types("another")
    await ada.enters(lounge.room)
    await expect(ada.screen.composer).to_have_value("not finished")
    await ada.reloads()
    await ada.is_at(lounge.room)
    await expect(ada.screen.composer).to_have_value("not finished")
    await expect(ada.screen.link(place_of(kitchen))).to_have_accessible_name("Kitchen draft")


async def test_what_was_sent_is_no_draft_any_more(lounge):
    ada = await lounge.person("ada")
    await ada.enters(lounge.room)
    await ada.says("finished")
    await expect(ada.screen.composer).to_have_value("")
    await ada.reloads()
    await ada.is_at(lounge.room)
    await expect(ada.screen.composer).to_have_value("")


async def test_shift_enter_makes_a_line_and_enter_sends_them_all(lounge):
    ada = await lounge.person("ada")
    await ada.enters(lounge.room)
    await ada.screen.composer.press_sequentially("one")
    await ada.screen.composer.press("Shift+Enter")
    await ada.screen.composer.press_sequentially("two")
    await ada.screen.composer.press("Enter")
    await expect(ada.screen.message(1)).to_be_visible()
    assert await lounge.log() == [(1, "one\ntwo")]


async def test_a_word_that_is_still_being_composed_is_not_sent_by_enter(lounge):
    """As in Japanese: the Enter that accepts a candidate belongs to the input method."""
    ada = await lounge.person("ada")
    await ada.enters(lounge.room)
    await ada.types("日本")
    await ada.screen.composer.evaluate(
        "field => field.dispatchEvent(new KeyboardEvent('keydown',"
        " { key: 'Enter', isComposing: true, bubbles: true, cancelable: true }))"
    )
    await expect(ada.screen.composer).to_have_value("日本")
    assert await lounge.log() == []


async def test_nothing_but_white_space_is_not_sent(lounge):
    ada = await lounge.person("ada")
    await ada.enters(lounge.room)
    await ada.sends("  \n ")
    await ada.says("something")
    assert [text for _, text in await lounge.log()] == ["something"]


async def test_what_the_server_refuses_can_be_discarded_or_tried_again(lounge):
    """The room's limit of posts is not what is meant here: it refuses for good."""
    lounge.forgives(r"status of 4\d\d")
    ada = await lounge.person("ada")
    await ada.enters(lounge.room)
    await refuses_posts(ada)
    await ada.sends("one")
    await ada.sends("two")
    failed = ada.screen.unsent("failed")
    await expect(failed).to_have_count(2)
    await expect(failed.first).to_contain_text("Not sent")
    await failed.filter(has_text="one").get_by_role("button", name="Discard").click()
    await expect(failed).to_have_count(1)

    await ada.screen.page.unroute_all()
    await failed.get_by_role("button", name="Try again").click()
    await ada.hears("two")
    await ada.sees_what_is_stored()
    assert [text for _, text in await lounge.log()] == ["two"]


async def refuses_posts(person) -> None:
    """The next posts are answered as by a server that will not have them."""

    async def refuse(route) -> None:
        if route.request.method == "POST":
            await route.fulfill(
                status=403,
                content_type="application/problem+json",
                json={
                    "type": "/problems/not-allowed",
                    "title": "Not allowed",
                    "status": 403,
                    "detail": "No.",
                },
            )
        else:
            await route.continue_()

    await person.screen.page.route("**/messages*", refuse)


async def test_a_text_that_is_too_long_is_said_and_kept(lounge):
    lounge.forgives(r"status of 413")
    ada = await lounge.person("ada")
    await ada.enters(lounge.room)
    await ada.sends(TOO_LONG)
    await expect(ada.screen.main.get_by_text("too long").first).to_be_visible()
    assert await lounge.log() == []
    assert await ada.screen.page.evaluate(
        "text => document.body.textContent.includes(text) ||"
        " [...document.querySelectorAll('textarea')].some(field => field.value === text)",
        TOO_LONG,
    )


async def test_the_longest_text_is_sent_and_shown_whole(lounge):
    text = "word " * 3_276 + "end."
    assert len(text) == 16_384
    ada, bob = await lounge.guests("ada", "bob")
    await ada.sends(text)
    await expect(bob.screen.message(1)).to_contain_text("word end.")
    assert await lounge.log() == [(1, text)]


async def test_a_limit_of_posts_is_waited_for_and_nothing_is_lost(lounge):
    lounge.forgives(r"status of 429", r"net::ERR_", r"WebSocket")
    await lounge.opens_again(limits={"posts": Policy(name="posts", quota=3, window_seconds=1)})
    ada = await lounge.person("ada")
    await ada.enters(lounge.room)
    texts = [f"number {number}" for number in range(7)]
    for text in texts:
        await ada.sends(text)
    await ada.hears(*texts)
    await ada.sees_what_is_stored()
    assert [text for _, text in await lounge.log()] == texts
