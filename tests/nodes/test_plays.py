"""Who is at another server notices nothing of that."""

import asyncio

import httpx2
import pytest

from hubbub import housekeeping
from hubbub.client import Client, Problem, SignedOut, Socket
from hubbub.protocol.frames import MarkFrame
from hubbub.service.limits import Policy
from support.deadline import deadline
from support.seeded import PASSWORD, token_of
from support.serving import Clock


async def test_people_at_different_servers_hear_each_other(town):
    ada, bob = await town.person("ada", 0), await town.person("bob", 1)
    await ada.listens()
    await bob.listens()

    await ada.says("hello")
    await bob.hears("hello")
    await bob.says("good to hear you")

    await ada.hears("hello", "good to hear you")
    await bob.hears("good to hear you")


async def test_who_comes_back_at_another_server_has_missed_nothing(town):
    ada, bob = await town.person("ada", 0), await town.person("bob", 1)
    await bob.listens()
    await ada.says("hello")
    await bob.hears("hello")

    await bob.leaves()
    await ada.says("are you there?", "I will wait")
    await town.moves(bob, to=0)
    await bob.returns()
    await bob.hears("are you there?", "I will wait")

    await bob.leaves()
    await town.moves(bob, to=1)
    await bob.returns()
    await ada.says("still there?")
    await bob.hears("still there?")


async def test_two_servers_that_post_into_one_room_at_once_number_in_one_order(place):
    ada, bob = await place.person("ada", 0), await place.person("bob", 1)
    listeners = [await place.person("cyd", at) for at in (0, 1)]
    for listener in listeners:
        await listener.listens()

    async with await ada.client.socket() as one, await bob.client.socket() as other:
        async with deadline():
            receipts = await asyncio.gather(
                *(
                    socket.post(f"{name} {number}", room=place.room.id)
                    for number in range(100)
                    for name, socket in (("ada", one), ("bob", other))
                )
            )
        heard = [await listener.gets(200) for listener in listeners]

    assert sorted(receipt.seq for receipt in receipts) == list(range(1, 201))
    for events in heard:
        assert [event.seq for event in events] == list(range(1, 201))
    assert [event.text for event in heard[0]] == [event.text for event in heard[1]]


async def test_direct_messages_and_their_copies_reach_all_devices_wherever_they_are(place):
    ada, her_phone = await place.person("ada", 0), await place.person("ada", 1)
    bob, his_phone = await place.person("bob", 1), await place.person("bob", 0)
    for person in (her_phone, bob, his_phone):
        await person.listens(inbox=True)

    await ada.says("psst", to=bob)
    await bob.hears("psst")
    await his_phone.hears("psst")
    await her_phone.hears("psst")


async def test_a_mark_that_moves_is_told_to_devices_at_another_server(place):
    desk, phone = await place.person("ada", 0), await place.person("ada", 1)
    told = []
    phone.ear = phone.client.subscribe((), inbox=True, transport="ws", marked=told.append)
    async with deadline():
        await phone.ear.open()
        await desk.says("one", "two")
        await desk.client.mark(2, room=place.room)
    bob = await place.person("bob", 0)
    await bob.says("and now?", to=desk)
    await phone.hears("and now?")

    assert told == [MarkFrame(room=place.room.id, seq=2)]
    assert [mark.seq async for mark in phone.client.marks()] == [2]


async def test_one_key_at_two_servers_at_once_is_stored_once(place):
    devices = [await place.person("ada", at) for at in (0, 1)]
    async with deadline():
        told = await asyncio.gather(
            *(device.client.post("once", room=place.room, key="k") for _ in range(10) for device in devices)
        )

    assert len({(receipt.id, receipt.seq) for receipt in told}) == 1
    assert len(await devices[0].client.page(place.room)) == 1


async def test_a_post_that_depends_on_the_head_knows_what_was_posted_elsewhere(place):
    ada, bob = await place.person("ada", 0), await place.person("bob", 1)
    await ada.says("first")

    with pytest.raises(Problem) as refused:
        await bob.client.post("also first", room=place.room, if_head=0)
    assert refused.value.members["head"] == 1
    await bob.client.post("second", room=place.room, if_head=1)


async def test_what_was_said_at_one_server_can_be_read_at_another_at_once(place):
    ada, bob = await place.person("ada", 0), await place.person("bob", 1)
    for number in range(20):
        (receipt,) = await ada.says(f"number {number}")
        page = await bob.client.page(place.room, limit=1)
        assert [event.seq for event in page] == [receipt.seq]


async def test_a_ticket_of_one_server_opens_a_stream_at_another(place):
    ada, bob = await place.person("ada", 0), await place.person("bob", 0)
    offer = await ada.client.offer(place.room)
    await bob.says("after the offer")
    elsewhere = offer.websocket.replace(place.nodes[0].url[4:], place.nodes[1].url[4:])

    async with deadline(), await Socket.open(elsewhere, None) as socket:
        assert (await anext(socket)).text == "after the offer"


async def _ends(person) -> str:
    async with deadline():
        with pytest.raises(SignedOut) as over:
            await anext(person.ear)
    return over.value.reason


async def test_signing_out_at_one_server_ends_streams_at_another(place):
    ada = await place.person("ada", 1)
    await ada.listens()
    await place.a_second_passes()
    async with Client(place.nodes[0].url, token=token_of("ada")) as phone:
        await phone.sign_out()

    await place.a_second_passes()

    assert await _ends(ada) == "signed-out"
    with pytest.raises(SignedOut):
        await ada.client.page(place.room)


