"""What is not HTTP, or could be read as two different requests, is refused and never half understood.

The corpus is of the known ways to smuggle a request past whoever stands before the server (RFC 9112, section
11.2): each case carries a post that only shows if the server misread where a request ends.
"""

import json

from support.seeded import token_of

ADA = token_of("ada")

HEAD = "POST /rooms HTTP/1.1\r\nHost: a\r\n"
"""The beginning of a request anybody may make; it is answered 401, and that it is not is what shows."""

BODY = '{"name": "x"}'
LENGTH = f"Content-Length: {len(BODY)}\r\n"
CHUNKS = f"{len(BODY):x}\r\n{BODY}\r\n0\r\n\r\n"

AMBIGUOUS = {
    "a length and chunks": HEAD + LENGTH + "Transfer-Encoding: chunked\r\n\r\n" + CHUNKS,
    "chunks and a length": HEAD + "Transfer-Encoding: chunked\r\n" + LENGTH + "\r\n" + CHUNKS,
    "two lengths": HEAD + "Content-Length: 0\r\n" + LENGTH + "\r\n" + BODY,
    "two lengths in one field": HEAD + "Content-Length: 13, 0\r\n\r\n" + BODY,
    "a length with a sign": HEAD + "Content-Length: +13\r\n\r\n" + BODY,
    "a length below nothing": HEAD + "Content-Length: -1\r\n\r\n" + BODY,
    "a length in hexadecimal": HEAD + "Content-Length: 0xd\r\n\r\n" + BODY,
    "a length with a space in it": HEAD + "Content-Length: 1 3\r\n\r\n" + BODY,
    "a length beyond all bounds": HEAD + "Content-Length: 99999999999999999999999\r\n\r\n" + BODY,
    "an empty length": HEAD + "Content-Length: \r\n\r\n" + BODY,
    "a space before the colon": HEAD + "Content-Length : 13\r\n\r\n" + BODY,
    "a coding and a space before the colon": HEAD + "Transfer-Encoding : chunked\r\n\r\n" + CHUNKS,
    "a coding nobody knows": HEAD + "Transfer-Encoding: xchunked\r\n\r\n" + CHUNKS,
    "chunks and then something else": HEAD + "Transfer-Encoding: chunked, identity\r\n\r\n" + CHUNKS,
    "chunks with a trailing letter": HEAD + "Transfer-Encoding: chunked\x0b\r\n\r\n" + CHUNKS,
    "two codings": HEAD + "Transfer-Encoding: identity\r\nTransfer-Encoding: x\r\n\r\n" + CHUNKS,
    "a folded field": HEAD + "X-Folded: a\r\n b\r\n" + LENGTH + "\r\n" + BODY,
    "a folded coding": HEAD + "Transfer-Encoding:\r\n chunked\r\n\r\n" + CHUNKS,
    "a space before the first field": "POST /rooms HTTP/1.1\r\n Host: a\r\n\r\n",
    "a bare CR in a field": HEAD + "X-Bare: a\rb\r\n\r\n",
    "a bare CR for a line's end": HEAD + "X-Bare: a\r" + LENGTH + "\r\n" + BODY,
    "a NUL in a field": HEAD + "X-Nul: a\0b\r\n\r\n",
    "a NUL in a name": HEAD + "X\0Nul: a\r\n\r\n",
    "a field without a name": HEAD + ": a\r\n\r\n",
    "a field without a colon": HEAD + "X-Nothing\r\n\r\n",
    "a chunk larger than it says": HEAD + "Transfer-Encoding: chunked\r\n\r\n3\r\nabcdef\r\n0\r\n\r\n",
    "a chunk's size with a sign": HEAD + "Transfer-Encoding: chunked\r\n\r\n+3\r\nabc\r\n0\r\n\r\n",
    "a chunk's size with a space": HEAD + "Transfer-Encoding: chunked\r\n\r\n 3\r\nabc\r\n0\r\n\r\n",
    "a chunk's size with a bare LF": HEAD + "Transfer-Encoding: chunked\r\n\r\n3\nabc\n0\n\n",
    "a bare LF in a chunk's extension": HEAD + "Transfer-Encoding: chunked\r\n\r\n3;\nx\r\nabc\r\n0\r\n\r\n",
    "no version": "GET /rooms\r\n\r\n",
    "HTTP/0.9": "GET /\r\n",
    "a version of no known kind": "GET / HTTP/3.7\r\nHost: a\r\n\r\n",
    "HTTP/2 as it begins": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a version in lower case": "GET / http/1.1\r\nHost: a\r\n\r\n",
    "a tab in the request's line": "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n",
    "a space within the address": "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n",
    "a control character in the address": "GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n",
    "bytes that are not ASCII in the address": "GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n",
    "a method in lower case": "get / HTTP/1.1\r\nHost: a\r\n\r\n",
    "a method of no known kind": "BREW / HTTP/1.1\r\nHost: a\r\n\r\n",
    "a tunnel": "CONNECT example.com:443 HTTP/1.1\r\nHost: a\r\n\r\n",
    "TLS": "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "another protocol": "SSH-2.0-OpenSSH_9.9\r\n",
    "noise": "\x00\xff" * 100,
}


