"""The query of an address, and the path of a WebSocket: what was asked, or a mistake that is named."""

import math
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import parse_qs, unquote

from fuzz.mistakes import check_mistake
from hubbub.api.address import public_url
from hubbub.api.call import Call, first
from hubbub.api.lists import MAX
from hubbub.api.messages import MessagesQuery
from hubbub.api.operations import OPERATIONS
from hubbub.api.settings import Settings
from hubbub.api.upgrade import _check_path, _wanted
from hubbub.domain.errors import BadInput, NoSuchPage, NoSuchRoom
from hubbub.domain.ids import UserId
from hubbub.protocol.frames import encode

KINDS = tuple(dict.fromkeys(operation.query for operation in OPERATIONS if operation.query is not None))
READER = UserId("ada")
SETTINGS = Settings()


def _call(query: bytes) -> Call:
    scope = {"headers": [], "query_string": query, "scheme": "http", "path": "/", "method": "GET"}
    return Call(cast(Any, SimpleNamespace(context=None)), scope, cast(Any, None))


def try_one(data: bytes) -> None:
    target, _, query = data.rpartition(b"?")
    call = _call(query)
    given = parse_qs(query.decode("latin-1"), keep_blank_values=True)
    for kind in KINDS:
        try:
            asked = call.query(kind)
        except BadInput as error:
            check_mistake(error)
            continue
        encode(asked)
        for name in kind.__struct_fields__:
            once = not isinstance(getattr(asked, name), list)
            assert len(given.get(name, ())) <= 1 or not once, f"{name} was given twice"
        if isinstance(asked, MessagesQuery):
            assert 1 <= asked.limit <= MAX
            assert asked.wait >= 0
            assert math.isfinite(min(asked.wait, SETTINGS.max_wait_seconds))
    first(call.scope, "ticket")
    _try_upgrade(target.decode("latin-1"), query.decode("latin-1"))
    _try_host(target.decode("latin-1"))


def _try_upgrade(path: str, query: str) -> None:
    path = unquote(path)
    try:
        _check_path(path)
        wanted = _wanted(path, parse_qs(query, keep_blank_values=True), READER)
    except (BadInput, NoSuchPage, NoSuchRoom):
        return
    assert all(log and (after is None or after) for log, after in wanted.items())


def _try_host(host: str) -> None:
    try:
        url = public_url({"host": host}, "http", SETTINGS, peer="192.0.2.1")
    except BadInput:
        return
    assert url.isascii()
    assert url.isprintable()
    assert not set(url.removeprefix("http://")) & set('/\\?#@ "<>,')


def seeds() -> Iterator[bytes]:
    for text in (
        "/ws?",
        "/subscribe?room=A@1&room=B&inbox=",
        "/subscribe?room=A&room=A",
        "/inbox/subscribe?after=0",
        "/room/R/subscribe?after=e:1&ticket=x.y",
        "/room/%2e%2e/subscribe?",
        "a.example:80?after=1&before=2&limit=50&wait=30",
        "[::1]:8080?limit=501",
        "?limit=0",
        "?limit=1.0",
        "?limit=%31",
        "?limit=1&limit=2",
        "?wait=nan",
        "?wait=inf",
        "?wait=-0.0",
        "?wait=1e400",
        "?wait=1e-400",
        "?after=%00%ff&prefix=%F0%9F%98%80",
        "?prefix=a&after=b&limit=7",
        "?&&&;==&=&a=&=b",
        "?code=%ED%A0%80",
        "user@host?room=%40@",
    ):
        yield text.encode()
    yield b"?" + b"limit=1&" * 3000


WORDS = (
    *(
        b"limit=",
        b"wait=",
        b"after=",
        b"before=",
        b"prefix=",
        b"room=",
        b"inbox=",
        b"ticket=",
        b"&",
        b"?",
        b"@",
    ),
    *(b"%00", b"%ff", b"%zz", b"nan", b"inf", b"1e999", b"-1", b"+", b"0x1", b"1_0", b"/ws", b"/subscribe"),
    *(b"/room/", b"/inbox/subscribe", b"[::1]", b":80", b"true", b"null"),
)
