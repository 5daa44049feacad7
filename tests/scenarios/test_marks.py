"""What was read on one device is read on all of them, and nobody else is told."""

import httpx2
import pytest

from hubbub.protocol.frames import MarkFrame
from support.deadline import deadline
from support.seeded import token_of


@pytest.fixture
async def devices(hall):
    """Two of ada's, of which the phone listens to her inbox, and what it is told of marks."""
    desk, phone = await hall.people("ada", "ada")
    told = []
    phone.ear = phone.client.subscribe((), inbox=True, transport=phone.transport, marked=told.append)
    async with deadline():
        await phone.ear.open()
    return desk, phone, told


async def test_what_is_read_on_one_device_is_told_to_the_other(hall, devices):
    desk, phone, told = devices
    bob = await hall.person("bob")
    await bob.says("one", "two")
    await bob.says("psst", to=desk)
    await phone.hears("psst")
    async with deadline():
        assert await desk.client.mark(2, room=hall.room) == 2
        assert await desk.client.mark(1, to="bob") == 1
        await desk.client.unfollow(hall.room)
    await bob.says("still there?", to=desk)
    await phone.hears("still there?")
    assert told == [
        MarkFrame(room=hall.room.id, seq=2),
        MarkFrame(user="bob", seq=1),
        MarkFrame(room=hall.room.id),
    ]


async def test_who_listens_to_many_logs_is_told_too(hall):
    desk, phone, bob = await hall.people("ada", "ada", "bob")
    told = []
    phone.ear = phone.client.subscribe(hall.room, inbox=True, transport=phone.transport, marked=told.append)
    async with deadline():
        await phone.ear.open()
        await desk.client.mark(0, room=hall.room)
    await bob.says("hello", to=desk)
    await phone.hears("hello")
    assert told == [MarkFrame(room=hall.room.id, seq=0)]


async def test_nobody_else_is_told_what_was_read(hall):
    ada, eve, bob = await hall.people("ada", "eve", "bob")
    told = []
    eve.ear = eve.client.subscribe(hall.room, inbox=True, transport=eve.transport, marked=told.append)
    async with deadline():
        await eve.ear.open()
        await ada.client.mark(0, room=hall.room)
        await ada.client.mark(0, to="eve")
    await bob.says("good morning all")
    await bob.says("good morning eve", to=eve)
    await eve.hears("good morning all", "good morning eve")
    assert told == []


async def test_a_mark_is_not_repeated_to_who_was_away_and_moves_no_cursor(hall, devices):
    desk, phone, told = devices
    bob = await hall.person("bob")
    await bob.says("before", to=desk)
    await phone.hears("before")
    before = phone.ear.cursors()
    async with deadline():
        await desk.client.mark(0, room=hall.room)
    await bob.says("after", to=desk)
    await phone.hears("after")
    assert len(told) == 1
    await phone.ear.close()
    told.clear()

    phone.ear = phone.client.subscribe(
        (), inbox=True, after=before, transport=phone.transport, marked=told.append
    )
    await phone.hears("after")
    assert told == []
    async with deadline():
        assert [(each.room, each.seq) async for each in phone.client.marks()] == [(hall.room.id, 0)]


async def test_devices_agree_whatever_the_order_of_their_requests(place):
    desk, phone, bob = await place.people("ada", "ada", "bob")
    await bob.says("one", "two", "three")
    async with deadline():
        assert await phone.client.mark(3, room=place.room) == 3
        assert await desk.client.mark(1, room=place.room) == 3
        for device in (desk, phone):
            (room,) = [each async for each in device.client.marks()]
            assert (room.seq, room.head) == (3, 3)


async def test_what_is_unread_is_counted_until_it_is_read_also_over_a_restart(place):
    ada, bob = await place.people("ada", "bob")
    await bob.says("one", "two", to=ada)
    await ada.says("three", to=bob)
    async with deadline():
        await ada.client.mark(1, to="bob")
        await place.opens_again()
        (talk,) = [each async for each in ada.client.conversations()]
    assert (talk.user, talk.seq, talk.unread, talk.last.text) == ("bob", 1, 1, "three")


async def test_over_server_sent_events_a_mark_has_no_id(place):
    ada, bob = await place.people("ada", "bob")
    headers = {"Authorization": f"Bearer {token_of('ada')}", "Accept": "text/event-stream"}
    for path in ("/inbox/subscribe", f"/subscribe?room={place.room.id}&inbox="):
        async with (
            deadline(),
            httpx2.AsyncClient(base_url=place.url, headers=headers) as http,
            http.stream("GET", path) as answer,
        ):
            lines = answer.aiter_lines()
            async for line in lines:  # where it starts
                if line.startswith("id:"):
                    break
            await ada.client.mark(0, room=place.room)
            await ada.client.unfollow(place.room)
            await bob.says("end", to=ada)
            seen = []
            async for line in lines:
                seen.append(line)
                if line.startswith("data:") and "end" in line:
                    break
        first = seen.index("event: mark")
        assert seen[first + 1] == f'data: {{"type":"mark","room":"{place.room.id}","seq":0}}'
        assert not any(line.startswith("id:") for line in seen[: seen.index("event: message") - 1])
