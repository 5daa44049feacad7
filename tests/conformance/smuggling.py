"""Requests that could be read as two different ones: what is said, and all that may be answered.

The known ways to get a request past whoever stands before a server (RFC 9112, section 11.2; RFC 9110, section
17), by what they abuse. Each is followed by a request of somebody signed in, which only shows when the server
misread where the one before it ends. Text stands for bytes, one for one.
"""

HEAD = "POST /rooms HTTP/1.1\r\nHost: a\r\n"
"""The beginning of a request anybody may make; it is answered 401, and that it is not is what shows."""

BODY = '{"name": "xy"}'
LENGTH = f"Content-Length: {len(BODY)}\r\n"
CHUNKED = "Transfer-Encoding: chunked\r\n"
CHUNKS = f"{len(BODY):x}\r\n{BODY}\r\n0\r\n\r\n"
LIVE = "GET /health/live HTTP/1.1\r\nHost: a\r\n"
TO_WEBSOCKET = (
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)
TO_H2C = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"


def _head(*fields: str) -> str:
    """With these fields, each without its line's end."""
    return HEAD + "".join(f"{field}\r\n" for field in fields) + "\r\n"


def _chunks(said: str) -> str:
    return HEAD + CHUNKED + "\r\n" + said


# -- refused: one answer, 400, and the end ------------------------------------

BOTH = {
    "a length and chunks": HEAD + LENGTH + CHUNKED + "\r\n" + CHUNKS,
    "chunks and a length": HEAD + CHUNKED + LENGTH + "\r\n" + CHUNKS,
    "no length and chunks": HEAD + "Content-Length: 0\r\n" + CHUNKED + "\r\n" + CHUNKS,
    "a short length and chunks": HEAD + "Content-Length: 4\r\n" + CHUNKED + "\r\n" + CHUNKS,
    "chunks and no length": HEAD + CHUNKED + "Content-Length: 0\r\n\r\n0\r\n\r\n",
    "a length and chunks far apart": HEAD + LENGTH + "X: y\r\n" * 100 + CHUNKED + "\r\n" + CHUNKS,
    "a length and chunks in odd case": HEAD
    + "cOnTeNt-LeNgTh: 14\r\nTRANSFER-encoding: CHUNKED\r\n\r\n"
    + CHUNKS,
}

_LENGTHS = {
    "a list": "14, 14",
    "a list of two": "14, 0",
    "a list without spaces": "14,0",
    "an empty list": ",",
    "with a sign": "+14",
    "below nothing": "-1",
    "in hexadecimal": "0xe",
    "in binary": "0b1110",
    "with a fraction": "14.0",
    "with an exponent": "14e0",
    "with an underscore": "1_4",
    "with a space in it": "1 4",
    "with a parameter": "14;x",
    "beyond all bounds": "9" * 30,
    "of 2**64 and some": str(2**64 + 14),
    "of nothing": "",
    "of space": " \t ",
    "behind a vertical tab": "\x0b14",
    "before a vertical tab": "14\x0b",
    "before a NUL": "14\0",
    "before a bare CR": "14\rX: y",
    "of letters": "fourteen",
    "of another script": "\xd9\xa1\xd9\xa4",
    "in quotes": '"14"',
}
LENGTHS = {
    **{f"a length {name}": _head(f"Content-Length: {value}") + BODY for name, value in _LENGTHS.items()},
    "two lengths": _head("Content-Length: 0", "Content-Length: 14") + BODY,
    "two lengths the other way": _head("Content-Length: 14", "Content-Length: 0") + BODY,
    "one length twice": _head("Content-Length: 14", "Content-Length: 14") + BODY,
    "two lengths in odd case": _head("content-length: 14", "CONTENT-LENGTH: 0") + BODY,
}

