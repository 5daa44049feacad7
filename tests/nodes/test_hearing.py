"""What is said at one server is heard at all of them at once. Nobody looks at the heads here: it comes over
the bus."""

import asyncio

import pytest

from hubbub.hub import relay
from hubbub.protocol.frames import GapFrame
from support.deadline import deadline


@pytest.fixture(autouse=True)
def _nothing_but_the_bus(monkeypatch):
    monkeypatch.setattr(relay, "HEADS_SECONDS", 3600.0)


async def test_what_is_said_at_one_server_is_heard_at_the_others_over_the_bus(town):
    ada, bob, cyd = await town.with_people("ada", "bob", "cyd")
    await ada.says("hello", "is anybody there?")
    await bob.says("yes")
    for person in (ada, bob, cyd):
        await person.hears("hello", "is anybody there?", "yes")


async def test_who_moves_at_every_word_misses_none(town):
    """Also where the new server has not heard yet of what was seen at the old one."""
    ada, bob = await town.with_people("ada", "bob")
    for number in range(8):
        await ada.says(f"one {number}")
        await bob.hears(f"one {number}")
        await bob.leaves()
        await town.moves(bob, to=number % 2)
        await bob.returns()
        await ada.says(f"two {number}")
        await bob.hears(f"two {number}")


async def test_all_servers_post_into_one_room_at_once_and_everyone_hears_one_order(trio):
    people = await trio.with_people("ada", "bob", "cyd")
    async with deadline():
        sockets = [await person.client.socket() for person in people]
        await asyncio.gather(
            *(
                socket.post(f"{person.name} {number}", room=trio.room.id)
                for person, socket in zip(people, sockets, strict=True)
                for number in range(150)
            )
        )
        for socket in sockets:
            await socket.close()
    heard = [await person.gets(450) for person in people]
    assert [event.seq for event in heard[0]] == list(range(1, 451))
    assert heard[1] == heard[0]
    assert heard[2] == heard[0]
    for person in people:
        own = [event.text for event in heard[0] if event.sender == person.name]
        assert own == [f"{person.name} {number}" for number in range(150)]


async def test_a_long_poll_is_answered_when_somebody_posts_at_another_server(place):
    ada, bob = await place.people("ada", "bob")
    asking = asyncio.ensure_future(bob.client.page(place.room, after=0, wait_seconds=60))
    async with deadline():
        while not place.nodes[1].context.hub.logs_in_memory:
            await ada.client.room_by_id(place.room.id)
        await ada.says("good morning")
        assert [event.text for event in await asking] == ["good morning"]


async def test_what_one_server_removes_no_other_serves_from_memory(place):
    ada, bob, late = [await place.person(name, at) for name, at in (("ada", 0), ("bob", 1), ("cyd", 1))]
    await bob.listens()
    await ada.says("one", "two", "three")
    await bob.hears("one", "two", "three")

    server = place.server
    (gap,) = await server.store.trim(sent_before_ms=server.backend.now_ms() + 60_000, limit=2)
    server.context.hub.trimmed(gap)

    async with deadline():
        while True:
            await late.listens(after=0)
            (first,) = await late.gets(1)
            if isinstance(first, GapFrame):
                break
            await late.leaves()
    assert (first.first, first.last, first.reason) == (1, 2, "retention")
    await late.hears("three")
    await ada.says("four")
    await bob.hears("four")
    await late.hears("four")
