"""Requests sent ahead, behind one that takes its time: what they may cost, and what they must not break."""

import pytest

from hubbub.api.transport import PARSED_AT_ONCE
from support.deadline import deadline
from support.seeded import token_of

HEALTH = b"GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n"


async def server_side(target, wire):
    """The server's end of a connection."""
    port = wire.writer.get_extra_info("sockname")[1]
    async with deadline():
        while True:
            for connection in target.connections():
                if connection.client and connection.client[1] == port:
                    return connection
            await target.turn()


async def test_requests_sent_ahead_wait_in_the_bytes_they_came_in(target):
    """Parsed, each weighed two kilobytes and its answer more: 20 unread connections made 2 GB."""
    room = await target.room()
    ahead = 30_000
    async with target.wire() as wire:
        wire.request("GET", f"/room/{room}/messages?after=0&wait=60", token_of("ada"))
        wire.say(HEALTH * ahead)
        connection = await server_side(target, wire)
        await target.until(lambda: connection.pipeline and connection.flow.read_paused)
        for _ in range(20):
            await target.turn()
            assert len(connection.pipeline) <= PARSED_AT_ONCE // len(HEALTH) + 1
            assert len(connection._unparsed) < 1_000_000 < len(HEALTH) * ahead
        await target.post(room, "now")
        assert (await wire.response()).status == 200
        for _ in range(500):
            assert (await wire.response()).status == 200
        assert len(connection.pipeline) <= PARSED_AT_ONCE // len(HEALTH) + 1


async def test_all_that_was_sent_ahead_is_answered_in_its_order(target):
    room = await target.room()
    paths = [f"/nowhere/{number}" if number % 2 else "/health/live" for number in range(400)]
    async with target.wire() as wire:
        wire.request("GET", f"/room/{room}/messages?after=0&wait=60", token_of("ada"))
        for path in paths:
            wire.request("GET", path)
        connection = await server_side(target, wire)
        await target.until(lambda: connection._unparsed)
        connection._too_slow()  # it is not the client's fault that half a head lies there
        assert not connection.transport.is_closing()
        await target.post(room, "now")
        assert (await wire.response()).status == 200
        for path in paths:
            assert (await wire.response()).status == (404 if "nowhere" in path else 200)
        await target.until(lambda: connection.cycle.response_complete)
        assert not connection._unparsed
        assert not connection.flow.read_paused


@pytest.mark.parametrize("accept", ["text/event-stream", "application/x-ndjson"])
async def test_a_stream_with_a_request_behind_it_ends_with_its_connection(target, accept):
    """It stayed for ever, and the first post after that broke the delivery to all who came later."""
    room = await target.room()
    subscribe = f"/room/{room}/subscribe?after=0"
    async with target.wire() as wire, target.wire() as later:
        wire.request("GET", subscribe, token_of("ada"), accept=accept)
        wire.say(HEALTH)
        await wire.head()
        connection = await server_side(target, wire)
        await target.until(lambda: connection.pipeline)
        later.request("GET", subscribe, token_of("bob"), accept=accept)
        await later.head()
        wire.cut()
        # Its end is not seen while nothing is read from it, but by the next thing that is written to it.
        await target.post(room, "one")
        await target.post(room, "two")
        await target.until(lambda: sum(target.context.connections.by_transport.values()) == 1)
        await target.post(room, "three")
        heard = b""
        async with deadline():
            while b"three" not in heard:
                heard += await later.chunk()
        assert heard.index(b"one") < heard.index(b"two") < heard.index(b"three")
    await target.until(lambda: not target.context.hub.logs_in_memory)


async def test_a_long_poll_with_a_request_behind_it_ends_with_its_connection(target):
    room = await target.room()
    async with target.wire() as wire:
        wire.request("GET", f"/room/{room}/messages?after=0&wait=60", token_of("ada"))
        wire.say(HEALTH)
        connection = await server_side(target, wire)
        await target.until(lambda: connection.pipeline and target.context.hub.logs_in_memory)
        connection.transport.abort()
        await target.until(lambda: not target.context.hub.logs_in_memory)


async def test_a_connection_whose_answers_are_not_read_becomes_no_websocket(target):
    """It would not know that its socket is full, and be written the whole of a room."""
    room = await target.room()
    async with target.wire() as wire:
        assert (await wire.asks("GET", "/health/live")).status == 200
        connection = await server_side(target, wire)
        connection.pause_writing()
        wire.request(
            "GET",
            f"/room/{room}/subscribe?after=0",
            token_of("ada"),
            connection="Upgrade",
            upgrade="websocket",
            sec_websocket_version="13",
            sec_websocket_key="dGhlIHNhbXBsZSBub25jZQ==",
        )
        await wire.is_closed()
