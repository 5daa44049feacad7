"""A server in its parts: listening, housekeeping, and what it leaves behind."""

import asyncio
import signal
import time

import pytest

from hubbub import housekeeping
from hubbub.client import Client
from hubbub.domain.errors import Overloaded, StorageFailed
from hubbub.knobs import Address
from hubbub.protocol.frames import GapFrame
from hubbub.server import CannotListen, bound, listen
from hubbub.service.tally import Histogram
from hubbub.storage.errors import StoreInUse
from hubbub.storage.sqlite import SqliteStore
from support.deadline import deadline
from support.seeded import token_of
from support.serving import Clock, serving


def test_a_host_name_is_listened_to_on_each_of_its_addresses_at_one_port():
    sockets = listen(Address("localhost", 0), backlog=1)
    try:
        assert {sock.getsockname()[1] for sock in sockets} == {bound(sockets).port}
    finally:
        for sock in sockets:
            sock.close()


def test_a_host_that_stands_for_nothing_cannot_be_listened_to():
    with pytest.raises(CannotListen, match=r"cannot listen on 192\.0\.2\.1:0"):
        listen(Address("192.0.2.1", 0), backlog=1)


async def test_what_could_not_start_lets_go_of_all_it_took(data):
    async with serving(data):
        with pytest.raises(StoreInUse):
            async with serving(data):
                pass

    async with serving(data):
        pass


async def test_nothing_is_left_running_after_a_server(data):
    before = asyncio.all_tasks()
    admin = Address("127.0.0.1", 0)
    async with (
        serving(data, admin_listen=admin, retention_days=1) as server,
        Client(server.url, token=token_of("ada")) as ada,
        deadline(),
    ):
        await ada.subscribe(inbox=True).open()

    assert asyncio.all_tasks() == before


async def test_signals_are_left_to_whoever_started_the_server(data):
    before = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    async with serving(data):
        during = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]

    assert during == before


async def test_a_server_that_stops_or_is_broken_is_not_ready(data):
    async with serving(data) as server:
        assert server.trouble() is None
        server.stop()
        assert server.trouble() is not None

    async with serving(data) as server:
        server.broke(StorageFailed())
        assert isinstance(server.trouble(), StorageFailed)
        assert server.ended.is_set()


async def test_old_messages_are_removed_and_readers_are_told_of_the_gap(data):
    clock = Clock()
    async with (
        serving(data, clock=clock) as server,
        Client(server.url, token=token_of("ada")) as ada,
        deadline(),
    ):
        room = await ada.create_room("Lounge")
        await ada.subscribe(room).open()  # who listens keeps what is recent in memory
        for text in ("old", "older"):
            await ada.post(text, room=room)
        clock.put_forward(days=2)
        await ada.post("new", room=room)
        stream = ada.subscribe(room, after=0)

        await housekeeping.trim(server.store, server.context, clock.now_ms() - 86_400_000)

        gap, new = await anext(stream), await anext(stream)

    assert isinstance(gap, GapFrame)
    assert (gap.first, gap.last) == (1, 2)
    assert new.text == "new"


async def test_retention_runs_by_itself_when_it_is_asked_for(data, monkeypatch):
    asked = asyncio.Event()

    async def trim(self, *, sent_before_ms, limit):
        asked.set()
        return []

    monkeypatch.setattr(SqliteStore, "trim", trim)
    async with serving(data, retention_days=1), deadline():
        await asked.wait()


async def test_sessions_are_looked_after_again_after_a_failure(data, monkeypatch):
    monkeypatch.setattr(housekeeping, "SESSIONS_SECONDS", 0.001)
    ticks = asyncio.Semaphore(0)
    failures = [ValueError("a bug"), Overloaded()]

    async with serving(data) as server:

        async def tick():
            ticks.release()
            if failures:
                raise failures.pop()

        monkeypatch.setattr(server.context.accounts, "tick", tick)
        async with deadline():
            for _ in range(4):
                await ticks.acquire()

    assert failures == []


async def test_a_loop_that_comes_late_is_noticed(monkeypatch):
    monkeypatch.setattr(housekeeping, "LAG_SECONDS", 0.001)
    lag_seconds = Histogram(0.001)
    measuring = asyncio.create_task(housekeeping.measure_lag(lag_seconds))
    await asyncio.sleep(0)  # it measures from here
    time.sleep(0.02)  # the loop is held up
    async with deadline():
        while not lag_seconds.count:
            await asyncio.sleep(0)
    measuring.cancel()

    assert lag_seconds.total > 0.018
