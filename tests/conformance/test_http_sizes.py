"""Nothing of a request may be larger than it says in the settings, however it is sent."""

import asyncio

from conformance.wire import Wire
from support.seeded import token_of

ADA = token_of("ada")
MAX_HEAD = 16 * 1024
MAX_BODY = 128 * 1024

LARGE_HEADS = {
    "one long field": b"X-Long: " + b"x" * MAX_HEAD + b"\r\n\r\n",
    "many short fields": b"X: y\r\n" * (MAX_HEAD // 6) + b"\r\n",
    "a long name of a field": b"X" * MAX_HEAD + b": y\r\n\r\n",
}


async def _is_refused(wire: Wire, status: int, code: str) -> None:
    answer = await wire.response()
    assert (answer.status, answer.code) == (status, code)
    assert answer.headers["connection"] == "close"
    await wire.is_closed()


async def test_a_head_too_large_is_answered_431(house, subtests):
    for name, fields in LARGE_HEADS.items():
        with subtests.test(name):
            async with house.wire() as big:
                big.say(b"GET /health/live HTTP/1.1\r\nHost: a\r\n" + fields)
                await _is_refused(big, 431, "head-too-large")


async def test_an_address_too_long_is_answered_431(house):
    async with house.wire() as big:
        big.request("GET", "/" + "x" * MAX_HEAD)
        await _is_refused(big, 431, "head-too-large")


async def test_a_head_of_almost_the_limit_is_answered(house):
    async with house.wire() as big:
        answer = await big.asks("GET", "/health/live", X_Long="x" * (MAX_HEAD - 200))
        assert answer.status == 200


ENDLESS = {
    "a field": b"GET / HTTP/1.1\r\nHost: a\r\nX-Long: ",
    "the name of a field": b"GET / HTTP/1.1\r\nHost: a\r\nX",
    "an address": b"GET /",
    "a method": b"G",
    "spaces": b"GET / HTTP/1.1\r\nHost: a\r\nX:",
    "line ends": b"",
    "a field behind a body": b"POST /rooms HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %b\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n0\r\nX: " % ADA.encode(),
    "a size of a chunk": b"POST /rooms HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %b\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n1;" % ADA.encode(),
}
MORE = {"spaces": b" ", "line ends": b"\r\n"}


async def test_what_never_ends_is_not_kept(house, subtests):
    """The parser gives up early, not once memory is full."""
    for what, begin in ENDLESS.items():
        with subtests.test(what):
            async with house.wire() as big:
                await big.push(begin)
                closed = asyncio.ensure_future(big.rest())
                sent = 0
                while not closed.done() and sent < 64:
                    await big.push(MORE.get(what, b"x") * 32 * 1024)
                    sent += 1
                    await house.answers_others()
                assert sent < 64, "two megabytes were swallowed"
                assert b" 4" in (await closed)[:12]


async def test_a_body_too_large_is_refused_by_what_it_says_of_itself(house):
    async with house.wire() as big:
        big.request("POST", house.messages, ADA, Content_Length=str(MAX_BODY + 1))
        answer = await big.response()
        assert (answer.status, answer.code) == (413, "too-large")


async def test_a_body_too_large_is_refused_while_it_is_sent_in_chunks(house):
    async with house.wire() as big:
        big.request("POST", house.messages, ADA, Transfer_Encoding="chunked")
        big.say(b"4000\r\n" + b"x" * 0x4000 + b"\r\n")
        for _ in range(8):
            big.say(b"4000\r\n" + b"x" * 0x4000 + b"\r\n")
        answer = await big.response()
        assert (answer.status, answer.code) == (413, "too-large")
        big.say(b"0\r\n\r\n")
        assert (await big.asks("GET", "/health/live")).status == 200


async def test_what_follows_of_a_body_too_large_is_waited_for_no_longer_than_for_a_request(house):
    house.keeps_idle_connections_for(0.1)
    async with house.wire() as big:
        big.request("POST", house.messages, ADA, Content_Length=str(1 << 40))
        assert (await big.response()).status == 413
        closed = asyncio.ensure_future(big.is_closed())
        while not closed.done():
            big.say(b"x" * 1000)
            await house.answers_others()
        await closed


async def test_a_body_too_large_is_answered_also_to_who_sends_all_of_it_first(house):
    async with house.wire() as big:
        await big.push(
            b"POST %b HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %b\r\nContent-Length: 4000000\r\n\r\n"
            % (house.messages.encode(), ADA.encode())
            + b"x" * 4_000_000
        )
        assert (await big.response()).status == 413
        assert (await big.asks("GET", "/health/live")).status == 200


async def test_a_chunk_of_an_absurd_size_is_refused(house, subtests):
    for size in (b"8" * 15, b"F" * 16, b"F" * 17, b"-1", b"0x4", b"", b"G"):
        with subtests.test(size.decode()):
            async with house.wire() as odd:
                odd.request("POST", house.messages, ADA, Transfer_Encoding="chunked")
                odd.say(size + b"\r\nxxxx")
                odd.end()
                assert b" 201 " not in await odd.rest()


async def test_a_text_too_large_is_refused_and_the_connection_goes_on(house):
    async with house.wire() as ada:
        answer = await ada.asks("POST", house.messages, ADA, b'{"text": "%b"}' % (b"x" * 16_385))
        assert (answer.status, answer.code) == (413, "too-large")
        assert (await ada.asks("POST", house.messages, ADA, b'{"text": "hi"}')).status == 201


async def test_deep_json_is_refused(house):
    async with house.wire() as odd:
        answer = await odd.asks("POST", house.messages, ADA, b'{"x":' + b"[" * 60_000)
        assert (answer.status, answer.code) == (400, "bad-input")
    await house.answers_others()


async def test_a_client_that_never_reads_its_answers_costs_a_bounded_number_of_them(house):
    """Requests that wait behind an answer nobody reads are not read either."""
    async with house.wire(receive_buffer_bytes=4096) as ada:
        for n in range(20):
            await ada.asks("POST", house.messages, ADA, b'{"text": "%d %b"}' % (n, b"x" * 16_000))
        ada.stop_reading()
        for _ in range(200):
            ada.request("GET", house.messages, ADA)
        await house.until(lambda: any(c.flow.write_paused for c in house.http_connections()))
        waiting = [c.transport.get_write_buffer_size() for c in house.http_connections()]
        assert max(waiting) < 2 * 20 * 16_100
