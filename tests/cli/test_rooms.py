"""`hubbub rooms`: which there are, and making one."""

import json


async def test_rooms_are_listed_by_name_with_id_and_messages(home, lounge):
    bob, room = lounge
    kitchen = await bob.create_room("台所")
    await bob.post("hello", room=room)

    told = await home.run("rooms")

    assert told == (0, f"Lounge  {room.id}  1\n台所    {kitchen.id}  0\n", "")


async def test_only_rooms_with_all_the_words_are_listed(home, lounge):
    bob, _ = lounge
    for name in ("Team Blue", "Team Red", "blue sky"):
        await bob.create_room(name)

    told = await home.run("rooms", "BLUE", "team", "--json")

    assert [json.loads(line)["name"] for line in told.out.splitlines()] == ["Team Blue"]


async def test_a_room_is_made_and_told(home, lounge):
    bob, _ = lounge

    told = await home.run("rooms", "--create", "Team Blue", "--json")

    assert told.code == 0
    assert json.loads(told.out)["id"] == (await bob.room("team blue")).id


async def test_a_name_that_is_taken_is_told_with_the_room_that_has_it(home, lounge):
    _, room = lounge

    told = await home.run("rooms", "--create", "LOUNGE")

    assert (told.code, told.out) == (1, "")
    assert room.id in told.err


async def test_where_there_are_no_rooms_nothing_is_printed(home):
    assert await home.run("rooms") == (0, "", "")
    assert await home.run("rooms", "--json") == (0, "", "")
