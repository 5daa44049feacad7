"""What is said in a room is heard by everyone who listens: live, once, in order, and after an absence too."""

import asyncio

from support.deadline import deadline


async def test_what_one_says_all_who_listen_hear(lounge):
    ada, bob, cyd = await lounge.with_people("ada", "bob", "cyd")
    await ada.says("hello", "is anybody there?")
    await bob.says("yes")
    for person in (ada, bob, cyd):
        await person.hears("hello", "is anybody there?", "yes")


async def test_who_is_waiting_hears_at_once(lounge):
    ada, bob = await lounge.people("ada", "bob")
    await bob.listens()
    hearing = asyncio.ensure_future(bob.hears("hello"))
    async with deadline():
        while not lounge.server.context.hub.logs_in_memory:
            await ada.client.room_by_id(lounge.room.id)
    await ada.says("hello")
    await hearing


async def test_nobody_joins_to_post(lounge):
    (bob,) = await lounge.with_people("bob")
    passer_by = await lounge.person("eve")
    await passer_by.says("hi, and bye")
    await bob.hears("hi, and bye")


async def test_a_message_says_where_who_what_and_when(lounge):
    ada, bob = await lounge.with_people("ada", "bob")
    (posted,) = await ada.says("grüße\nund\tmehr \u2028 \x7f 👋")
    (heard,) = await bob.gets(1)
    assert heard == posted
    assert (heard.room, heard.to, heard.seq, heard.sender) == (lounge.room.id, None, 1, "ada")
    assert heard.text == "grüße\nund\tmehr \u2028 \x7f 👋"
    assert len(heard.sent_at) == len("2026-01-31T12:00:00.000Z")


async def test_a_reader_who_comes_back_has_missed_nothing(lounge):
    ada, bob = await lounge.with_people("ada", "bob")
    await ada.says("hello")
    await bob.hears("hello")

    await bob.leaves()
    await ada.says("are you there?", "I will wait")
    await bob.returns()

    await bob.hears("are you there?", "I will wait")
    await ada.says("there you are")
    await bob.hears("there you are")


async def test_a_reader_who_never_heard_a_thing_comes_back_to_where_it_left(lounge):
    ada, bob = await lounge.with_people("ada", "bob")
    await bob.leaves()
    await ada.says("one", "two")
    await bob.returns()
    await bob.hears("one", "two")


async def test_a_newcomer_hears_from_the_head_and_may_begin_at_the_beginning(lounge):
    ada, bob, cyd = await lounge.people("ada", "bob", "cyd")
    await ada.says("old", "older")
    await bob.listens()
    await cyd.listens(after=0)
    await ada.says("new")
    await bob.hears("new")
    await cyd.hears("old", "older", "new")


async def test_an_absence_may_be_long(lounge):
    ada, bob = await lounge.with_people("ada", "bob")
    await ada.says("before")
    await bob.hears("before")
    await bob.leaves()

    words = [f"word {number}" for number in range(1500)]
    async with await ada.client.socket() as socket:
        await asyncio.gather(*(socket.post(word, room=lounge.room.id) for word in words))

    await bob.returns()
    await bob.hears(*words)
    await ada.says("now")
    await bob.hears("now")


async def test_everyone_hears_the_same_order_whoever_speaks_at_once(lounge):
    people = await lounge.with_people("ada", "bob", "cyd")
    await asyncio.gather(
        *(person.client.post(f"{person.name} {n}", room=lounge.room) for person in people for n in range(40))
    )
    heard = [await person.gets(120) for person in people]
    assert [event.seq for event in heard[0]] == list(range(1, 121))
    assert heard[1] == heard[0]
    assert heard[2] == heard[0]


async def test_who_begins_to_listen_amid_a_conversation_gets_it_from_there_without_a_hole(lounge):
    ada, *others = await lounge.people("ada", "bob", "cyd", "dan", "eve")
    async with await ada.client.socket() as socket, deadline():
        posts = asyncio.gather(*(socket.post(str(n), room=lounge.room.id) for n in range(1, 301)))
        await asyncio.gather(*(person.listens(after=0) for person in others))
        await posts
    for person in others:
        await person.hears(*(str(n) for n in range(1, 301)))


async def test_a_stream_that_breaks_mends_itself_and_loses_nothing(lounge):
    ada = await lounge.person("ada")
    road = await lounge.road()
    bob = await lounge.person("bob", url=road.url)
    await bob.listens()
    for word in ("one", "two", "three"):
        await ada.says(word)
        await bob.hears(word)
        road.cut()
        await ada.says(f"after {word}")
        await bob.hears(f"after {word}")


async def test_the_longest_text_comes_through_whole(lounge):
    ada, bob = await lounge.with_people("ada", "bob")
    longest = "é" * 8192
    await ada.says(longest, '"\\\n' * 5461)
    await bob.hears(longest, '"\\\n' * 5461)
