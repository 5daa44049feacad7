"""A store is restored from a backup: nobody misreads, everybody resynchronises."""

import asyncio
import os

import httpx2
import pytest

from hubbub.client import Client, Problem, SignedOut
from hubbub.storage.sqlite.backup import Restore, backing_up
from support.deadline import deadline
from support.seeded import PASSWORD


def back_up(place):
    with backing_up(place.data / "hubbub.db", place.data.parent / "backup.db"):
        pass


async def restore(place, *, keep_sessions):
    """Stop, restore, start: what came after the backup is gone."""
    port = place.server.address.port
    await place.closes()
    with Restore(place.data.parent / "backup.db", place.data, replace=True) as copy:
        copy.bring_up(os.urandom)
        copy.finish(os.urandom, keep_sessions=keep_sessions, aside="replaced")
    await place.opens(port=port)


async def come_back(person):
    await person.returns()
    await person.gets(1)


async def test_who_was_further_than_the_backup_is_told_and_reads_anew(hall):
    """The room grows past the old numbers before the reader comes back: by numbers it would miss some."""
    ada, bob = await hall.people("ada", "bob")
    await ada.says("one", "two")
    back_up(hall)
    await bob.listens(after=0)
    await bob.hears("one", "two")
    await ada.says("three", "four")
    await bob.hears("three", "four")
    await bob.leaves()

    await restore(hall, keep_sessions=True)
    await ada.says("THREE", "FOUR", "FIVE")
    with pytest.raises(Problem) as refused:
        await come_back(bob)
    assert (refused.value.status, refused.value.code) == (409, "stale-cursor")

    await bob.listens(after=0)
    await bob.hears("one", "two", "THREE", "FOUR", "FIVE")
    await bob.leaves()


async def test_a_client_that_stays_is_told_the_same_when_it_has_come_back(hall):
    """Nobody stops it: it reconnects by itself, with the cursor of the old history."""
    ada, bob = await hall.people("ada", "bob")
    await ada.says("one")
    back_up(hall)
    async with bob.client.subscribe(hall.room, after=0, transport=hall.transport) as stream, deadline():
        await ada.says("two")
        assert [(await anext(stream)).text for _ in range(2)] == ["one", "two"]
        waiting = asyncio.ensure_future(anext(stream))
        await restore(hall, keep_sessions=True)
        await ada.says("TWO", "THREE")
        with pytest.raises(Problem) as refused:
            await waiting

    assert refused.value.code == "stale-cursor"


async def test_a_post_that_the_backup_did_not_have_can_be_sent_again(place):
    (ada,) = await place.people("ada")
    back_up(place)
    lost = await ada.client.post("one", room=place.room, key="k")
    await restore(place, keep_sessions=True)

    again = await ada.client.post("one", room=place.room, key="k")

    assert again.seq == lost.seq
    assert again.id != lost.id
    assert [event.text for event in await ada.client.page(place.room)] == ["one"]


async def test_who_has_signed_out_since_the_backup_stays_out(place):
    ada, bob = await place.people("ada", "bob")
    back_up(place)
    await bob.client.sign_out()
    await restore(place, keep_sessions=False)

    async with Client(place.url, token=bob.client.token or ada.client.token) as client:
        with pytest.raises(SignedOut):
            await client.sessions()
        await client.sign_in("bob", PASSWORD)
        assert len(await client.sessions()) == 1


async def test_an_address_with_a_ticket_of_before_is_void(place):
    (ada,) = await place.people("ada")
    offer = await ada.client.offer(place.room)
    back_up(place)
    await restore(place, keep_sessions=True)

    async with httpx2.AsyncClient() as http:
        answer = await http.get(offer.event_stream, headers={"Accept": "text/event-stream"})

    assert answer.status_code == 401
