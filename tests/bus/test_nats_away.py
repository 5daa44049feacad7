"""A NATS server that is not there, goes, hangs, and comes back."""

import asyncio
from contextlib import suppress

import pytest
from nats.aio.client import Client

from hubbub.bus import nats as bus_module
from nodes.mangling import Mangling
from nodes.passage import carry
from support.deadline import deadline

from .conftest import until


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is waited for in seconds is waited for in tenths: the order of things is the same."""
    monkeypatch.setattr(bus_module, "RETRY_SECONDS", 0.05)
    monkeypatch.setattr(bus_module, "OPENING_SECONDS", 0.3)


async def test_a_bus_that_comes_back_is_heard_again_on_every_channel(join, nats):
    (one, told), (other, ears) = await join(), await join()
    await other.listen("log.1")

    await nats.stop()
    await until(lambda: not one.up and not other.up)
    one.send("log.1", b"lost")
    await other.listen("log.2")  # asked for while nobody is there
    await nats.start()
    await until(lambda: one.up and other.up)
    one.send("log.1", b"back")
    one.send("log.2", b"too")

    await until(lambda: len(ears.heard) == 2)
    assert ears.heard == [("log.1", b"back"), ("log.2", b"too")]
    assert told.changes == [True, False, True]


async def test_what_was_given_up_while_it_was_away_is_not_heard_again(join, nats):
    (one, _), (other, ears) = await join(), await join()
    await other.listen("log.1")
    await other.listen("log.2")
    await nats.stop()
    await until(lambda: not other.up)
    other.unlisten("log.1")
    await nats.start()
    await until(lambda: one.up and other.up)

    one.send("log.1", b"unheard")
    one.send("log.2", b"heard")

    await until(lambda: ears.heard)
    assert ears.heard == [("log.2", b"heard")]


async def test_a_server_that_hangs_is_taken_to_be_away_and_joined_again_when_it_goes_on(
    join, nats, monkeypatch
):
    (one, _), (other, ears) = await join(), await join()
    await other.listen("log.1")
    with monkeypatch.context() as patch:
        patch.setattr(bus_module, "PING_SECONDS", 0.1)
        nats.freeze()
        try:
            await until(lambda: not one.up and not other.up)
        finally:
            nats.thaw()
    await until(lambda: one.up and other.up)

    one.send("log.1", b"back")

    await until(lambda: ("log.1", b"back") in ears.heard)


async def test_sending_to_a_server_that_hangs_neither_waits_nor_keeps_more_than_may_wait(
    join, nats, monkeypatch
):
    monkeypatch.setattr(bus_module, "PING_SECONDS", 60.0)  # it is not noticed
    one, _ = await join()
    nats.freeze()
    try:
        for _ in range(400):
            one.send("log.1", bytes(100_000))
            await asyncio.sleep(0)
        assert one.up
        assert one.dropped > 0
    finally:
        nats.thaw()


async def test_a_server_that_is_not_there_at_the_start_is_joined_when_it_comes(join, nats):
    url = nats.url
    await nats.stop()
    bus, ears = await join(url=url, up=False)
    assert not bus.up
    await bus.listen("log.1")

    await nats.start()
    await until(lambda: bus.up)
    other, _ = await join()
    other.send("log.1", b"hello")

    await until(lambda: ears.heard == [("log.1", b"hello")])


class Babble(Mangling):
    """A way to a server by which those who come first are told something else than it says."""

    def __init__(self, server_url: str, *nonsense: bytes) -> None:
        super().__init__(server_url, 0)
        self.nonsense = list(nonsense)

    async def bring_back(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        if self.nonsense:
            target.write(self.nonsense.pop(0))
            await asyncio.Event().wait()
        await carry(source, target)


async def test_a_server_that_talks_nonsense_is_joined_when_it_does_not_any_more(join, nats):
    async with Babble(nats.url, b"INFO []\r\n", b"INFO\r\n", b"x" * 200_000) as way:
        bus, _ = await join(url=way.url, up=False)

        await until(lambda: bus.up)
        assert way.nonsense == []
        await bus.close()


async def test_a_channel_that_is_left_and_taken_up_again_amid_a_question_is_heard_once(join, monkeypatch):
    subscribe, goes_on = Client.subscribe, asyncio.Event()

    async def slowly(self, *args, **options):
        await goes_on.wait()
        return await subscribe(self, *args, **options)

    (one, _), (other, ears) = await join(), await join()
    monkeypatch.setattr(Client, "subscribe", slowly)
    first = asyncio.create_task(other.listen("log.1"))
    await asyncio.sleep(0)
    other.unlisten("log.1")
    second = asyncio.create_task(other.listen("log.1"))
    await asyncio.sleep(0)
    goes_on.set()
    await asyncio.gather(first, second)

    one.send("log.1", b"once")
    one.send("log.1", b"last")

    await until(lambda: ("log.1", b"last") in ears.heard)
    assert ears.heard == [("log.1", b"once"), ("log.1", b"last")]


async def test_a_bus_that_is_closed_leaves_no_task(join):
    before = asyncio.all_tasks()
    bus, _ = await join()
    await bus.listen("log.1")
    await bus.close()
    await asyncio.sleep(0)

    assert asyncio.all_tasks() - before == set()


async def test_a_bus_is_closed_also_when_a_cancellation_is_lost(join, monkeypatch):
    asking = asyncio.Event()

    async def flush(self, timeout=10):
        """As `asyncio.wait_for` up to Python 3.11 may, when the answer comes in the same turn."""
        asking.set()
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()

    monkeypatch.setattr(Client, "flush", flush)
    monkeypatch.setattr(bus_module, "PING_SECONDS", 0.1)
    bus, _ = await join(up=False)
    async with deadline():
        await asking.wait()
        await bus.close()


async def test_a_wrong_password_is_no_bus_and_told_nowhere(join, nats, caplog, capsys):
    bus, _ = await join(url=nats.url.replace("hubbub:", "hubbub:not-the-word-"), up=False)

    assert not bus.up
    said = capsys.readouterr()
    assert "not-the-word" not in said.out + said.err + caplog.text
