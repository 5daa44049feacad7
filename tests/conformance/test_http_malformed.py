"""What is not HTTP, or could be read as two different requests, is refused and never half understood.

The corpus is in `smuggling`. Whatever becomes of a row, somebody else is served meanwhile and afterwards.
"""

import asyncio
import json
import re
from collections.abc import Iterator

import pytest

from conformance.smuggling import CLEAR, HOSTS, LAST, LIVE, REFUSED
from support.seeded import token_of

ADA = token_of("ada")


def _post(house, text: str = "smuggled") -> bytes:
    """A request that shows: by its answer, and in the room."""
    body = json.dumps({"text": text})
    return (
        f"POST {house.messages} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {ADA}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


def _whole(said: bytes) -> Iterator[bytes]:
    yield said


def _after_the_head(said: bytes) -> Iterator[bytes]:
    """A parser that stops behind a head goes on with the next packet."""
    head, end, rest = said.partition(b"\r\n\r\n")
    yield from filter(None, (head + end, rest))


def _byte_by_byte(said: bytes) -> Iterator[bytes]:
    return (said[at : at + 1] for at in range(len(said)))


CUTS = {"whole": _whole, "cut after the head": _after_the_head, "byte by byte": _byte_by_byte}


async def _statuses(house, said: bytes, cut) -> list[int]:
    """Of all that is answered until the end."""
    async with house.wire() as odd:
        hearing = asyncio.ensure_future(
            odd.rest()
        )  # at once: what is sent to one who has closed breaks it off
        for packet in cut(said):
            if hearing.done():
                break
            await odd.push(packet)
            if cut is _after_the_head:
                await house.answers_others()
        if not hearing.done():
            odd.end()
        rest = await hearing
    return [int(status) for status in re.findall(rb"HTTP/1\.\d (\d{3}) ", rest)]


@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS)
async def test_what_could_be_misread_is_refused_and_ends_the_connection(house, subtests, cut):
    for name, said in REFUSED.items():
        with subtests.test(name):
            statuses = await _statuses(house, said.encode("latin-1") + _post(house), cut)
            if cut is _whole:
                assert statuses == [400]
            else:  # a head that is sound may be answered before its body turns out not to be
                assert statuses in ([400], [401])
            assert await house.texts() == []
        await house.answers_others()


@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS)
async def test_nothing_is_read_behind_the_last_request(house, subtests, cut):
    for name, (said, status) in LAST.items():
        with subtests.test(name):
            assert await _statuses(house, said.encode("latin-1") + _post(house), cut) == [status]
            assert await house.texts() == []
        await house.answers_others()


async def test_nothing_is_read_as_a_request_behind_an_upgrade(house):
    upgrade = LIVE.replace("/health/live", "/ws") + (
        f"Authorization: Bearer {ADA}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    for cut in CUTS.values():
        assert await _statuses(house, upgrade.encode() + _post(house), cut) in ([101], [])
        assert await house.texts() == []


async def test_what_comes_behind_a_request_for_another_protocol_does_not_disturb_its_answer(house):
    async with house.wire() as odd:
        path = house.messages + "?after=0&wait=60"
        odd.request("GET", path, ADA, Connection="Upgrade", Upgrade="h2c")
        await house.until(lambda: len(house.tasks) > 0)
        odd.say(b"\0no HTTP at all\r\n\r\n" * 1000 + _post(house))
        await house.bystander.asks("POST", house.messages, token_of("bob"), b'{"text": "hi"}')
        answer = await odd.response()
        assert (answer.status, answer.headers["connection"]) == (200, "close")
        assert b'"text":"hi"' in answer.body
        await odd.is_closed()
    assert await house.texts() == ["hi"]


async def test_what_is_odd_but_clear_is_understood_and_so_is_what_follows(house, subtests):
    for name, (said, status) in CLEAR.items():
        for cut in CUTS.values():
            with subtests.test(f"{name}, {cut.__name__}"):
                async with house.wire() as odd:
                    for packet in cut(said.encode("latin-1") + LIVE.encode() + b"\r\n"):
                        await odd.push(packet)
                    assert (await odd.response()).status == status
                    assert (await odd.response()).status == 200


ADDRESSES = {
    "another scheme": "gopher://a/rooms",
    "no path": "http://a",
    "a star": "*",
    "up and away": "/../../etc/passwd",
    "up and away, escaped": "/assets/%2e%2e%2f%2e%2e%2fapp.py",
    "two slashes": "//example.com/rooms",
    "a NUL": "/room/%00/messages",
    "not UTF-8": "/room/%ff%fe/messages",
    "a slash in a room's id": "/room/a%2Fb/messages",
    "an endless number": "/inbox/messages/" + "9" * 5000,
    "a number of another script": "/inbox/messages/%D9%A1",
    "a broken escape": "/room/%zz/messages",
    "a query without end": "/rooms?" + "&" * 5000,
    "a query of one name many times": "/rooms?" + "limit=1&" * 1000,
    "a fragment": "/nowhere#fragment",
    "a name and a password": "http://user:password@a/nowhere",
}


async def test_no_address_is_answered_with_an_error_of_ours(house, subtests):
    for name, target in ADDRESSES.items():
        for method in ("GET", "POST", "OPTIONS"):
            with subtests.test(f"{method} {name}"):
                async with house.wire() as odd:
                    answer = await odd.asks(method, target, ADA)
                    assert answer.status < 500, answer
        await house.answers_others()


METHODS = ("PUT", "PATCH", "TRACE", "PROPFIND", "PURGE", "M-SEARCH", "SOURCE")


async def test_a_method_an_address_does_not_take_is_answered_405(house, subtests):
    async with house.wire() as odd:
        for method in METHODS:
            with subtests.test(method):
                answer = await odd.asks(method, "/rooms", ADA)
                assert (answer.status, answer.code) == (405, "method-not-allowed")
                assert answer.headers["allow"] == "GET, POST, HEAD, OPTIONS"


async def test_a_host_that_names_no_server_is_put_into_no_address(house, subtests):
    for name, host in HOSTS.items():
        with subtests.test(name):
            async with house.wire() as odd:
                odd.say(
                    f"POST {house.messages} HTTP/1.1\r\n{host}Authorization: Bearer {ADA}\r\n"
                    'Content-Length: 14\r\n\r\n{"text": "hi"}'.encode()
                )
                answer = await odd.response()
                assert (answer.status, answer.code) == (400, "bad-input")
    assert await house.texts() == []


async def test_fields_behind_a_body_speak_for_nobody(house):
    """A proxy that cleans the head may well hand these on as they are."""
    async with house.wire() as odd:
        odd.say(
            f"POST {house.messages} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
            f'e\r\n{{"text": "hi"}}\r\n0\r\nAuthorization: Bearer {ADA}\r\n\r\n'.encode()
        )
        assert (await odd.response()).status == 401
    assert await house.texts() == []


async def test_two_credentials_are_nobodys(house):
    async with house.wire() as odd:
        odd.say(
            f"GET /rooms HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {ADA}\r\n"
            f"Authorization: Bearer {token_of('bob')}\r\n\r\n".encode()
        )
        assert (await odd.response()).status == 401
