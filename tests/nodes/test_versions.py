"""Servers of two versions side by side, for as long as an upgrade takes: a newer one adds to the database and
says more on the bus, and the older one goes on."""

import asyncio
from contextlib import contextmanager

import msgspec
import pytest

from hubbub.domain.ids import room_log
from hubbub.hub import relay
from hubbub.hub.relay import channel_of
from hubbub.storage.errors import StoreUnusable
from hubbub.storage.postgres import opening
from hubbub.storage.postgres.schema import Step, steps
from support.deadline import deadline

from .stage import town

ADDS = Step("ALTER TABLE logs ADD COLUMN topic text; CREATE TABLE topics (topic text PRIMARY KEY)", 0)
TAKES_AWAY = Step("DROP TABLE topics", 3)


@contextmanager
def newer(*further):
    """Servers that are opened in the block know these steps too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(opening, "steps", lambda: [*steps(), *further])
        yield


def speaks_anew(node):
    """What it tells others has more to it than they know of, and is among messages of another kind."""
    bus = node.member.bus
    send = bus.send

    def sends(channel, message):
        send(channel, msgspec.msgpack.encode({"kind": "typing", "who": "ada"}))
        send(channel, msgspec.msgpack.encode([*msgspec.msgpack.decode(message), ["further"], {"more": 1}]))
        send("presence", b"new")

    bus.send = sends


async def test_an_older_server_goes_on_beside_one_that_has_added_to_the_database(database, nats):
    async with town(database, nats.url, "ws", nodes=1) as place:
        ada = await place.person("ada", at=0)
        await ada.listens()
        await ada.says("alone")
        with newer(ADDS):
            await place.opens()
        await place.opens()  # an older one may be started even now
        bob, cyd = await place.person("bob", at=1), await place.person("cyd", at=2)
        for person in (bob, cyd):
            await person.listens(after=0)
        await ada.says("together")
        await bob.says("quite")
        await cyd.says("so")
        for person in (ada, bob, cyd):
            await person.hears("alone", "together", "quite", "so")


async def test_what_a_newer_server_says_further_is_passed_over(database, nats, monkeypatch):
    monkeypatch.setattr(relay, "HEADS_SECONDS", 3600.0)  # it was heard over the bus
    async with town(database, nats.url, "ws", nodes=1) as place:
        with newer(ADDS):
            speaks_anew(await place.opens())
        ada, bob = await place.person("ada", at=0), await place.person("bob", at=1)
        for person in (ada, bob):
            await person.listens()
        await bob.says("one", "two")
        await ada.says("three")
        for person in (ada, bob):
            await person.hears("one", "two", "three")
        older = place.nodes[0].member.relay
        assert older.not_understood >= 2
        assert older.heard_messages >= 2


async def test_what_is_not_understood_at_all_is_found_in_the_database(place, monkeypatch):
    ada, bob = await place.person("ada", at=0), await place.person("bob", at=1)
    await bob.listens()
    channel = channel_of(room_log(place.room.id))
    bus = place.nodes[0].member.bus
    send = bus.send
    monkeypatch.setattr(bus, "send", lambda to, message: send(to, b"\xc1" if to == channel else message))
    await ada.says("in another language")
    await bob.hears("in another language")
    async with deadline():
        while place.nodes[1].member.relay.not_understood != 1:  # it may come later than it was found
            await asyncio.sleep(0.01)


async def test_a_server_that_is_too_old_says_so_and_changes_nothing(database, nats):
    async with town(database, nats.url, "ws", nodes=1) as place:
        with newer(ADDS, TAKES_AWAY):
            await place.opens()
        with pytest.raises(StoreUnusable, match="newer hubbub"):
            await place.opens()
        bob = await place.person("bob", at=1)
        await bob.listens()
        await bob.says("still here")
        await bob.hears("still here")
