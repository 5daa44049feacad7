"""The network between a client and the server does what networks do: nothing is lost, nothing comes twice.

| fault | test |
| --- | --- |
| reset at any byte | test_a_post…, test_a_reader…, test_a_request… cut at … |
| bytes one by one | test_everything_works_a_byte_at_a_time |
| half-open | test_a_connection_of_which_one_half_is_left_is_given_up |
| black hole | test_who_connects_and_says_nothing_is_let_go |
| everybody comes back at once | test_all_who_lost_their_connection_at_once_come_back |
"""

import asyncio
import itertools
import os
from contextlib import suppress

import httpx2
import pytest

from faults.crowd import client_of
from hubbub.check import Progress, Wish, Witness, broken, stored
from hubbub.client import ClientError, ConnectionLost
from hubbub.domain.ids import room_log
from support.deadline import deadline
from support.lounge import lounge
from support.road import Road

STEP = int(os.environ.get("HUBBUB_NETWORK_STEP", "9"))
"""Every byte with 1."""

TRANSPORTS = ("ws", "sse", "ndjson")


async def until_heard(witness, room, *names):
    """Those readers stand where the room's log ends."""
    async with deadline(60):
        logs = await stored([witness], [room])
        log, head = room_log(room), logs[room_log(room)][-1].seq
        await witness.progress.until(
            lambda: all(
                (name, log) in witness.ledger.readings
                and witness.ledger.readings[name, log].stands_at == head
                for name in names
            )
        )
    return logs


@pytest.mark.parametrize("way", ["there", "back"])
@pytest.mark.parametrize("transport", ["ws", "rest"])
async def test_a_post_whose_connection_is_cut_at_any_byte_is_stored_once(place, ada, transport, way):
    """Made again until it is answered, as everybody does who was not."""

    async def post(road, key):
        async with deadline(), client_of(road.url, "ada") as client:
            if transport == "ws":
                async with await client.socket() as socket:
                    return await socket.post(key, room=place.room.id, key=key)
            path = f"/room/{place.room.id}/messages"
            return await client._http.post(path, json={"text": key}, headers={"Idempotency-Key": key})

    async with Road(place.url) as road:
        await post(road, "whole")
        length, cut = getattr(road, way).carried, 0
        for cut in range(0, length, STEP):
            key = f"cut at {cut}".replace(" ", "-")
            getattr(road, way).cut_after = cut
            with suppress(ClientError, httpx2.TransportError):
                await post(road, key)
            receipt = await ada.post(Wish(key=key, text=key, room=place.room.id))
            await ada.read_back(receipt)
    logs = await stored([ada], [place.room.id])
    ada.ledger.posts("whole", "whole", room=place.room.id)
    assert broken([ada.ledger], logs) == []
    assert len(logs[f"room/{place.room.id}"]) == 1 + len(range(0, length, STEP))
    assert length > 300


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_reader_whose_connection_is_cut_at_any_byte_has_everything_once(place, ada, transport):
    """Each of its connections lives a few bytes longer than the one before."""
    for number in range(30):
        await ada.post(Wish(key=f"k{number}", text=f"text {number}", room=place.room.id))

    async with Road(place.url) as road, client_of(road.url, "ada") as client:
        lengths = itertools.count(0, 4 * STEP)
        carry = road._carry

        def cut_later_each_time(source, target, way):
            if way is road.back:
                way.cut_after = next(lengths)
            return carry(source, target, way)

        road._carry = cut_later_each_time
        witness = Witness("ada", client, ledger=ada.ledger, progress=ada.progress)
        listening = asyncio.create_task(witness.listen("phone", [place.room.id], transport=transport))
        logs = await until_heard(ada, place.room.id, "phone")
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
    assert broken([ada.ledger], logs) == []
    assert road.travelled > 10


