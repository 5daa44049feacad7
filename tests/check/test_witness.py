"""A witness at a real server writes down what happens, and notices what should not."""

import asyncio

import pytest

from hubbub.check import INVARIANTS, Resources, Wish, Witness, at_rest, broken, deliveries, resources, stored
from hubbub.check.stored import inbox
from hubbub.client import Client
from hubbub.domain.events import Posted
from hubbub.domain.ids import inbox_log, room_log
from hubbub.hub import hub as module
from hubbub.storage.drafts import entry
from support.deadline import deadline
from support.lounge import lounge
from support.process import Process
from support.seeded import token_of


@pytest.fixture
async def place(data):
    async with lounge(data, "ws") as place:
        yield place


@pytest.fixture
async def ada(place):
    async with Client(place.url, token=token_of("ada")) as client:
        yield Witness("ada", client)


@pytest.fixture
async def bob(place, ada):
    async with Client(place.url, token=token_of("bob")) as client:
        yield Witness("bob", client, progress=ada.progress)


def wishes(place, count, name="ada"):
    return [Wish(key=f"{name}-{n}", text=f"says {n}", room=place.room.id) for n in range(count)]


async def heard(witnesses, count):
    async with deadline():
        await witnesses[0].progress.until(
            lambda: deliveries([witness.ledger for witness in witnesses]) >= count
        )


async def test_what_was_posted_and_heard_in_every_way_is_held_against_what_is_stored(place, ada, bob):
    room = place.room.id
    listening = [
        asyncio.create_task(bob.listen(transport, [room], transport=transport))
        for transport in ("ws", "sse", "ndjson")
    ]
    listening.append(asyncio.create_task(bob.poll("poll", room)))
    listening.append(asyncio.create_task(bob.listen("inbox", inbox=True)))
    async with deadline():
        await ada.post_by_socket(wishes(place, 45), at_once=20)
        for wish in (*wishes(place, 3), Wish(key="d", text="psst", to="bob")):  # three of them again
            await ada.read_back(await ada.post(wish))
    await heard([ada, bob], 4 * 45 + 1)
    for task in listening:
        task.cancel()
    await asyncio.gather(*listening, return_exceptions=True)
    logs = await stored([ada, bob], [room])
    assert broken([ada.ledger, bob.ledger], logs) == []
    assert (len(ada.ledger.receipts), ada.ledger.read_back) == (49, 4)
    assert {log: len(events) for log, events in logs.items()} == {
        room_log(room): 45,
        inbox_log("ada"): 1,
        inbox_log("bob"): 1,
    }


async def test_a_reader_who_is_started_again_goes_on_where_it_stood(place, ada):
    for count in (3, 6):
        listening = asyncio.create_task(ada.listen("phone", [place.room.id]))
        await ada.post_by_socket(wishes(place, count)[count - 3 :])
        await heard([ada], count)
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
    (reading,) = ada.ledger.readings.values()
    assert [event.seq for event in reading.events] == [1, 2, 3, 4, 5, 6]


async def test_what_is_refused_is_noted_as_that(place, ada):
    assert await ada.post(Wish(key="k", text="x", room="nowhere")) is None
    await ada.post_by_socket([Wish(key="l", text="x", to="nobody")])
    assert ada.ledger.refused == {"k", "l"}


@pytest.mark.parametrize("transport", ["ws", "sse", "ndjson"])
async def test_a_reader_who_is_left_out_says_so(place, ada, transport):
    """The server forgets to hand out the second of three messages."""
    hub = place.server.context.hub
    publish = hub.publish
    hub.publish = lambda event: (event.seq == 2 and _skip(hub, event)) or publish(event)
    listening = asyncio.create_task(ada.listen("phone", [place.room.id], transport=transport))
    async with deadline():
        for wish in wishes(place, 3):
            await ada.post(wish)
        await listening
    faults = broken([ada.ledger], await stored([ada], [place.room.id]))
    assert {fault.invariant for fault in faults} == {"I2", "I8"}


def _skip(hub, event):
    log = hub._logs.get(event.log)
    if log is not None:
        log.head = log.flushed = event.seq
    return True


@pytest.mark.parametrize("transport", ["ws", "sse", "ndjson"])
async def test_a_reader_who_is_told_twice_says_so(place, ada, monkeypatch, transport):
    cut = module.cut
    monkeypatch.setattr(module, "cut", lambda entries, *rest: 2 * cut(entries, *rest))
    listening = asyncio.create_task(ada.listen("phone", [place.room.id], transport=transport))
    async with deadline():
        await ada.client.offer(place.room)
        for wish in wishes(place, 3):
            await ada.post(wish)
        await heard([ada], 3)
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
    faults = broken([ada.ledger], await stored([ada], [place.room.id]))
    assert {fault.invariant for fault in faults} == {"I2"}


async def test_a_post_that_is_acknowledged_and_not_stored_cannot_be_read_back(place, ada, monkeypatch):
    def told(drafts, done):
        done([Posted(receipt=(told := entry(draft, 1)), events=(told,)) for draft in drafts])

    monkeypatch.setattr(place.server.store, "append", told)
    receipt = await ada.post(wishes(place, 1)[0])
    await ada.read_back(receipt)
    faults = broken([ada.ledger], await stored([ada], [place.room.id]))
    assert {fault.invariant for fault in faults} == {"I1", "I6"}


async def test_the_whole_inbox_is_read_the_copies_of_what_was_sent_too(ada, bob):
    assert await inbox(ada.client) == []
    for n in range(3):
        await ada.post(Wish(key=f"a{n}", text="x", to="bob"))
        await bob.post(Wish(key=f"b{n}", text="y", to="ada"))
    assert [event.key for event in await inbox(ada.client)] == ["a0", "b0", "a1", "b1", "a2", "b2"]


async def test_what_a_server_holds_is_asked_of_it_and_of_the_system(data):
    async with Process(data, metrics=True) as server, Client(server.url, token=token_of("ada")) as client:
        room = await client.create_room("Lounge")
        await client.close()

        async def look():
            return await resources(pid=server.pid, metrics=server.metrics)

        before = await look()
        async with (
            Client(server.url, token=token_of("ada")) as client,
            client.subscribe(room),
            client.subscribe(room, transport="sse"),
        ):
            during = await look()
        after = await at_rest(look, before)
    assert during.connections == 2
    assert during.listeners == 1
    assert during.descriptors >= before.descriptors + 2
    assert during.tasks > before.tasks
    assert before.memory_bytes > 1 << 20
    assert broken([], {}, before=before, after=after) == []
    faults = broken([], {}, before=before, after=during)
    assert {fault.text.split()[1] for fault in faults} == {
        "descriptors", "tasks", "connections", "listeners"
    }  # fmt: skip


async def test_what_is_not_named_is_not_known():
    assert await resources() == Resources()


def test_every_invariant_has_words():
    assert list(INVARIANTS) == [f"I{n}" for n in range(1, 10)]
