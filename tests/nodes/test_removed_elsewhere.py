"""What one server removes while another does not hear of it, or while a reader there is behind."""

import pytest

from hubbub import housekeeping
from hubbub.protocol.frames import GapFrame
from support.deadline import deadline
from support.road import Road

from .mangling import Mangling
from .stage import town


async def removes(node, *, all_but):
    """The oldest of the one log that is there, but for so many."""
    later = node.backend.now_ms() + 60_000
    (gap,) = await node.store.trim(sent_before_ms=later, limit=3 - all_but)
    node.context.hub.trimmed(gap)


@pytest.fixture
async def away(database, nats):
    """Two servers, of which the second has a way to the bus that can be shut."""
    async with Mangling(nats.url, 0, spoils=False) as way, town(database, nats.url, "ws", nodes=1) as place:
        await place.opens(bus=way.url)
        place.way = way
        yield place


async def first_heard(place, name):
    person = await place.person(name, at=1)
    await person.listens(after=0)
    (event,) = await person.gets(1)
    await person.close()
    return event


async def test_what_was_removed_while_the_bus_was_away_is_not_served_from_memory_once_it_is_back(away):
    ada, bob = await away.person("ada", at=0), await away.person("bob", at=1)
    await bob.listens()
    await ada.says("one", "two", "three")
    await bob.hears("one", "two", "three")
    away.way.close()
    await is_up(away, False)
    await removes(away.server, all_but=1)
    away.way.opens()
    await is_up(away, True)

    gap = await first_heard(away, "cyd")
    assert isinstance(gap, GapFrame)
    assert (gap.first, gap.last) == (1, 2)
    await ada.says("four")
    await bob.hears("four")


async def test_a_server_without_a_bus_serves_nothing_removed_after_its_own_look(database):
    async with town(database, None, "ws") as place:
        ada, bob = await place.person("ada", at=0), await place.person("bob", at=1)
        await bob.listens()
        await ada.says("one", "two", "three")
        await bob.hears("one", "two", "three")
        await removes(place.server, all_but=1)
        other = place.nodes[1]
        await housekeeping.trim(other.store, other.context, 0)  # nothing is left to remove for it
        assert isinstance(await first_heard(place, "cyd"), GapFrame)


async def test_a_reader_who_is_behind_is_told_of_what_was_removed_at_another_server(place):
    ada = await place.person("ada", at=0)
    async with Road(place.nodes[1].url) as road:
        bob = await place.person("bob", url=road.url)
        await bob.listens()
        await ada.says("one")
        await bob.hears("one")
        road.block()
        long = "x" * 16_000
        async with await ada.client.socket() as socket, deadline():
            for _ in range(60):  # far more than fits in all the buffers on the way
                last = await socket.post(long, room=place.room.id)
            while not place.nodes[1].context.hub.behind:
                await ada.client.room_by_id(place.room.id)
        server = place.server
        await housekeeping.trim(server.store, server.context, server.backend.now_ms() + 60_000)
        await ada.says("new")
        road.free()
        seqs = [1]
        async with deadline():
            async for event in bob.ear:
                if isinstance(event, GapFrame):
                    assert event.first == seqs[-1] + 1
                    seqs.append(event.last)
                else:
                    assert event.seq == seqs[-1] + 1
                    seqs.append(event.seq)
                    if event.text == "new":
                        break
        assert seqs[-1] == last.seq + 1
        assert len(seqs) < last.seq + 1, "nothing was left out"


async def is_up(place, so):
    async with deadline():
        while place.nodes[1].member.bus.up != so:
            await place.server.store.head("nothing")