async def test_a_session_that_was_ended_elsewhere_is_not_remembered_here(place):
    async with Client(place.nodes[1].url, token=token_of("ada")) as ada:
        await ada.page(place.room)
        async with Client(place.nodes[0].url, token=token_of("ada")) as phone:
            await phone.sign_out()
        await place.a_second_passes()

        with pytest.raises(SignedOut):
            await ada.page(place.room)


async def test_who_is_disabled_is_so_at_every_server(place):
    ada = await place.person("ada", 1)
    await ada.listens()
    await place.a_second_passes()
    await place.nodes[0].store.disable("ada", 1)

    await place.a_second_passes()

    assert await _ends(ada) == "disabled"
    async with Client(place.nodes[1].url) as again:
        with pytest.raises(Problem):
            await again.sign_in("ada", PASSWORD)


async def test_other_sessions_go_on_when_one_is_ended_elsewhere(place):
    ada, bob = await place.person("ada", 1), await place.person("bob", 1)
    await ada.listens()
    await bob.listens()
    await place.a_second_passes()
    async with Client(place.nodes[0].url, token=token_of("ada")) as phone:
        await phone.sign_out()
    await place.a_second_passes()

    await bob.says("still here")

    await bob.hears("still here")


async def test_limits_hold_for_all_servers_together(database, nats):
    from .stage import town

    quota = Policy(name="posts", quota=5, window_seconds=3600)
    async with town(database, nats.url, "ws", limits={"posts": quota}) as place:
        ada, her_phone = await place.person("ada", 0), await place.person("ada", 1)
        await ada.says("1", "2", "3", "4", "5")
        async with deadline():
            while place.nodes[1].context.limits.posts.peek("ada").remaining:  # word of it is on its way
                await asyncio.sleep(0.01)

        with pytest.raises(Problem) as refused:
            await her_phone.client.post("one too many", room=place.room)
        assert refused.value.code == "too-fast"


async def test_what_one_server_removed_is_a_gap_at_another(place):
    ada, bob = await place.person("ada", 0), await place.person("bob", 1)
    await bob.listens(after=0)
    await ada.says("old", "older")
    await bob.hears("old", "older")
    await bob.leaves()
    later = place.nodes[0].backend.now_ms() + 1000
    await housekeeping.trim(place.nodes[0].store, place.nodes[0].context, later)
    await ada.says("new")

    cyd = await place.person("cyd", 1)
    await cyd.listens(after=0)

    await cyd.hears("[1 to 2 were removed]", "new")


async def test_a_server_whose_clock_is_an_hour_off_does_no_harm(database, nats):
    from .stage import town

    ahead = Clock()
    ahead.put_forward(hours=1)
    async with town(database, nats.url, "ws", nodes=1) as place:
        await place.opens(clock=ahead)
        ada, bob = await place.person("ada", 0), await place.person("bob", 1)
        offer = await bob.client.offer(place.room)  # half a minute, by the right time
        here = offer.websocket.replace(place.nodes[1].url[4:], place.nodes[0].url[4:])
        (first,), (second,) = await ada.says("now"), await bob.says("also now")
        async with deadline(), await Socket.open(here, None) as socket:
            assert (await anext(socket)).text == "now"
        async with Client(place.nodes[1].url) as late:
            signed_in = await late.sign_in("cyd", PASSWORD)
        async with httpx2.AsyncClient() as http:
            answer = await http.get(
                f"{place.nodes[0].url}/sessions", headers={"Authorization": f"Bearer {signed_in.token}"}
            )
        assert answer.status_code == 200
        assert abs(place.nodes[0].backend.now_ms() - place.nodes[1].backend.now_ms()) < 5_000
        assert second.seq == first.seq + 1


async def test_without_a_bus_the_database_is_asked(database):
    from .stage import town

    async with town(database, None, "ws") as place:
        ada, bob = await place.person("ada", 0), await place.person("bob", 1)
        await bob.listens()
        await ada.says("hello", "again")
        await bob.hears("hello", "again")
        async with httpx2.AsyncClient() as http:
            ready = await http.get(f"{place.nodes[1].url}/health/ready")
        assert (ready.status_code, ready.json()["bus"]) == (200, "away")


async def test_a_bus_that_goes_is_seen_and_done_without_and_one_that_comes_back_is_used(
    place, nats, monkeypatch
):
    ada, bob = await place.person("ada", 0), await place.person("bob", 1)
    await bob.listens()

    async def bus_is(state: str) -> None:
        async with deadline(), httpx2.AsyncClient() as http:
            for node in place.nodes:
                while (await http.get(f"{node.url}/health/ready")).json()["bus"] != state:
                    await asyncio.sleep(0.01)

    await bus_is("up")
    await nats.stop()
    await bus_is("away")
    await ada.says("without")
    await bob.hears("without")
    await nats.start()
    await bus_is("up")
    heard = place.nodes[1].member.relay.heard_messages
    await ada.says("with")
    await bob.hears("with")
    async with deadline():
        while place.nodes[1].member.relay.heard_messages == heard:  # it may come later than it was found
            await asyncio.sleep(0.01)


async def test_a_store_that_was_restored_hears_nothing_of_what_it_was(database, databases, nats):
    from support.seeded import seed_database

    from .stage import town

    other = databases.fresh()
    await seed_database(other)
    try:
        async with (
            town(database, nats.url, "ws", nodes=1) as one,
            town(other, nats.url, "ws", nodes=1) as two,
        ):
            ada, bob = await one.person("ada", 0), await two.person("bob", 0)
            await bob.listens()
            await ada.says("hello")
            await bob.says("nobody else is here")
            await bob.hears("nobody else is here")
            assert two.nodes[0].member.relay.heard_messages == 0
    finally:
        databases.drop(other)