async def test_everything_works_a_byte_at_a_time(place, ada):
    async with Road(place.url) as road, client_of(road.url, "ada") as client:
        road.chop()
        witness = Witness("ada", client, ledger=ada.ledger, progress=ada.progress)
        listening = [
            asyncio.create_task(witness.listen(kind, [place.room.id], transport=kind)) for kind in TRANSPORTS
        ]
        listening.append(asyncio.create_task(witness.poll("poll", place.room.id)))
        async with deadline():
            await witness.post_by_socket(
                [Wish(key=f"k{n}", text=f"text {n} ☃", room=place.room.id) for n in range(3)]
            )
            await witness.read_back(await witness.post(Wish(key="r", text="rest ☃", room=place.room.id)))
        logs = await until_heard(ada, place.room.id, *TRANSPORTS, "poll")
        for task in listening:
            task.cancel()
        await asyncio.gather(*listening, return_exceptions=True)
    assert broken([ada.ledger], logs) == []


async def test_a_reader_at_a_thousand_bytes_a_second_loses_nothing(place, ada):
    async with Road(place.url) as road, client_of(road.url, "ada") as client:
        road.drip(1000)
        witness = Witness("ada", client, ledger=ada.ledger, progress=ada.progress)
        listening = asyncio.create_task(witness.listen("slow", [place.room.id]))
        for number in range(10):
            await ada.post(Wish(key=f"k{number}", text=f"text {number}", room=place.room.id))
        logs = await until_heard(ada, place.room.id, "slow")
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
    assert broken([ada.ledger], logs) == []


async def test_a_connection_of_which_one_half_is_left_is_given_up(data):
    """The client has gone, and the server was never told: it pings and hears nothing."""
    async with lounge(data, "ws", settings={"ping_seconds": 1.0}) as place:
        connections = place.server.context.connections
        async with Road(place.url) as road:
            road.loses_ends = True
            async with client_of(road.url, "ada") as client:
                socket = await client.socket()
                await socket.subscribe(place.room.id)
                road.there.open.clear()  # whatever answers a ping does not arrive
                await socket.abort()
            assert connections.by_transport["websocket"] == 1
            async with deadline():
                while connections.by_transport["websocket"]:
                    connections.tick()
                    await asyncio.sleep(0)
            assert place.server.context.hub.logs_in_memory == 0


async def test_who_connects_and_says_nothing_is_let_go(data):
    """Or half a request and then nothing."""
    async with lounge(data, "ws", settings={"head_seconds": 0.3}) as place, Road(place.url) as road:
        host, port = place.server.address.host, place.server.address.port
        openings = [
            b"",
            b"GET",
            b"GET /rooms HTTP/1.1\r\nHost: x\r\n",
            b"GET /ws HTTP/1.1\r\nUpgrade: websocket\r\n",
        ]
        async with deadline():
            for opening in openings:
                reader, writer = await asyncio.open_connection(host, port)
                writer.write(opening)
                assert len(await reader.read()) < 1000  # it ends
                writer.close()
        road.leads_nowhere = True
        client = client_of(road.url, "ada")
        with pytest.raises(ConnectionLost):
            await client._requests.once("GET", "/rooms", timeout_seconds=0.2)
        await client.close()


async def test_all_who_lost_their_connection_at_once_come_back(place, ada):
    progress = Progress()
    async with Road(place.url) as road:
        witnesses = [
            Witness(name, client_of(road.url, name), progress=progress)
            for name in ("bob", "cyd", "dan", "eve")
        ]
        listening = [
            asyncio.create_task(each.listen(f"{kind} {n}", [place.room.id], transport=kind))
            for each in witnesses
            for n in range(5)
            for kind in TRANSPORTS
        ]

        async def all_stand_at(seq):
            async with deadline():
                await progress.until(
                    lambda: all(
                        reading.stands_at == seq
                        for each in witnesses
                        for reading in each.ledger.readings.values()
                    )
                )

        await ada.post(Wish(key="k1", text="before", room=place.room.id))
        await all_stand_at(1)
        road.cut()
        await ada.post(Wish(key="k2", text="meanwhile", room=place.room.id))
        await all_stand_at(2)
        for task in listening:
            task.cancel()
        await asyncio.gather(*listening, return_exceptions=True)
        logs = await stored([ada], [place.room.id])
        assert broken([ada.ledger, *(each.ledger for each in witnesses)], logs) == []
        assert road.travelled >= 2 * len(listening)
        for each in witnesses:
            await each.client.close()
