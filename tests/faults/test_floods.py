"""Whoever asks for far too much is refused in so many words; everybody else goes on; nothing is left over."""

import asyncio
import gc
import os
from collections import Counter
from contextlib import asynccontextmanager, suppress

import httpx2
import pytest

from faults.crowd import TRANSPORTS, client_of
from hubbub.check import Resources, Wish, Witness, at_rest, broken, left_over, stored
from hubbub.client import ClientError, ConnectionLost, Problem, SignedOut
from hubbub.service.limits import Policy
from support.deadline import deadline
from support.lounge import lounge
from support.seeded import PASSWORD, token_of

ELSEWHERE = "127.0.0.9"
"""Where the flood comes from."""


@asynccontextmanager
async def flooded(data, **config):
    """A server, and bob who posts and hears all the time; nothing may be left of anybody else."""
    config.setdefault("limits", {})
    async with lounge(data, "ws", **config) as place, client_of(place.url, "bob") as client:
        bob = Witness("bob", client)
        listening = [
            asyncio.create_task(bob.listen(kind, [place.room.id], transport=kind)) for kind in TRANSPORTS
        ]
        numbers = iter(range(10_000))

        async def goes_on():
            """He says something and hears it, on everything he listens on."""
            async with deadline():
                receipt = await bob.post(Wish(key=f"b{next(numbers)}", text="still here", room=place.room.id))
                await bob.progress.until(
                    lambda: (
                        len(bob.ledger.readings) == 3
                        and all((r.stands_at or 0) >= receipt.seq for r in bob.ledger.readings.values())
                    )
                )

        place.goes_on = goes_on
        await goes_on()
        gc.collect()
        before = await _held(place)
        try:
            yield place
            await goes_on()
            after = await at_rest(lambda: _held(place), before)
            assert left_over(before, after) == {}
        finally:
            for task in listening:
                task.cancel()
            await asyncio.gather(*listening, return_exceptions=True)
        assert broken([bob.ledger], await stored([bob], [place.room.id])) == []


async def _held(place):
    """Of this process, in which the server is."""
    context = place.server.context
    streams, sockets = context.connections.by_transport, context.connections._sockets
    await asyncio.sleep(0)
    return Resources(
        descriptors=len(os.listdir("/proc/self/fd")),
        tasks=len(asyncio.all_tasks()),
        connections=sum(streams.values()) + sum(sockets.values()),
        listeners=sum(log.users for log in context.hub._logs.values()) + context.hub.behind,
    )


def at(place):
    return place.server.address.host, place.server.address.port


async def opened(place):
    return await asyncio.open_connection(*at(place), local_addr=(ELSEWHERE, 0))


@asynccontextmanager
async def visitor(place, name=None):
    headers = {"Authorization": f"Bearer {token_of(name)}"} if name else {}
    transport = httpx2.AsyncHTTPTransport(local_address=ELSEWHERE, verify=False)
    async with httpx2.AsyncClient(
        base_url=place.url, transport=transport, headers=headers, timeout=30
    ) as http:
        yield http