_CODINGS = {
    "nobody knows": "xchunked",
    "that is another": "gzip",
    "that is none": "identity",
    "that is cut short": "chunke",
    "in quotes": '"chunked"',
    "in other quotes": "'chunked'",
    "with a letter too many": "chunkedx",
    "with a vertical tab": "chunked\x0b",
    "behind a vertical tab": "\x0bchunked",
    "with a NUL": "chunked\0",
    "behind a NUL": "\0chunked",
    "with a bare CR": "chunked\rX: y",
    "with a parameter": "chunked;q=1",
    "in brackets": "[chunked]",
    "with a byte beyond ASCII": "chunked\xa0",
    "behind a byte beyond ASCII": "\xa0chunked",
    "and then none": "chunked, identity",
    "and then another": "chunked, gzip",
    "of nothing": "",
}
CODINGS = {
    **{
        f"a coding {name}{joint}": HEAD + f"Transfer-Encoding: {value}\r\n{length}\r\n{CHUNKS}"
        for name, value in _CODINGS.items()
        for joint, length in (("", ""), (", and a length", LENGTH))
    },
    "two codings": _head("Transfer-Encoding: identity", "Transfer-Encoding: x") + CHUNKS,
    "chunks and another coding": _head("Transfer-Encoding: chunked", "Transfer-Encoding: cow") + CHUNKS,
    "chunks in HTTP/1.0 and a length": f"POST /rooms HTTP/1.0\r\nHost: a\r\n{CHUNKED}{LENGTH}\r\n{CHUNKS}",
}

_NAMES = {
    "a space before the colon": "Transfer-Encoding : chunked",
    "a tab before the colon": "Transfer-Encoding\t: chunked",
    "a line's end before the colon": "Transfer-Encoding\r\n : chunked",
    "a NUL before the colon": "Transfer-Encoding\0: chunked",
    "a NUL before the name": "\0Transfer-Encoding: chunked",
    "a byte beyond ASCII before the name": "\xa0Transfer-Encoding: chunked",
    "a vertical tab before the name": "\x0bTransfer-Encoding: chunked",
    "a space before the name": " Transfer-Encoding: chunked",
    "a tab before the name": "\tTransfer-Encoding: chunked",
    "a folded coding": "Transfer-Encoding:\r\n chunked",
    "a coding folded by a bare LF": "Transfer-Encoding:\n chunked",
    "a coding behind a bare CR": "X: y\rTransfer-Encoding: chunked",
    "a slash in the name": "Transfer/Encoding: chunked",
    "a bracket in the name": "Transfer-Encoding(): chunked",
}
NAMES = {name: HEAD + f"{field}\r\n{LENGTH}\r\n{BODY}" for name, field in _NAMES.items()}

_SIZES = {
    "with a sign": "+3",
    "below nothing": "-3",
    "in hexadecimal by its looks": "0x3",
    "behind a space": " 3",
    "behind a tab": "\t3",
    "with an underscore": "1_0",
    "of nothing": "",
    "of no digits": "g",
    "with a comma": "3,3",
    "before a bare CR": "3\r\r",
    "before a NUL": "3\0",
    "of 2**64 and some": f"{2**64 + 3:x}",
    "of 2**128": "1" + "0" * 32,
    "of another script": "\xef\xbc\x93",
}
SIZES = {
    **{f"a chunk's size {name}": _chunks(f"{size}\r\nabc\r\n0\r\n\r\n") for name, size in _SIZES.items()},
    "a chunk larger than it says": _chunks("3\r\nabcdef\r\n0\r\n\r\n"),
    "a chunk smaller than it says": _chunks("5\r\nabc\r\n0\r\n\r\n"),
    "a chunk without its line's end": _chunks("3\r\nabc0\r\n\r\n"),
    "a chunk with a bare LF for its end": _chunks("3\r\nabc\n0\r\n\r\n"),
    "a chunk with a bare CR for its end": _chunks("3\r\nabc\r0\r\n\r\n"),
    "a chunk's size with a bare LF": _chunks("3\nabc\n0\n\n"),
    "a last chunk with a bare LF": _chunks("3\r\nabc\r\n0\n\r\n"),
    "a bare LF in a chunk's extension": _chunks("3;\nx\r\nabc\r\n0\r\n\r\n"),
    "a bare CR in a chunk's extension": _chunks("3;x\rx\r\nabc\r\n0\r\n\r\n"),
    "a NUL in a chunk's extension": _chunks("3;\0\r\nabc\r\n0\r\n\r\n"),
    "a space behind a chunk's size": _chunks("3 \r\nabc\r\n0\r\n\r\n"),
    "a field behind the body without a colon": _chunks("0\r\nnothing\r\n\r\n"),
    "a field behind the body with a space": _chunks("0\r\nX : y\r\n\r\n"),
    "a field behind the body that is folded": _chunks("0\r\nX: y\r\n z\r\n\r\n"),
    "a NUL behind the body": _chunks("0\r\nX: \0\r\n\r\n"),
    "a length behind the body": _chunks("3\r\nabc\r\n0\r\nContent-Length: 999\r\n\r\n"),
    "a coding behind the body": _chunks("3\r\nabc\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n"),
}

