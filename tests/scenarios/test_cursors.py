"""A cursor is never misread: of another history or from the future refused, of a removed range told so."""

import shutil

import httpx2
import pytest

from hubbub.client import Problem
from hubbub.protocol.frames import GapFrame
from support.deadline import deadline
from support.foreign import read_event_stream
from support.seeded import seed, token_of


async def _refusal(person, after):
    """What the person is told who would listen from there."""

    async def listen():
        await person.listens(after=after)
        await person.gets(1)

    with pytest.raises(Problem) as refused:
        await listen()
    return refused.value


async def test_a_cursor_from_the_future_is_refused_with_the_head_there_is(lounge):
    (ada,) = await lounge.people("ada")
    await ada.says("one", "two")
    refused = await _refusal(ada, 3)
    assert (refused.status, refused.code) == (409, "stale-cursor")
    assert refused.members["head"] == 2


async def test_a_cursor_of_another_epoch_is_refused(lounge):
    (ada,) = await lounge.people("ada")
    await ada.says("one")
    refused = await _refusal(ada, "0123456789abcdef:1")
    assert (refused.status, refused.code) == (409, "stale-cursor")


async def test_a_reader_who_comes_back_to_a_replaced_store_is_told(hall):
    """It began with a bare number, which the new store could take for one of its own."""
    ada, bob = await hall.people("ada", "bob")
    await bob.listens(inbox=True, after=0)
    await ada.says("one", to=bob)
    await bob.hears("one")
    await bob.leaves()

    port = hall.server.address.port
    await hall.closes()
    shutil.rmtree(hall.data)
    await seed(hall.data)
    await hall.opens(port=port)
    await ada.says("another one", "and two", to=bob)

    async def come_back():
        await bob.returns()
        await bob.gets(1)

    with pytest.raises(Problem) as refused:
        await come_back()
    assert refused.value.code == "stale-cursor"


@pytest.mark.parametrize("after", ["-1", "1.5", "x", "1e3", "9" * 19, "١"])
async def test_what_is_no_cursor_is_bad_input_on_every_transport(place, after):
    headers = {"Authorization": f"Bearer {token_of('ada')}"}
    async with httpx2.AsyncClient(base_url=place.url, headers=headers) as http:
        for path in ("messages", "subscribe"):
            for accept in ("application/json", "text/event-stream", "application/x-ndjson"):
                answer = await http.get(
                    f"/room/{place.room.id}/{path}", params={"after": after}, headers={"Accept": accept}
                )
                assert answer.status_code == 400
                assert answer.json()["field"] == "after"
    ada = await place.person("ada")
    async with await ada.client.socket() as socket:
        with pytest.raises(Problem) as refused:
            await socket.subscribe(place.room.id, after=after)
        assert (refused.value.status, refused.value.members["field"]) == (400, "after")


async def test_a_removed_range_is_named_and_reading_goes_on_behind_it(lounge):
    ada, bob = await lounge.with_people("ada", "bob")
    await ada.says("one", "two", "three")
    await bob.hears("one")
    await bob.leaves()
    await ada.says("four")

    lounge.clock.put_forward(days=2)
    await lounge.opens_again(retention_days=1)
    async with deadline():
        while not isinstance((await ada.client.page(lounge.room, after=0) or [None])[0], GapFrame):
            pass
    await ada.says("five")

    await bob.returns()
    (gap,) = await bob.gets(1)
    assert (gap.room, gap.last, gap.reason) == (lounge.room.id, 4, "retention")
    assert gap.first <= 2
    await bob.hears("five")
    assert (await bob.client.room_by_id(lounge.room.id)).head == 5


async def test_a_key_of_a_removed_message_still_answers_with_it(place):
    (ada,) = await place.people("ada")
    first = await ada.client.post("once", room=place.room, key="k")
    place.clock.put_forward(days=2)
    await place.opens_again(retention_days=1)
    async with deadline():
        while not isinstance((await ada.client.page(place.room, after=0) or [None])[0], GapFrame):
            pass
    assert await ada.client.post("once", room=place.room, key="k") == first
    with pytest.raises(Problem) as refused:
        await ada.client.post("another", room=place.room, key="k")
    assert refused.value.code == "key-reused"


async def test_last_event_id_wins_over_after(place):
    ada = await place.person("ada")
    await ada.says("one", "two", "three")
    headers = {"Authorization": f"Bearer {token_of('ada')}"}
    async with httpx2.AsyncClient(base_url=place.url, headers=headers) as http:
        url = f"/room/{place.room.id}/subscribe?after=0"
        async with read_event_stream(http, url) as events, deadline():
            ids = [(await anext(events)).id for _ in range(4)]
        async with read_event_stream(http, url, Last_Event_ID=ids[2]) as events, deadline():
            assert [(await anext(events)).id for _ in range(2)] == ids[2:]


async def test_the_id_of_a_stream_of_many_logs_is_a_place_in_all_of_them(place):
    ada, bob = await place.people("ada", "bob")
    attic = await ada.client.create_room("Attic")
    await ada.says("u1", "u2", room=attic)
    await ada.says("d1", "d2", to=bob)
    headers = {"Authorization": f"Bearer {token_of('bob')}"}
    async with httpx2.AsyncClient(base_url=place.url, headers=headers) as http:
        url = f"/subscribe?room={attic.id}@0&inbox=0&room={place.room.id}"
        async with read_event_stream(http, url) as events, deadline():
            heard = [await anext(events) for _ in range(5)]
        for place_in_time in range(5):
            async with (
                read_event_stream(http, url, Last_Event_ID=heard[place_in_time].id) as events,
                deadline(),
            ):
                again = [await anext(events) for _ in range(5 - place_in_time)]
            assert [event.data for event in again[1:]] == [event.data for event in heard[place_in_time + 1 :]]