async def test_a_flood_of_connections_is_turned_away_at_the_bound(data):
    async with flooded(data, settings={"sockets_per_address": 40}) as place, deadline(60):
        held = [await opened(place) for _ in range(120)]
        for _, writer in held:
            writer.write(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")
        answers = [await reader.read(12) for reader, _ in held]
        assert Counter(answers) == {b"HTTP/1.1 200": 40, b"HTTP/1.1 429": 80}
        await place.goes_on()
        for _, writer in held:
            writer.close()


async def test_a_flood_of_posts_is_refused_and_none_of_the_refused_is_stored(data):
    rates = {"posts": Policy(name="posts", quota=50, window_seconds=60)}
    async with flooded(data, limits=rates) as place, client_of(place.url, "eve") as client, deadline(60):
        room = place.room.id
        async with await client.socket() as socket:
            posts = (socket.post(f"flood {n}", room=room, key=f"f{n}") for n in range(1000))
            outcomes = await asyncio.gather(*posts, return_exceptions=True)
        refused = [each for each in outcomes if isinstance(each, Problem)]
        lost = [each for each in outcomes if isinstance(each, ConnectionLost)]
        assert {(each.status, each.code) for each in refused} == {(429, "too-fast")}
        assert all(each.retry_after > 0 for each in refused)
        assert {each.close_code for each in lost} <= {4429}  # who goes on all the same is sent away
        keys = {event.key async for event in client.history(room, after=0)}
        assert len(refused) + len(lost) == 950
        assert keys & {f"f{n}" for n in range(1000)} == {
            f"f{n}" for n, each in enumerate(outcomes) if not isinstance(each, Exception)
        }


async def test_a_flood_of_streams_of_one_session_is_refused_at_the_bound(data):
    settings = {"streams_per_session": 8, "subscriptions_per_stream": 5}
    async with flooded(data, settings=settings) as place, client_of(place.url, "eve") as client, deadline(60):
        streams, refused = [], []
        for number in range(40):
            stream = client.subscribe(place.room, after=0, transport=TRANSPORTS[number % 3])
            stream._sleep = _give_up
            try:
                streams.append(await stream.open())
            except (Problem, GaveUp) as refusal:
                refused.append(refusal)
        assert (len(streams), len(refused)) == (8, 32)
        rooms = [(await client.create_room(f"Room {n}")).id for n in range(6)]
        await streams.pop().close()
        async with await client.socket() as socket:
            outcomes = await asyncio.gather(*map(socket.subscribe, rooms), return_exceptions=True)
        assert [isinstance(each, Problem) for each in outcomes] == [False] * 5 + [True]
        assert outcomes[-1].status == 429


class GaveUp(Exception):
    pass


async def _give_up(seconds):
    raise GaveUp


async def test_a_flood_of_pings_is_answered_for_a_while_and_holds_up_nobody(data):
    ping = b"\x89\x80\x00\x00\x00\x00"
    async with flooded(data) as place, deadline(60):
        reader, writer = await opened(place)
        writer.write(
            b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            b"Authorization: Bearer " + token_of("eve").encode() + b"\r\n\r\n"
        )
        await reader.readuntil(b"\r\n\r\n")
        writer.write(ping * 20_000)
        await place.goes_on()
        said = await reader.read()  # to its end: who goes on too fast for too long is not kept
        assert 0 < said.count(b"\x8a\x00") <= 20_000
        assert b'"reason":"overloaded"' in said
        writer.close()


async def test_a_flood_of_sign_ins_keeps_nobody_out_who_comes_from_elsewhere(data):
    rates = {"sign_ins_by_address": Policy(name="sign_ins_by_address", quota=10, window_seconds=600)}
    config = {"limits": rates, "password_queue": 4}
    async with flooded(data, **config) as place, visitor(place) as http, deadline(60):
        names = (f"nobody{n}" for n in range(60))
        attempts = [
            http.post("/sessions", json={"name": name, "password": "wrong password"}) for name in names
        ]
        statuses = Counter(answer.status_code for answer in await asyncio.gather(*attempts))
        assert set(statuses) <= {401, 429}
        assert statuses[401] <= 10
        assert statuses[429] >= 50
        async with client_of(place.url, "cyd") as client:
            await client.sign_in("cyd", PASSWORD)
            await client.sign_out()
            with pytest.raises(SignedOut):
                await client.page(place.room)


async def test_who_begins_many_requests_and_ends_none_holds_up_nobody(data):
    async with flooded(data, settings={"head_seconds": 0.5, "body_seconds": 0.5}) as place, deadline(60):
        half = [
            b"POST /sessions HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{",
            b"GET /rooms HTTP/1.1\r\nHost:",
        ]
        held = [await opened(place) for _ in range(100)]
        for number, (_, writer) in enumerate(held):
            writer.write(half[number % 2])
        await place.goes_on()
        for reader, writer in held:
            with suppress(ConnectionError):
                await reader.read()  # let go in time
            writer.close()


async def test_those_who_come_and_go_all_the_time_leave_nothing_behind(data):
    async with flooded(data) as place, client_of(place.url, "dan") as client, deadline(60):
        for number in range(60):
            stream = client.subscribe(
                place.room, inbox=True, after={place.room.id: 0, None: 0}, transport=TRANSPORTS[number % 3]
            )
            with suppress(ClientError):
                await stream.open()
                await anext(stream)
            await stream.close()