FIELDS = {
    "a folded field": _head("X-Folded: a\r\n b", LENGTH[:-2]) + BODY,
    "a field folded by a tab": _head("X-Folded: a\r\n\tb", LENGTH[:-2]) + BODY,
    "a space before the first field": "POST /rooms HTTP/1.1\r\n Host: a\r\n\r\n",
    "a bare CR in a field": _head("X-Bare: a\rb"),
    "a bare CR for a line's end": HEAD + "X-Bare: a\r" + LENGTH + "\r\n" + BODY,
    "a bare LF for a line's end": HEAD + "X-Bare: a\n" + LENGTH + "\r\n" + BODY,
    "nothing but bare LFs": HEAD.replace("\r", "") + "\n",
    "a NUL in a field": _head("X-Nul: a\0b"),
    "a NUL in a name": _head("X\0Nul: a"),
    "a bell in a field": _head("X-Bell: a\x07b"),
    "a DEL in a name": _head("X\x7f: a"),
    "a field without a name": _head(": a"),
    "a field without a colon": _head("X-Nothing"),
    "a name in quotes": _head('"X": a'),
    "a name with a space in it": _head("X Y: a"),
}

LINES = {
    "no version": "GET /rooms\r\n\r\n",
    "no version, and fields": "GET /rooms\r\nHost: a\r\n\r\n",
    "HTTP/0.9": "GET /\r\n",
    "HTTP/0.9 by name": "GET / HTTP/0.9\r\nHost: a\r\n\r\n",
    "HTTP/2.0 by name": "GET / HTTP/2.0\r\nHost: a\r\n\r\n",
    "HTTP/1.2": "GET / HTTP/1.2\r\nHost: a\r\n\r\n",
    "a version of no known kind": "GET / HTTP/3.7\r\nHost: a\r\n\r\n",
    "a version of two digits": "GET / HTTP/1.10\r\nHost: a\r\n\r\n",
    "a version without a point": "GET / HTTP/11\r\nHost: a\r\n\r\n",
    "a version of another protocol": "GET / ICY/1.1\r\nHost: a\r\n\r\n",
    "a version in lower case": "GET / http/1.1\r\nHost: a\r\n\r\n",
    "two versions": "GET / HTTP/1.1 HTTP/1.1\r\nHost: a\r\n\r\n",
    "HTTP/2 as it begins": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
    "a tab in the request's line": "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n",
    "a vertical tab in the request's line": "GET /\x0bHTTP/1.1\r\nHost: a\r\n\r\n",
    "a bare CR in the request's line": "GET /\rHTTP/1.1\r\nHost: a\r\n\r\n",
    "a bare LF behind the request's line": "GET / HTTP/1.1\nHost: a\r\n\r\n",
    "a space before the method": " GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "a space within the address": "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n",
    "no address": "GET HTTP/1.1\r\nHost: a\r\n\r\n",
    "a control character in the address": "GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n",
    "bytes that are not ASCII in the address": "GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n",
    "an absolute address without a host": "GET http:/rooms HTTP/1.1\r\nHost: a\r\n\r\n",
    "an absolute address with a port that is none": "GET http://a:99999/rooms HTTP/1.1\r\nHost: a\r\n\r\n",
    "an absolute address with a NUL": "GET http://a\0b/rooms HTTP/1.1\r\nHost: a\r\n\r\n",
    "a method in lower case": "get / HTTP/1.1\r\nHost: a\r\n\r\n",
    "a method of no known kind": "BREW / HTTP/1.1\r\nHost: a\r\n\r\n",
    "a method with a body's first byte": "XPOST / HTTP/1.1\r\nHost: a\r\n\r\n",
    "a tunnel": "CONNECT example.com:443 HTTP/1.1\r\nHost: a\r\n\r\n",
    "TLS": "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "another protocol": "SSH-2.0-OpenSSH_9.9\r\n",
    "mail": "EHLO a\r\nMAIL FROM:<a@b>\r\n",
    "a proxy's first line": "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n" + LIVE + "\r\n",
    "noise": "\x00\xff" * 100,
}

