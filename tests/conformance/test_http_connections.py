"""What one connection may do to the others: nothing. Slow, cut, half closed, crowded, pipelined."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from support.seeded import token_of

ADA = token_of("ada")


HEADS_CUT_SHORT = {
    "nothing": b"",
    "a line's end": b"\r\n",
    "part of the method": b"GE",
    "the request's line": b"GET / HTTP/1.1\r\n",
    "part of a field": b"GET / HTTP/1.1\r\nHost: a\r\nX-Slow: lor",
}


@pytest.mark.parametrize("said", HEADS_CUT_SHORT.values(), ids=HEADS_CUT_SHORT)
async def test_whoever_takes_too_long_for_a_head_is_let_go(open_house, said):
    async with open_house(head_seconds=0.2) as house, house.wire() as slow:
        slow.say(said)
        await slow.is_closed()


async def test_a_head_that_trickles_in_takes_no_longer_than_one_that_stalls(open_house):
    async with open_house(head_seconds=0.2, max_head_bytes=1 << 20) as house, house.wire() as slow:
        slow.say(b"GET / HTTP/1.1\r\n")
        closed = asyncio.ensure_future(slow.is_closed())
        while not closed.done():
            slow.say(b"X: y\r\n")
            await house.answers_others()
        await closed


@pytest.mark.parametrize("said", [b"\r\n", b"G", b"\r\n\r\nGET / HT"])
async def test_the_second_request_of_a_connection_has_to_come_as_soon(open_house, said):
    async with open_house(head_seconds=0.2) as house:
        house.keeps_idle_connections_for(0.1)
        async with house.wire() as slow:
            assert (await slow.asks("GET", "/health/live")).status == 200
            slow.say(said)
            await slow.is_closed()


async def test_a_body_nobody_reads_does_not_keep_a_connection(house):
    house.keeps_idle_connections_for(0.1)
    async with house.wire() as slow:
        slow.request("POST", "/rooms", Content_Length="100")
        assert (await slow.response()).status == 401
        slow.say(b"x")
        await slow.is_closed()


async def test_a_body_that_does_not_come_is_answered_408(open_house):
    async with open_house(body_seconds=0.1) as house, house.wire() as slow:
        slow.request("POST", house.messages, ADA, Content_Length="100")
        slow.say(b'{"text": "h')
        answer = await slow.response()
        assert answer.status == 408
        assert answer.headers["connection"] == "close"
        await slow.is_closed()
        assert await house.texts() == []


async def test_requests_in_one_packet_are_answered_in_their_order(house):
    async with house.wire() as ada:
        for n in range(20):
            ada.request("POST", house.messages, ADA, b'{"text": "%d"}' % n)
            ada.request("GET", f"{house.messages}/{n + 1}", ADA)
            ada.request("GET", "/nowhere")
        for n in range(20):
            assert (await ada.response()).status == 201
            assert f'"text":"{n}"'.encode() in (await ada.response()).body
            assert (await ada.response()).status == 404
    assert await house.texts() == [str(n) for n in range(20)]


async def test_pipelined_requests_behind_a_long_poll_wait_for_it(house):
    async with house.wire() as ada:
        ada.request("GET", house.messages + "?after=0&wait=60", ADA)
        ada.request("GET", "/health/live")
        await house.until(lambda: len(house.tasks) > 0)
        await house.bystander.asks("POST", house.messages, token_of("bob"), b'{"text": "hi"}')
        assert b'"text":"hi"' in (await ada.response()).body
        assert (await ada.response()).body.startswith(b'{"status"')


STREAMS = {
    "events": ("/subscribe", {"Accept": "text/event-stream"}),
    "lines": ("/subscribe", {"Accept": "application/x-ndjson"}),
    "a long poll": ("/messages?after=0&wait=60", {}),
}


@pytest.mark.parametrize(("path", "fields"), STREAMS.values(), ids=STREAMS)
@pytest.mark.parametrize("leaves", ["cut", "end"])
async def test_whoever_leaves_what_waits_leaves_nothing_behind(house, path, fields, leaves):
    async with AsyncExitStack() as stack:
        readers = [await stack.enter_async_context(house.wire()) for _ in range(10)]
        for reader in readers:
            reader.request("GET", f"/room/{house.room}{path}", ADA, **fields)
        await house.until(lambda: len(house.tasks) >= 10)
        for reader in readers:
            getattr(reader, leaves)()
        await house.is_at_rest()


@pytest.mark.parametrize(("path", "fields"), STREAMS.values(), ids=STREAMS)
async def test_an_upgrade_amid_an_answer_ends_the_connection(house, path, fields):
    async with house.wire() as odd:
        odd.request("GET", f"/room/{house.room}{path}", ADA, **fields)
        odd.request(
            "GET",
            "/ws",
            ADA,
            Connection="Upgrade",
            Upgrade="websocket",
            Sec_WebSocket_Key="dGhlIHNhbXBsZSBub25jZQ==",
            Sec_WebSocket_Version="13",
        )
        assert b"101 Switching" not in await odd.rest()
        await house.is_at_rest()


async def test_garbage_behind_a_stream_is_not_answered_within_it(house):
    async with house.wire() as odd:
        odd.request("GET", f"/room/{house.room}/subscribe", ADA, Accept="text/event-stream")
        assert (await odd.head()).status == 200
        assert b"retry:" in await odd.chunk()
        odd.say(b"\0garbage\r\n\r\n")
        await odd.is_closed()


async def test_a_request_and_its_garbage_are_not_answered_as_one(house):
    """The post may have been stored: it must not be told that it was not understood."""
    async with house.wire() as odd:
        odd.request("POST", house.messages, ADA, b'{"text": "hi"}')
        odd.say(b"\0garbage\r\n\r\n")
        said = await odd.rest()
        assert said.startswith(b"HTTP/1.1 201 ") if await house.texts() else b" 201 " not in said


async def test_what_never_ends_behind_a_long_poll_ends_it(house):
    async with house.wire() as odd:
        odd.request("GET", house.messages + "?after=0&wait=60", ADA)
        odd.say(b"GET / HTTP/1.1\r\nX: ")
        closed = asyncio.ensure_future(odd.is_closed())
        while not closed.done():
            await odd.push(b"x" * 32 * 1024)
            await house.answers_others()
        await closed


async def test_a_client_that_ends_its_side_early_is_forgotten(house):
    async with house.wire() as early:
        early.request("GET", "/rooms", ADA)
        early.end()
        await early.rest()


async def test_a_body_cut_short_is_never_a_message(house):
    async with house.wire() as cut:
        cut.request("POST", house.messages, ADA, Content_Length="20")
        cut.say(b'{"text": "h"}')
        cut.end()
        assert b" 201 " not in await cut.rest()
    await house.is_at_rest()
    assert await house.texts() == []


async def test_http_1_0_is_answered_and_closed(house):
    async with house.wire() as old:
        answer = await old.asks("GET", "/health/live", version="1.0")
        assert answer.status == 200
        assert answer.headers["connection"] == "close"
        await old.is_closed()


async def test_whoever_expects_100_continue_is_told_to_go_on(house):
    async with house.wire() as ada:
        body = b'{"text": "hi"}'
        ada.request("POST", house.messages, ADA, Content_Length=str(len(body)), Expect="100-continue")
        assert (await ada.response()).status == 100
        ada.say(body)
        assert (await ada.response()).status == 201


async def test_whoever_expects_100_continue_for_too_much_is_refused_before_it_is_sent(house):
    async with house.wire() as ada:
        ada.request("POST", house.messages, ADA, Content_Length=str(1 << 30), Expect="100-continue")
        answer = await ada.response()
        assert answer.status == 413
        assert answer.code == "too-large"


async def test_one_address_too_many_is_refused_and_others_are_unharmed(open_house):
    async with open_house(config={"limits": {}}, sockets_per_address=20) as house, AsyncExitStack() as stack:
        crowd = [await stack.enter_async_context(house.wire()) for _ in range(19)]
        for one in crowd:
            assert (await one.asks("GET", "/health/live")).status == 200
        for _ in range(5):
            async with house.wire() as late:
                answer = await late.response()
                assert answer.status == 429
                assert answer.code == "too-many"
                assert int(answer.headers["retry-after"]) > 0
                await late.is_closed()
        for one in crowd:
            assert (await one.asks("GET", "/health/live")).status == 200
        await house.answers_others()
        crowd[0].cut()
        await house.until(lambda: house.sockets == 18)
        async with house.wire() as late:
            assert (await late.asks("GET", "/health/live")).status == 200


async def test_sockets_that_come_and_break_at_once_are_counted_off(house):
    for _ in range(50):
        async with house.wire() as brief:
            brief.cut()
        async with house.wire() as brief:
            brief.request("GET", "/rooms", ADA)
            brief.cut()
    await house.is_at_rest()
