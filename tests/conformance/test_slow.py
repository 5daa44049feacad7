"""Nobody holds a connection by being slow: whatever is sent a little at a time, or not at all, has its time.

The limits here are tenths of seconds, and somebody else is served all the while.
"""

import asyncio
import re
from contextlib import AsyncExitStack

import pytest

from conformance.sockets import UPGRADE
from support.deadline import deadline
from support.seeded import token_of

ADA = token_of("ada")
LIMITS = {"head_seconds": 0.2, "body_seconds": 0.2, "max_head_bytes": 1 << 20, "max_body_bytes": 1 << 20}
IDLE_SECONDS = 0.1

GET = b"GET /health/live HTTP/1.1\r\nHost: a\r\n"
POST = b"POST /sessions HTTP/1.1\r\nHost: a\r\n"
SIGNED_IN = b"POST /room/x/messages HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + ADA.encode() + b"\r\n"
LENGTH = b"Content-Length: 100000\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
UPGRADING = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in UPGRADE.items()).encode()

# What is said at once, what is said again and again, and what is answered before the end.
DRIPS: dict[str, tuple[bytes, bytes, list[int]]] = {
    "nothing": (b"", b"", []),
    "line ends": (b"", b"\r\n", []),
    "an address": (b"GET /", b"x", []),
    "a query": (b"GET /?", b"x&", []),
    "the name of a field": (b"GET / HTTP/1.1\r\nX", b"X", []),
    "the space before a value": (b"GET / HTTP/1.1\r\nX:", b" ", []),
    "a value": (b"GET / HTTP/1.1\r\nX: ", b"y", []),
    "fields": (GET, b"X: y\r\n", []),
    "a head without its last byte": (GET + b"\r", b"", []),
    "a request for a WebSocket": (b"GET /ws HTTP/1.1\r\n" + UPGRADING, b"X: y\r\n", []),
    "a second head": (GET + b"\r\n" + GET, b"X: y\r\n", [200]),
    "line ends behind a request": (GET + b"\r\n", b"\r\n", [200]),
    "nothing behind a request": (GET + b"\r\n", b"", [200]),
    "the body of a sign-in": (POST + LENGTH, b" ", [408]),
    "no body of a sign-in": (POST + LENGTH, b"", [408]),
    "chunks of a sign-in": (POST + CHUNKED, b"1\r\n \r\n", [408]),
    "the size of a chunk": (POST + CHUNKED, b"0", [408]),
    "a chunk's extension": (POST + CHUNKED + b"1;", b"x", [408]),
    "a chunk": (POST + CHUNKED + b"100000\r\n", b" ", [408]),
    "fields behind a body": (POST + CHUNKED + b"0\r\nX: ", b"y", [408]),
    "a body that was asked for": (
        POST + b"Expect: 100-continue\r\n" + LENGTH,
        b" ",
        [100, 408],
    ),
    "the body of somebody signed in": (SIGNED_IN + LENGTH, b" ", [408]),
    "a body nobody reads": (b"POST /rooms HTTP/1.1\r\nHost: a\r\n" + LENGTH, b" ", [401]),
    "chunks nobody reads": (b"POST /rooms HTTP/1.1\r\nHost: a\r\n" + CHUNKED, b"1\r\n \r\n", [401]),
}


async def test_whatever_comes_a_little_at_a_time_has_its_time(open_house, subtests):
    async with open_house(**LIMITS) as house:
        house.keeps_idle_connections_for(IDLE_SECONDS)
        for name, (begin, drip, expected) in DRIPS.items():
            with subtests.test(name):
                async with house.wire() as slow, deadline():
                    hearing = asyncio.ensure_future(slow.rest())
                    slow.say(begin)
                    while not hearing.done():
                        if not slow.writer.is_closing():
                            slow.say(drip)
                        await house.answers_others()
                    heard = await hearing
                statuses = [int(each) for each in re.findall(rb"HTTP/1\.1 (\d{3}) ", heard)]
                # Who goes on sending to one who has closed may lose what was answered at the end.
                assert statuses == (expected[: len(statuses)] if drip else expected)


CROWDS = {"nothing": (200, b""), "half a head": (2000, GET), "no body": (200, POST + LENGTH)}


@pytest.mark.parametrize(("many", "begin"), CROWDS.values(), ids=CROWDS)
async def test_a_crowd_that_goes_no_further_is_let_go_and_others_are_served_meanwhile(
    open_house, many, begin
):
    async with open_house(**LIMITS | {"head_seconds": 1.0, "body_seconds": 1.0}) as house:
        async with AsyncExitStack() as stack:
            for _ in range(many):
                one = await stack.enter_async_context(house.wire())
                one.say(begin)
            await house.until(lambda: house.connections == 0)
        await house.answers_others()


async def test_one_who_asks_and_never_reads_is_given_up_by_the_system(open_house, monkeypatch):
    """It does answer that it has no room: the minute that this may go on is the kernel's to count."""
    monkeypatch.setattr("hubbub.server.DEAD_PEER_SECONDS", 1)
    async with open_house() as house, house.wire(receive_buffer_bytes=4096) as deaf:
        deaf.stop_reading()
        for _ in range(20):
            deaf.request("GET", "/openapi.json")
        await house.until(lambda: any(c.flow.write_paused for c in house.http_connections()))
        held = [c.transport.get_write_buffer_size() for c in house.http_connections()]
        assert max(held) < 1 << 20
        await house.until(lambda: house.connections == 0)