def _smuggled(house) -> str:
    text = json.dumps({"text": "smuggled"})
    return (
        f"POST {house.messages} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {ADA}\r\n"
        f"Content-Length: {len(text)}\r\n\r\n{text}"
    )


async def test_what_could_be_misread_ends_the_connection(house, subtests):
    for name, said in AMBIGUOUS.items():
        with subtests.test(name):
            async with house.wire() as odd:
                odd.say((said + _smuggled(house)).encode("latin-1"))
                odd.end()
                rest = await odd.rest()
            answers = [line for line in rest.split(b"\r\n") if line.startswith(b"HTTP/1.1 ")]
            assert len(answers) <= 1, rest
            assert not answers or answers[0][9:12] in (b"400", b"401", b"404", b"405"), rest
            assert await house.texts() == []
        await house.answers_others()


async def test_what_could_be_misread_is_no_better_in_pieces(house, subtests):
    for name, said in AMBIGUOUS.items():
        with subtests.test(name):
            async with house.wire() as odd:
                for byte in (said + _smuggled(house)).encode("latin-1"):
                    await odd.push(bytes([byte]))
                odd.end()
                await odd.rest()
            assert await house.texts() == []
        await house.answers_others()


HARMLESS = {
    "a line's end before the request": "\r\nGET /health/live HTTP/1.1\r\nHost: a\r\n\r\n",
    "space around a value": "GET /health/live HTTP/1.1\r\nHost: \t a \t\r\n\r\n",
    "an empty field": "GET /health/live HTTP/1.1\r\nHost: a\r\nX-Empty:\r\n\r\n",
    "the name of a field in odd case": "GET /health/live HTTP/1.1\r\nhOsT: a\r\n\r\n",
    "an absolute address": "GET http://a/health/live HTTP/1.1\r\nHost: a\r\n\r\n",
    "a query": "GET /health/live?x=%00%ff HTTP/1.1\r\nHost: a\r\n\r\n",
    "an escaped address": "GET /health/%6cive HTTP/1.1\r\nHost: a\r\n\r\n",
    "a body on a GET": "GET /health/live HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi",
    "two spaces in the request's line": "GET  /health/live HTTP/1.1\r\nHost: a\r\n\r\n",
}


async def test_what_is_odd_but_clear_is_understood(house, subtests):
    for name, said in HARMLESS.items():
        with subtests.test(name):
            async with house.wire() as odd:
                odd.say(said.encode("latin-1") * 2)
                for _ in range(2):
                    answer = await odd.response()
                    assert answer.status == 200
                    assert json.loads(answer.body)


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


HOSTS = {
    "none": "",
    "two": "Host: a\r\nHost: b\r\n",
    "an empty one": "Host:\r\n",
    "one with a path": "Host: a/b\r\n",
    "one with a name and a password": "Host: user@a\r\n",
    "one with a space": "Host: a b\r\n",
}


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
