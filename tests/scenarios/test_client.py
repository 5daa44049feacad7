"""The client's verbs against a real server."""

import asyncio

import pytest

from hubbub.client import Client, Problem, SignedOut
from hubbub.domain.ids import room_log
from support.deadline import deadline
from support.seeded import NAMES, PASSWORD


async def test_from_nothing_to_a_conversation(place):
    async with Client(place.url) as zoe:
        assert (await zoe.sign_up("Zoe", PASSWORD)).name == "zoe"
        assert (await zoe.sign_in("zoe", PASSWORD)).user == "zoe"
        room = await zoe.create_room("Tea room")
        async with zoe.subscribe(room) as stream:
            await zoe.post("anyone for tea?", room=room)
            assert (await anext(stream)).text == "anyone for tea?"
        await zoe.sign_out()
        with pytest.raises(SignedOut):
            await zoe.room_by_id(room.id)


async def test_signing_in_with_what_is_wrong_does_not_say_what(place):
    async with Client(place.url) as client:
        told = []
        for name, password in (("ada", "not her password"), ("nobody", PASSWORD)):
            with pytest.raises(Problem) as refused:
                await client.sign_in(name, password)
            told.append((refused.value.status, refused.value.code, refused.value.detail))
    assert told[0] == told[1]
    assert told[0][:2] == (401, "wrong-credentials")


async def test_a_name_can_be_had_once(place):
    async with Client(place.url) as client:
        with pytest.raises(Problem) as refused:
            await client.sign_up("ADA", PASSWORD)
    assert (refused.value.status, refused.value.code) == (409, "name-taken")


async def test_sessions_are_listed_and_another_one_can_be_ended(place):
    ada, phone = await place.people("ada", "ada")
    signed_in = await phone.client.sign_in("ada", PASSWORD)
    sessions = await ada.client.sessions()
    assert [session.current for session in sessions] == [True, False]
    assert sessions[1].id == signed_in.id
    await ada.client.end_session(signed_in.id)
    with pytest.raises(SignedOut):
        await phone.client.sessions()
    assert len(await ada.client.sessions()) == 1
    bob = await place.person("bob")
    with pytest.raises(Problem) as refused:
        await bob.client.end_session(sessions[0].id)
    assert refused.value.status == 404


async def test_a_room_is_found_by_its_name_whatever_its_case(place):
    ada = await place.person("ada")
    room = await ada.client.create_room("Große Halle")
    assert await ada.client.room("GROSSE halle") == room
    with pytest.raises(Problem) as refused:
        await ada.client.room("Große")
    assert refused.value.code == "no-such-room"


async def test_a_taken_room_name_says_whose_it_is(place):
    ada = await place.person("ada")
    with pytest.raises(Problem) as refused:
        await ada.client.create_room("LOUNGE ")
    assert (refused.value.status, refused.value.code) == (409, "name-taken")
    assert refused.value.members["conflicts_with"] == f"/room/{place.room.id}"


@pytest.fixture
def small_pages(monkeypatch):
    """The client asks for twenty at a time."""
    monkeypatch.setattr("hubbub.client.pages.PAGE", 20)


async def test_lists_are_read_page_after_page(place, small_pages):
    ada = await place.person("ada")
    for number in range(45):
        await ada.client.create_room(f"room {number:02}")
    names = [room.name async for room in ada.client.rooms()]
    assert len(names) == 46
    assert names == sorted(names, key=str.casefold)
    assert [room.name async for room in ada.client.rooms(prefix="ROOM 1")] == [
        f"room 1{n}" for n in range(10)
    ]
    assert [user.name async for user in ada.client.people()] == sorted(NAMES)
    assert [user.name async for user in ada.client.people(prefix="D")] == ["dan"]


async def test_history_is_read_both_ways_as_far_as_one_goes(place, small_pages):
    ada = await place.person("ada")
    async with await ada.client.socket() as socket:
        for number in range(1, 46):
            await socket.post(str(number), room=place.room.id)
    history = ada.client.history
    assert [event.seq async for event in history(place.room, after=0)] == list(range(1, 46))
    assert [event.seq async for event in history(place.room, after=35)] == list(range(36, 46))
    assert [event.seq async for event in history(place.room)] == list(range(45, 0, -1))
    assert [event.seq async for event in history(place.room, before=11)] == list(range(10, 0, -1))
    newest = history(place.room)
    assert (await anext(newest)).seq == 45
    await newest.aclose()
    assert [event.seq for event in await ada.client.page(place.room, after=3, limit=4)] == [4, 5, 6, 7]
    assert [event.seq for event in await ada.client.page(place.room, before=8, limit=4)] == [4, 5, 6, 7]
    assert [event.seq for event in await ada.client.page(place.room, limit=2)] == [44, 45]


async def test_a_subscription_can_be_kept_for_another_day(place):
    ada, bob = await place.people("ada", "bob")
    async with bob.client.subscribe(place.room, inbox=True) as stream:
        kept = stream.cursors()
    await ada.says("one")
    await ada.says("psst", to=bob)
    async with bob.client.subscribe(place.room, inbox=True, after=kept) as stream:
        assert {(await anext(stream)).text for _ in range(2)} == {"one", "psst"}


@pytest.mark.parametrize("transport", ["ws", "sse", "ndjson"])
async def test_subscribing_to_what_is_not_there_is_an_error_at_once(place, transport):
    ada = await place.person("ada")
    for after in (None, 0):
        with pytest.raises(Problem) as refused:
            await anext(ada.client.subscribe("nowhere", after=after, transport=transport))
        assert (refused.value.status, refused.value.code) == (404, "no-such-room")


@pytest.mark.parametrize("transport", ["ws", "sse", "ndjson"])
async def test_what_a_newer_server_says_beside_is_passed_over(place, transport):
    ada, bob = await place.people("ada", "bob")
    async with bob.client.subscribe(place.room, transport=transport) as stream:
        place.server.context.hub.tell(room_log(place.room.id), "typing", b'{"type":"typing","user":"ada"}')
        await ada.says("hello")

        assert (await anext(stream)).text == "hello"
        assert stream.connections == 1


@pytest.mark.parametrize("url", ["localhost:8080", "ftp://x", "http://"])
async def test_an_address_that_cannot_be_a_servers_is_a_mistake_at_once(url):
    with pytest.raises(ValueError, match="http"):
        Client(url)


async def test_a_post_goes_to_one_place(place):
    ada = await place.person("ada")
    with pytest.raises(ValueError, match="one of the two"):
        await ada.client.post("hi")
    with pytest.raises(ValueError, match="one of the two"):
        await ada.client.post("hi", room=place.room, to="bob")


async def test_a_subscription_can_be_closed_by_another_task_than_the_one_that_reads(hall):
    bob = await hall.person("bob")
    stream = await bob.client.subscribe(hall.room, transport=hall.transport).open()
    reading = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0)
    async with deadline():
        await stream.close()
        with pytest.raises(StopAsyncIteration):
            await reading