ELSEWHERE = {
    "an upgrade to HTTP/2 with a body": HEAD + TO_H2C + LENGTH + "\r\n" + BODY,
    "an upgrade to HTTP/2 with chunks": HEAD + TO_H2C + CHUNKED + "\r\n" + CHUNKS,
    "an upgrade to HTTP/2 whose body is a request": HEAD
    + TO_H2C
    + f"Content-Length: {len(LIVE) + 2}\r\n\r\n{LIVE}\r\n",
    "an upgrade of HTTP/1.0 with a body": HEAD.replace("1.1", "1.0") + TO_WEBSOCKET + LENGTH + "\r\n" + BODY,
    "an upgrade of HTTP/0.9": f"GET /ws\r\nHost: a\r\n{TO_WEBSOCKET}\r\n",
    "a tunnel with a body": f"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n{LENGTH}\r\n{BODY}",
}

REFUSED: dict[str, str] = {
    **BOTH,
    **LENGTHS,
    **CODINGS,
    **NAMES,
    **SIZES,
    **FIELDS,
    **LINES,
    **ELSEWHERE,
}

# -- answered, and nothing that follows is ------------------------------------

LAST: dict[str, tuple[str, int]] = {
    "an upgrade to a WebSocket nobody may have": (f"GET /ws HTTP/1.1\r\nHost: a\r\n{TO_WEBSOCKET}\r\n", 401),
    "an upgrade to a WebSocket with a body": (HEAD + TO_WEBSOCKET + LENGTH + "\r\n" + BODY, 400),
    "an upgrade to a WebSocket with chunks": (HEAD + TO_WEBSOCKET + CHUNKED + "\r\n" + CHUNKS, 400),
    "an upgrade to HTTP/2": (LIVE + TO_H2C + "\r\n", 200),
    "an upgrade to HTTP/2 with no length": (LIVE + TO_H2C + "Content-Length: 0\r\n\r\n", 200),
    "an upgrade to TLS": (LIVE + "Connection: Upgrade\r\nUpgrade: TLS/1.0\r\n\r\n", 200),
    "an upgrade to two protocols": (LIVE + "Connection: Upgrade\r\nUpgrade: websocket, h2c\r\n\r\n", 200),
    "an upgrade of HTTP/1.0": (f"GET /health/live HTTP/1.0\r\nHost: a\r\n{TO_WEBSOCKET}\r\n", 200),
    "a tunnel to a path": ("CONNECT /rooms HTTP/1.1\r\nHost: a\r\n\r\n", 405),
    "the last one by its own word": (LIVE + "Connection: close\r\n\r\n", 200),
    "HTTP/1.0": ("GET /health/live HTTP/1.0\r\nHost: a\r\n\r\n", 200),
    "a chunk's size of 2**63": (_chunks(f"{2**63:x}\r\n"), 401),
    "a chunk's size of 2**64 - 1": (_chunks("f" * 16 + "\r\n"), 401),
    "a length of 2**63": (_head(f"Content-Length: {2**63}"), 401),
    "a length one too large": (_head("Content-Length: 15") + BODY, 401),
    "chunks in HTTP/1.0": (f"POST /rooms HTTP/1.0\r\nHost: a\r\n{CHUNKED}\r\n{CHUNKS}", 401),
}

# -- clear, however odd it looks: answered, and what follows too --------------

