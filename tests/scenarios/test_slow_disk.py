"""On a disk that takes its time, posts wait for it, and nobody else does."""

import asyncio
import os
import threading

import pytest

from hubbub.storage.sqlite import database
from hubbub.storage.sqlite.syncing import Pace
from support.deadline import DEADLINE_SECONDS, deadline


class Disk:
    """A sync of it lasts until the test lets it end."""

    def __init__(self, fdatasync):
        self._fdatasync = fdatasync
        self._swift = threading.Event()
        self._swift.set()
        self.asked = threading.Event()

    def fdatasync(self, handle):
        self.asked.set()
        assert self._swift.wait(DEADLINE_SECONDS), "nobody let the sync end"
        self._fdatasync(handle)

    def stall(self):
        self._swift.clear()
        self.asked.clear()

    def go_on(self):
        self._swift.set()


@pytest.fixture
def disk(monkeypatch):
    """Known to be slow, and stalled when the test says so."""
    disk = Disk(os.fdatasync)
    monkeypatch.setattr(database, "Pace", lambda: Pace(apart=True))
    monkeypatch.setattr(os, "fdatasync", disk.fdatasync)
    yield disk
    disk.go_on()


async def stalled(disk):
    await asyncio.to_thread(disk.asked.wait, DEADLINE_SECONDS)


async def test_while_the_disk_stalls_reading_goes_on_and_nothing_is_told_too_early(disk, place):
    ada, bob = await place.with_people("ada", "bob")
    await ada.says("before")
    await bob.hears("before")
    disk.stall()

    posting = asyncio.ensure_future(ada.says("while it stalls"))
    await stalled(disk)

    async with deadline():
        room = await bob.client.room_by_id(place.room.id)
        assert [event.text async for event in bob.client.history(room, after=0)] == ["before"]
        assert room.head == 1
        newcomer = await place.person("cyd")
        await newcomer.listens(after=0)
        await newcomer.hears("before")
    assert not posting.done()

    disk.go_on()
    await posting
    await bob.hears("while it stalls")
    await newcomer.hears("while it stalls")


async def test_what_many_post_meanwhile_is_told_in_order(disk, hall):
    ada, bob = await hall.with_people("ada", "bob")
    await ada.says("first")  # which also syncs all that the server wrote when it began
    disk.stall()
    posts = [asyncio.ensure_future(ada.says("second"))]
    await stalled(disk)
    posts += [
        asyncio.ensure_future(person.says(f"{person.name} {n}")) for n in range(5) for person in (ada, bob)
    ]
    disk.go_on()
    async with deadline():
        receipts = [receipt for (receipt,) in await asyncio.gather(*posts)]
    events = await bob.gets(12)
    assert [event.seq for event in events] == list(range(1, 13))
    told = {event.seq: event.text for event in events}
    assert {receipt.seq: receipt.text for receipt in receipts} == {s: t for s, t in told.items() if s > 1}


async def test_a_server_that_stops_meanwhile_loses_nothing_that_it_told(disk, place):
    ada, _ = await place.with_people("ada", "bob")
    await ada.says("before")
    disk.stall()
    posting = asyncio.ensure_future(ada.says("while it stalls"))
    await stalled(disk)
    again = asyncio.ensure_future(place.opens_again())
    disk.go_on()
    async with deadline():
        await again
        await posting  # the client asks again under its key
        history = [event.text async for event in ada.client.history(place.room, after=0)]
    assert history == ["before", "while it stalls"]
