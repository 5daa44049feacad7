"""Two things at once, in every order that the loop makes of them."""

import asyncio
import random

import pytest

from faults.crowd import TRANSPORTS, client_of
from hubbub import housekeeping
from hubbub.check import Progress, Wish, Witness, broken, stored
from hubbub.client import Bye, ConnectionLost, GapFrame, Problem, SignedOut
from hubbub.domain.ids import room_log
from support.deadline import deadline
from support.seeded import NAMES, PASSWORD


@pytest.fixture
async def witnesses(place):
    progress = Progress()
    people = [Witness(name, client_of(place.url, name), progress=progress) for name in NAMES]
    yield people
    for each in people:
        await each.client.close()


def ledgers(witnesses):
    return [each.ledger for each in witnesses]


POSTS_WITHOUT_END = 50_000
"""More than are posted before somebody looks at sessions again."""


def wishes(place, name, count, text=""):
    return [Wish(key=f"{name}-{n}", text=f"{name} {n} {text}", room=place.room.id) for n in range(count)]


async def _hear_out(socket, told):
    while True:
        told.append(await anext(socket))


async def ended(tasks):
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_who_subscribes_while_others_post_misses_nothing_from_there_on(place, witnesses):
    """From the head, from the beginning and from the middle, at fifty moments of the posting."""
    ada, *readers = witnesses
    chance, listening = random.Random(1), []
    posting = asyncio.create_task(ada.post_by_socket(wishes(place, "ada", 500), at_once=7))
    for number in range(50):
        goal = 9 * number
        await ada.progress.until(lambda goal=goal: len(ada.ledger.receipts) >= goal)
        after = chance.choice([None, 0, len(ada.ledger.receipts) // 2])
        reader, kind = readers[number % 4], TRANSPORTS[number % 3]
        listening.append(
            asyncio.create_task(
                reader.listen(f"{kind} {number}", [place.room.id], after=after, transport=kind)
            )
        )
    async with deadline():
        await posting
        # One more, so that also those who began at the head have heard something.
        await ada.post(Wish(key="last", text="last", room=place.room.id))
        await ada.progress.until(
            lambda: (
                sum(reading.stands_at == 501 for each in readers for reading in each.ledger.readings.values())
                == 50
                or any(task.done() for task in listening)
            )
        )
    await ended(listening)
    assert broken(ledgers(witnesses), await stored([ada], [place.room.id])) == []


async def test_after_its_answer_to_an_unsubscribe_nothing_comes_and_nothing_was_lost_before(place, witnesses):
    ada, bob, *_ = witnesses
    posting = asyncio.create_task(ada.post_by_socket(wishes(place, "ada", 400), at_once=5))
    seqs: list[int] = []
    async with deadline(), await bob.client.socket() as socket:
        while len(seqs) < 400:
            stands_at = seqs[-1] if seqs else 0
            await socket.subscribe(place.room.id, after=stands_at)
            seqs.append((await anext(socket)).seq)
            await socket.unsubscribe(place.room.id)
            while not socket._events.empty():
                seqs.append((await anext(socket)).seq)
            await socket.subscribe(None)  # an answer that follows whatever might have come still
            assert socket._events.empty()
            await socket.unsubscribe(None)
        await posting
    assert seqs == list(range(1, 401))


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_who_signs_out_while_being_written_to_hears_bye_and_nothing_after(place, witnesses, transport):
    ada, bob, *_ = witnesses
    posting = asyncio.create_task(ada.post_by_socket(wishes(place, "ada", 600, "x" * 200), at_once=20))
    listening = asyncio.create_task(bob.listen("phone", [place.room.id], transport=transport))
    async with deadline():
        await ada.progress.until(lambda: len(ada.ledger.receipts) >= 200)
        head = (await ada.client.room_by_id(place.room.id)).head
        await bob.client.sign_out()
        told_by_then = len(ada.ledger.receipts)
        with pytest.raises(SignedOut):
            await listening
        await posting
    logs = await stored([ada], [place.room.id])
    assert broken(ledgers(witnesses), logs, settled=False) == []
    heard = bob.ledger.readings["phone", room_log(place.room.id)].events
    assert len(heard) <= told_by_then + 40  # what was on its way when the answer to the sign-out was
    assert head >= 200


async def test_bye_is_the_last_that_a_socket_is_told(place, witnesses):
    ada, bob, *_ = witnesses
    posting = asyncio.create_task(ada.post_by_socket(wishes(place, "ada", 300), at_once=20))
    async with deadline(), await bob.client.socket() as socket:
        await socket.subscribe(place.room.id, after=0)
        await ada.progress.until(lambda: len(ada.ledger.receipts) >= 100)
        await bob.client.sign_out()
        told = []
        with pytest.raises(SignedOut):
            await _hear_out(socket, told)
        await posting
    assert [isinstance(each, Bye) for each in told].index(True) == len(told) - 1
    assert [each.seq for each in told[:-1]] == list(range(1, len(told)))


async def test_one_key_used_on_three_connections_at_once_is_one_message(place, witnesses):
    ada, *_ = witnesses
    other = Witness("ada", client_of(place.url, "ada"), ledger=ada.ledger, progress=ada.progress)
    both = wishes(place, "ada", 60)
    async with deadline():
        await asyncio.gather(
            ada.post_by_socket(both, at_once=20),
            other.post_by_socket(both[::-1], at_once=7),
            *(other.post(wish) for wish in both),
        )
    logs = await stored([ada], [place.room.id])
    await other.client.close()
    assert broken([ada.ledger], logs) == []
    assert len(ada.ledger.receipts) == 180
    assert len(logs[room_log(place.room.id)]) == 60


async def test_of_two_texts_under_one_key_one_is_stored_and_the_other_refused(place, witnesses):
    ada, *_ = witnesses
    room = place.room

    async def by_rest(key, text):
        return (await ada.client.post(text, room=room, key=key)).seq

    async def by_socket(socket, key, text):
        return (await socket.post(text, room=room.id, key=key)).seq

    async with deadline(), await ada.client.socket() as socket:
        for number in range(20):
            key = f"k{number}"
            outcomes = await asyncio.gather(
                by_rest(key, "one"),
                by_socket(socket, key, "two"),
                by_rest(key, "three"),
                return_exceptions=True,
            )
            refused = [each for each in outcomes if isinstance(each, Problem)]
            (seq,) = [each for each in outcomes if isinstance(each, int)]
            assert [each.code for each in refused] == ["key-reused"] * 2
            (event,) = await ada.client.page(room, after=seq - 1, limit=1)
            assert event.text == ("one", "two", "three")[[isinstance(o, int) for o in outcomes].index(True)]
    assert (await ada.client.room_by_id(room.id)).head == 20


async def test_what_a_session_posts_as_it_expires_is_stored_or_refused(place, witnesses):
    ada, *_ = witnesses
    posting = asyncio.create_task(ada.post_by_socket(wishes(place, "ada", POSTS_WITHOUT_END), at_once=20))
    async with deadline():
        await ada.progress.until(lambda: len(ada.ledger.receipts) >= 200)
        place.clock.put_forward(days=31)
        with pytest.raises(SignedOut):
            await posting
        with pytest.raises(SignedOut):
            await ada.post(Wish(key="after", text="after", room=place.room.id))
    async with client_of(place.url, "cyd") as client:  # also expired: somebody has to sign in anew
        await client.sign_in("cyd", PASSWORD)
        cyd = Witness("cyd", client)
        logs = await stored([cyd], [place.room.id])
    assert broken([ada.ledger], logs) == []
    keys = {event.key for event in logs[room_log(place.room.id)]}
    assert "after" not in keys
    assert len(keys) < POSTS_WITHOUT_END


async def test_a_room_that_twenty_make_at_once_is_one_room(place, witnesses):
    names = ["Kitchen", "kitchen", "KITCHEN", "  Kitchen "] * 5

    async def make(number, name):
        try:
            return "made", (await witnesses[number % 5].client.create_room(name)).id
        except Problem as refusal:
            return refusal.code, refusal.members["conflicts_with"].rpartition("/")[2]

    async with deadline():
        outcomes = await asyncio.gather(*(make(number, name) for number, name in enumerate(names)))
    assert sorted(kind for kind, _ in outcomes) == ["made"] + ["name-taken"] * 19
    assert len({id for _, id in outcomes}) == 1


async def test_readers_who_catch_up_while_the_past_is_removed_are_told_of_all_or_of_a_gap(place, witnesses):
    """A little is removed between any two pages, and at the head others go on posting."""
    ada, *readers = witnesses
    store, context = place.server.store, place.server.context
    await ada.post_by_socket(wishes(place, "old", 800, "x" * 900), at_once=100)
    place.clock.put_forward(days=2)
    cutoff = place.clock.now_ms() - 86_400_000
    listening = [
        asyncio.create_task(each.listen(kind, [place.room.id], transport=kind))
        for each in readers
        for kind in TRANSPORTS
    ]
    listening.append(asyncio.create_task(readers[0].poll("poll", place.room.id)))

    async def remove():
        while gaps := await store.trim(sent_before_ms=cutoff, limit=20):
            for gap in gaps:
                context.hub.trimmed(gap)
            heard = sum(len(r.events) for each in readers for r in each.ledger.readings.values())
            await ada.progress.until(
                lambda heard=heard: (
                    heard < sum(len(r.events) for each in readers for r in each.ledger.readings.values())
                    or all(r.stands_at == 850 for each in readers for r in each.ledger.readings.values())
                )
            )

    async with deadline(60):
        await asyncio.gather(remove(), ada.post_by_socket(wishes(place, "new", 50), at_once=1))
        await ada.progress.until(
            lambda: all(
                reading.stands_at == 850 for each in readers for reading in each.ledger.readings.values()
            )
        )
    await ended(listening)
    logs = await stored([ada], [place.room.id])
    assert broken(ledgers(witnesses), logs) == []
    assert isinstance(logs[room_log(place.room.id)][0], GapFrame)
    await housekeeping.trim(store, context, cutoff)  # nothing is left to do


async def test_a_reader_who_goes_while_its_subscription_opens_leaves_nothing(place, witnesses):
    ada, bob, *_ = witnesses
    async with deadline():
        for _ in range(20):
            socket = await bob.client.socket()
            asking = asyncio.create_task(socket.subscribe(place.room.id, after=0))
            await asyncio.sleep(0)
            await socket.abort()
            with pytest.raises(ConnectionLost):
                await asking
        hub, connections = place.server.context.hub, place.server.context.connections
        while hub.logs_in_memory or any(connections.by_transport.values()):
            await ada.client.room_by_id(place.room.id)
    assert hub.behind == 0