CLEAR: dict[str, tuple[str, int]] = {
    "a line's end before the request": ("\r\n" + LIVE + "\r\n", 200),
    "space around a value": ("GET /health/live HTTP/1.1\r\nHost: \t a \t\r\n\r\n", 200),
    "an empty field": (LIVE + "X-Empty:\r\n\r\n", 200),
    "the name of a field in odd case": ("GET /health/live HTTP/1.1\r\nhOsT: a\r\n\r\n", 200),
    "a length in odd case": (HEAD + "cONTENT-lENGTH: 14\r\n\r\n" + BODY, 401),
    "a length with zeros before it": (_head("Content-Length: 00014") + BODY, 401),
    "a length of a body on a GET": (LIVE + "Content-Length: 2\r\n\r\nhi", 200),
    "a length and no body": (LIVE + "Content-Length: 0\r\n\r\n", 200),
    "chunks in odd case": (HEAD + "tRANSFER-eNCODING: Chunked\r\n\r\n" + CHUNKS, 401),
    "chunks on a GET": (LIVE + CHUNKED + "\r\n3\r\nabc\r\n0\r\n\r\n", 200),
    "a name that only looks like the coding's": (
        _head("Transfer_Encoding: chunked", "Content-Length: 14") + BODY,
        401,
    ),
    "a name that begins like the length's": (_head("Content-Length-X: 99", "Content-Length: 14") + BODY, 401),
    "a chunk's size with zeros before it": (_chunks("0003\r\nabc\r\n000\r\n\r\n"), 401),
    "a chunk's size in capitals": (_chunks(f"A\r\n{'x' * 10}\r\n0\r\n\r\n"), 401),
    "a chunk's extension": (_chunks("3;x=y\r\nabc\r\n0;z\r\n\r\n"), 401),
    "a chunk's extension in quotes": (_chunks('3;x="y;z"\r\nabc\r\n0\r\n\r\n'), 401),
    "a chunk's extension that looks like a size": (_chunks("3;5\r\nabc\r\n0\r\n\r\n"), 401),
    "a field behind the body": (_chunks("3\r\nabc\r\n0\r\nX: y\r\n\r\n"), 401),
    "an absolute address": ("GET http://a/health/live HTTP/1.1\r\nHost: a\r\n\r\n", 200),
    "an absolute address of another host": ("GET http://b/health/live HTTP/1.1\r\nHost: a\r\n\r\n", 200),
    "an escaped address": ("GET /health/%6cive HTTP/1.1\r\nHost: a\r\n\r\n", 200),
    "a query of NULs": ("GET /health/live?x=%00%ff HTTP/1.1\r\nHost: a\r\n\r\n", 200),
    "two spaces in the request's line": ("GET  /health/live HTTP/1.1\r\nHost: a\r\n\r\n", 200),
    "a body that looks like a request": (_head(f"Content-Length: {len(LIVE) + 2}") + LIVE + "\r\n", 401),
    "a chunk that looks like a request": (_chunks(f"{len(LIVE) + 2:x}\r\n{LIVE}\r\n\r\n0\r\n\r\n"), 401),
    "an upgrade nobody asked the connection for": (LIVE + "Upgrade: websocket\r\n\r\n", 200),
    "a hop that names the length": (_head("Connection: Content-Length", "Content-Length: 14") + BODY, 401),
}

HOSTS: dict[str, str] = {
    "none": "",
    "two": "Host: a\r\nHost: b\r\n",
    "one twice": "Host: a\r\nHost: a\r\n",
    "an empty one": "Host:\r\n",
    "a list": "Host: a, b\r\n",
    "one with a path": "Host: a/b\r\n",
    "one with a query": "Host: a?b\r\n",
    "one with a fragment": "Host: a#b\r\n",
    "one with a name and a password": "Host: user@a\r\n",
    "one with a space": "Host: a b\r\n",
    "one with a tab": "Host: a\tb\r\n",
    "one with two ports": "Host: a:80:80\r\n",
    "one with a port of letters": "Host: a:http\r\n",
    "one with a long port": "Host: a:808080\r\n",
    "one with a half address": "Host: [::1\r\n",
    "one in quotes": 'Host: "a"\r\n',
    "one with an escape": "Host: a%00b\r\n",
    "one with markup": "Host: <a>\r\n",
    "one beyond ASCII": "Host: \xe4\r\n",
    "one that is endless": f"Host: {'a' * 300}\r\n",
    "one that goes up": "Host: ../a\r\n",
}
"""None of these names a server: nothing is built from it."""
