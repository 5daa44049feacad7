"""Networks that are slow, gone, or let no WebSocket through."""

import re

from playwright.async_api import expect

TEXTS = [f"number {number}" for number in range(12)]


async def test_on_a_slow_road_everything_arrives_once_and_in_order(lounge):
    road = await lounge.road()
    ada = await lounge.person("ada", url=road.url)
    await ada.enters(lounge.room)
    road.drip(4_000)
    for text in TEXTS:
        await ada.sends(text)
    await lounge.says("bob", "and I")
    await ada.hears(*TEXTS, "and I")
    await ada.sees_what_is_stored()


async def test_who_was_cut_off_catches_up_without_loss_or_repeat(lounge):
    lounge.forgives_a_lost_connection()
    road = await lounge.road()
    ada = await lounge.person("ada", url=road.url)
    await ada.enters(lounge.room)
    await lounge.says("bob", "before")
    await ada.hears("before")

    road.shut = True
    road.cut()
    await ada.is_told(re.compile(r"Reconnecting in \d+ s|Connecting"))
    await lounge.says("bob", *TEXTS)
    road.shut = False
    await ada.hears(*TEXTS)
    await ada.is_told("Live")
    await ada.sees_what_is_stored()


async def test_a_browser_without_a_network_says_so_and_sends_when_there_is_one(lounge):
    lounge.forgives_a_lost_connection()
    road = await lounge.road()
    ada = await lounge.person("ada", url=road.url)
    await ada.enters(lounge.room)
    await lounge.is_followed_by("ada")

    await ada.context.set_offline(True)
    road.shut = True
    road.cut()
    await ada.is_told("Offline: messages wait")
    await ada.sends("when you can")
    await expect(ada.screen.unsent("waiting")).to_contain_text("when you can")
    await lounge.says("bob", *TEXTS)

    road.shut = False
    await ada.context.set_offline(False)
    await ada.hears(*TEXTS, "when you can")
    await ada.is_told("Live")
    await ada.sees_what_is_stored()


async def test_a_road_that_swallows_everything_is_noticed_and_left(lounge):
    """Nobody is told that it is gone: whoever posts gets no answer, and comes another way."""
    lounge.forgives_a_lost_connection()
    road = await lounge.road()
    ada = await lounge.person("ada", url=road.url)
    await ada.enters(lounge.room)
    road.vanish()
    await ada.sends("hello?")
    await expect(ada.screen.pending).to_have_count(1)
    await lounge.says("bob", "ada?")
    road.cut()
    road.there.open.set()
    road.free()
    await ada.hears("hello?", "ada?")
    await ada.sees_what_is_stored()


async def test_where_no_websocket_comes_through_an_event_stream_carries_the_same(lounge):
    lounge.forgives_a_lost_connection()
    lounge.forgives(r"WebSocket")
    road = await lounge.road()
    road.refuses_upgrades = True
    streams = []
    ada = await lounge.visitor("ada", url=road.url)
    ada.screen.page.on(
        "request", lambda request: streams.append(request.url) if "subscribe" in request.url else None
    )
    await ada.signs_in()
    await ada.enters(lounge.room)
    await ada.is_told("Live")
    bob = await lounge.person("bob")
    await bob.enters(lounge.room)

    await bob.says(*TEXTS[:3])
    await ada.hears(*TEXTS[:3])
    await ada.says("I hear you")
    await bob.hears("I hear you")
    await lounge.says("bob", "psst", to="ada")
    await ada.sees_unread("bob", 1)
    assert streams, "it was told by no event stream"

    road.cut()
    await lounge.says("bob", *TEXTS[3:])
    await ada.hears(*TEXTS[3:])
    await ada.sees_what_is_stored()


async def test_who_opens_the_page_is_told_when_the_server_does_not_answer(lounge):
    lounge.forgives_a_lost_connection()
    fay = await lounge.visitor("fay")
    page = fay.screen.page
    await page.clock.install()
    await page.route("**/sessions/current", lambda route: route.abort())
    await page.reload()
    await page.clock.run_for(5_000)
    await expect(page.get_by_text("does not answer")).to_be_visible()
    await page.unroute("**/sessions/current")
    await page.clock.run_for(60_000)
    await fay.is_out()


async def test_nobody_is_told_live_before_it_is(lounge):
    """The page and its requests come through, a live connection does not."""
    lounge.forgives_a_lost_connection()
    road = await lounge.road()
    road.refuses_upgrades = True
    ada = await lounge.visitor("ada", url=road.url)
    await ada.context.route(re.compile("/subscribe"), lambda route: route.abort())
    await ada.screen.page.evaluate(
        """() => {
            window.told = new Set()
            new MutationObserver(() => {
                for (const status of document.querySelectorAll("[role=status]")) told.add(status.textContent)
            }).observe(document.body, { subtree: true, childList: true, characterData: true })
        }"""
    )
    await ada.signs_in()
    await ada.is_told(re.compile("Reconnecting"))
    told = await ada.screen.page.evaluate("[...told]")
    assert "Connecting" in told
    assert "Live" not in told


async def test_over_an_event_stream_a_room_that_does_not_exist_keeps_nobody_from_hearing_another(lounge):
    lounge.forgives(r"/subscribe\?.* 404")
    ada = await lounge.person("ada")
    heard = await ada.screen.page.evaluate(
        """async room => {
            const { Client, connect } = await import("/assets/hubbub.js")
            const told = []
            return new Promise(done => {
                const listener = connect(new Client(), {
                    event: event => { listener.stop(); done([...told, event.text]) },
                    refused: (log, code) => told.push(log + " " + code),
                    state: ({ state }) => state === "live" && new Client().post({ room }, "hello"),
                }, { WebSocket: null })
                for (const id of [room, "gone", "lost"]) listener.listen("room/" + id)
            })
        }""",
        lounge.room.id,
    )
    assert heard == ["room/gone no-such-room", "room/lost no-such-room", "hello"]
