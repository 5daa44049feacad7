"""Many rooms and the inbox on one stream, each with its own place."""

import pytest


@pytest.fixture
async def three(hall):
    ada = await hall.person("ada")
    return [await ada.client.create_room(name) for name in ("Attic", "Cellar", "Garden")]


async def test_one_stream_carries_rooms_and_the_inbox(hall, three):
    attic, cellar, garden = three
    ada, bob = await hall.people("ada", "bob")
    await bob.listens(attic, cellar, inbox=True)
    await ada.says("up here", room=attic)
    await ada.says("out here", room=garden)
    await ada.says("psst", to=bob)
    await ada.says("down here", room=cellar)
    heard = await bob.hears("up here", "psst", "down here")
    assert [event.room for event in heard] == [attic.id, None, cellar.id]


async def test_each_log_goes_on_from_its_own_place(hall, three):
    attic, cellar, _ = three
    ada, bob = await hall.people("ada", "bob")
    await ada.says("a1", "a2", "a3", room=attic)
    await ada.says("c1", "c2", room=cellar)
    await ada.says("d1", "d2", to=bob)
    await bob.listens(attic, cellar, inbox=True, after={attic.id: 2, cellar.id: None, None: 1})
    await ada.says("c3", room=cellar)
    heard = await bob.gets(3)
    assert sorted(event.text for event in heard) == ["a3", "c3", "d2"]


async def test_coming_back_to_many_logs_misses_nothing_in_any(hall, three):
    ada, bob = await hall.people("ada", "bob")
    await bob.listens(*three, inbox=True)
    for room in three:
        await ada.says("one", room=room)
    await bob.hears("one", "one", "one")
    await bob.leaves()
    for room in three:
        await ada.says("two", "three", room=room)
    await ada.says("psst", to=bob)
    await bob.returns()
    heard = await bob.gets(7)
    for log in (*(room.id for room in three), None):
        texts = [event.text for event in heard if event.room == log]
        assert texts == (["psst"] if log is None else ["two", "three"])


async def test_a_broken_stream_of_many_logs_mends_itself(hall, three):
    attic, cellar, _ = three
    ada = await hall.person("ada")
    road = await hall.road()
    bob = await hall.person("bob", url=road.url)
    await bob.listens(attic, cellar, inbox=True)
    for number in range(3):
        await ada.says(f"a{number}", room=attic)
        await bob.hears(f"a{number}")
        road.cut()
        await ada.says(f"c{number}", room=cellar)
        await bob.hears(f"c{number}")
        road.cut()
        await ada.says(f"d{number}", to=bob)
        await bob.hears(f"d{number}")


async def test_what_is_no_longer_wanted_is_no_longer_heard(place):
    ada = await place.person("ada")
    attic = await ada.client.create_room("Attic")
    async with await ada.client.socket() as socket:
        await socket.subscribe(attic.id)
        await socket.subscribe(place.room.id)
        await socket.post("one", room=attic.id)
        await socket.unsubscribe(attic.id)
        await socket.post("two", room=attic.id)
        await socket.post("three", room=place.room.id)
        assert [(await anext(socket)).text for _ in range(2)] == ["one", "three"]
        assert (await socket.subscribe(attic.id, after=1)).head == 2
        assert (await anext(socket)).text == "two"
