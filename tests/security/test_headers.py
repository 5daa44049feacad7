"""What every answer tells browsers, whoever gives it and whatever became of the request."""

import asyncio
import json
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import pytest

from conformance.sockets import UPGRADE
from conformance.wire import Wire, wire
from hubbub.api.guard import SECURITY_FIELDS, guard
from hubbub.api.operations import OPERATIONS
from hubbub.api.settings import Settings
from hubbub.api.upgrade import admit_upgrade
from hubbub.domain.errors import StorageFailed
from hubbub.knobs import Address
from hubbub.service.limits import Policy
from support.deadline import deadline
from support.seeded import PASSWORD, token_of
from support.serving import serving

ADA = token_of("ada")
PUBLIC = {"docs", "home", "about", "problem", "asset", "openapi", "asyncapi"}
PARTS = {"userId": "bob", "seq": "1", "code": "internal", "file": "site.css", "sessionId": "none"}
BODIES = {
    "postToRoom": {"text": "hi"},
    "postToUser": {"text": "hi"},
    "createRoom": {"name": "Attic"},
    "markRoom": {"seq": 0},
    "markPerson": {"seq": 0},
    "signUp": {"name": "zoe", "password": PASSWORD},
    "signIn": {"name": "ada", "password": PASSWORD},
}


class Head(NamedTuple):
    status: int
    fields: list[tuple[str, str]]

    def all(self, name: str) -> list[str]:
        return [value for field, value in self.fields if field == name]

    def is_guarded(self, *, kept: bool = False) -> None:
        """Everything that has to be there is, once, and nothing that must not be."""
        for name, value in SECURITY_FIELDS:
            assert self.all(name.decode()) == [value.decode()], (self.status, name)
        for absent in ("server", "x-powered-by", "set-cookie", "strict-transport-security"):
            assert not self.all(absent), (self.status, absent)
        assert not [name for name, _ in self.fields if name.startswith("access-control-")]
        if self.status not in (204, 101):
            (cached,) = self.all("cache-control")
            assert cached.partition(",")[0] == ("no-cache" if kept else "no-store")


async def head(way: Wire) -> Head:
    async with deadline():
        raw = (await way.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = raw.removesuffix("\r\n\r\n").split("\r\n")
    fields = [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]
    return Head(int(first.split()[1]), fields)


class Asked:
    def __init__(self, server: Any, room: str) -> None:
        self.server = server
        self.room = room

    async def for_(self, method: str, path: str, *words: Any, **fields: Any) -> Head:
        async with wire(self.server.address) as way:
            way.request(method, path, *words, **fields)
            return await head(way)

    async def raw(self, data: bytes) -> Head:
        async with wire(self.server.address) as way:
            way.say(data)
            return await head(way)


@asynccontextmanager
async def asked(data, **config):
    async with serving(data, **config) as server, wire(server.address) as other:
        answer = await other.asks("POST", "/rooms", ADA, b'{"name":"Lounge"}')
        room = json.loads(answer.body)["id"]
        for where in (f"/room/{room}", "/user/ada"):
            await other.asks("POST", f"{where}/messages", ADA, b'{"text":"hi"}')
        yield Asked(server, room)


@pytest.fixture
async def ask(data):
    async with asked(data) as asking:
        yield asking


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
async def test_every_operation_answers_guarded_well_or_badly(ask, operation):
    path = operation.path.format(roomId=ask.room, **PARTS)
    if operation.name == "subscribeMany":
        path += "?inbox="
    content = json.dumps(BODIES[operation.name]).encode() if operation.body else b""
    kept = operation.name in PUBLIC
    if operation.access != "anyone":
        refused = await ask.for_(operation.method, path, None, content)
        assert refused.status == 401
        refused.is_guarded()
    good = await ask.for_(operation.method, path, ADA, content)
    assert good.status in (
        operation.status,
        426,
        404,
    )  # /ws speaks WebSocket only; there is no session "none"
    good.is_guarded(kept=kept)
    (await ask.for_("OPTIONS", path)).is_guarded()
    (await ask.for_("PUT", path)).is_guarded()
    if operation.method == "GET" and not operation.streams:
        (await ask.for_("HEAD", path, ADA)).is_guarded(kept=kept)
    if good.all("etag"):
        again = await ask.for_("GET", path, ADA, If_None_Match=good.all("etag")[0])
        assert again.status == 304
        again.is_guarded(kept=kept)
    if operation.streams and operation.gives is not None:
        for accept in ("text/event-stream", "application/x-ndjson"):
            stream = await ask.for_("GET", path, ADA, Accept=accept)
            assert stream.status == 200
            stream.is_guarded()


@pytest.mark.parametrize(
    ("status", "method", "path", "content", "fields"),
    [
        (404, "GET", "/nothing/here", b"", {}),
        (405, "PUT", "/rooms", b"", {}),
        (400, "POST", "/rooms", b"{", {}),
        (400, "GET", "/rooms?limit=x", b"", {}),
        (413, "POST", "/rooms", b" " * (128 * 1024 + 1), {}),
        (415, "POST", "/rooms", b"x", {"Content_Type": "text/plain"}),
        (409, "POST", "/rooms", b'{"name":"Lounge"}', {}),
        (412, "POST", "/room/{room}/messages", b'{"text":"hi"}', {"If_Match": '"0"'}),
        (204, "GET", "/inbox/subscribe?ticket=old", b"", {"Last_Event_ID": "1", "no": "token"}),
    ],
)
async def test_every_refusal_is_guarded(ask, status, method, path, content, fields):
    token = None if fields.pop("no", None) else ADA
    answer = await ask.for_(method, path.format(room=ask.room), token, content, **fields)
    assert answer.status == status
    answer.is_guarded()


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (400, b"nonsense\r\n\r\n"),
        (400, b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n"),
        (400, b"GET / HTTP/1.1\r\nHost : x\r\n\r\n"),
        (431, b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 20_000 + b"\r\n\r\n"),
    ],
)
async def test_what_the_parser_refuses_is_guarded(ask, status, said):
    answer = await ask.raw(said)
    assert answer.status == status
    answer.is_guarded()


@pytest.mark.parametrize(
    ("status", "path", "token", "fields"),
    [
        (401, "/ws", None, {}),
        (403, "/ws", None, {"Cookie": f"hubbub_session={ADA}"}),
        (404, "/nowhere", ADA, {}),
        (404, "/room/none/subscribe", ADA, {}),
        (409, "/inbox/subscribe?after=99", ADA, {}),
        (400, "/ws", ADA, {"Sec_WebSocket_Key": "short"}),
        (400, "/ws", ADA, {"Sec_WebSocket_Version": "12"}),
        (400, "/ws", ADA, {"Host": "a b"}),
    ],
)
async def test_what_the_upgrade_refuses_is_guarded(ask, status, path, token, fields):
    answer = await ask.for_("GET", path, token, **(UPGRADE | fields))
    assert answer.status == status
    assert answer.all("content-length") != []
    for name, value in SECURITY_FIELDS:
        assert answer.all(name.decode()) == [value.decode()]
    assert answer.all("cache-control") == ["no-store"]
    assert not answer.all("server")


async def test_a_bug_and_trouble_are_guarded(ask, monkeypatch):
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(type(ask.server.context.rooms), "list", broken)
    monkeypatch.setattr("hubbub.api.websocket.admit_upgrade", broken)
    for bug in (await ask.for_("GET", "/rooms", ADA), await ask.for_("GET", "/ws", ADA, **UPGRADE)):
        assert bug.status == 500
        bug.is_guarded()
    monkeypatch.setattr("hubbub.api.websocket.admit_upgrade", admit_upgrade)
    ask.server.broken = StorageFailed()
    trouble = await ask.for_("GET", "/health/ready")
    assert trouble.status == 503
    trouble.is_guarded()


async def test_too_many_and_too_fast_are_guarded(data):
    few = {"requests": Policy(name="requests", quota=10, window_seconds=3600)}
    async with asked(data, limits=few, settings={"sockets_per_address": 2}) as asking:
        for _ in range(asking.server.context.limits.requests.peek("127.0.0.1").remaining):
            asking.server.context.limits.requests.take("127.0.0.1")
        too_fast = await asking.for_("GET", "/rooms", ADA)
        assert (too_fast.status, len(too_fast.all("retry-after"))) == (429, 1)
        too_fast.is_guarded()
        socket = await asking.for_("GET", "/ws", ADA, **UPGRADE)
        assert socket.status == 429
        socket.is_guarded()
        async with wire(asking.server.address) as one, wire(asking.server.address) as two:
            answers = [asyncio.ensure_future(head(way)) for way in (one, two)]
            done, waiting = await asyncio.wait(answers, timeout=20, return_when=asyncio.FIRST_COMPLETED)
            for answer in waiting:
                answer.cancel()
            refused = done.pop().result()
            assert refused.status == 429
            refused.is_guarded()


async def test_a_body_that_does_not_come_is_answered_guarded(data):
    async with asked(data, settings={"body_seconds": 0.05}) as asking:
        slow = await asking.for_("POST", "/rooms", ADA, Content_Length="9")
        assert slow.status == 408
        slow.is_guarded()


async def test_the_operators_listener_guards_its_answers_too(data):
    async with serving(data, admin_listen=Address("127.0.0.1", 0)) as server:
        for path in ("/metrics", "/health/live", "/health/ready", "/nothing"):
            async with wire(server.admin) as way:
                way.request("GET", path)
                answer = await head(way)
                for name, value in SECURITY_FIELDS:
                    assert answer.all(name.decode()) == [value.decode()], path
        async with wire(server.admin) as way:
            way.say(b"nonsense\r\n\r\n")
            answer = await head(way)
            assert answer.status == 400
            for name, value in SECURITY_FIELDS:
                assert answer.all(name.decode()) == [value.decode()]


async def test_under_tls_browsers_are_asked_never_to_come_without(data):
    async with asked(data, settings={"public_url": "https://chat.example.org"}) as asking:
        for answer in (
            await asking.for_("GET", "/"),
            await asking.for_("GET", "/rooms"),
            await asking.for_("GET", "/ws", **UPGRADE),
            await asking.raw(b"nonsense\r\n\r\n"),
        ):
            assert answer.all("strict-transport-security") == ["max-age=31536000"]


@pytest.mark.parametrize(
    ("public_url", "scheme", "asked_for"),
    [
        (None, "http", False),
        (None, "https", True),
        ("https://chat.example", "http", True),
        ("http://chat.example", "http", False),
    ],
)
def test_tls_is_known_by_the_connection_or_by_the_public_url(public_url, scheme, asked_for):
    fields = dict(guard(Settings(public_url=public_url), scheme))
    assert (b"strict-transport-security" in fields) == asked_for
    assert dict(SECURITY_FIELDS).items() <= fields.items()


def test_pages_run_load_and_call_what_this_server_has_and_no_text_becomes_a_script():
    policy = dict(SECURITY_FIELDS)[b"content-security-policy"].decode()
    rules = dict(rule.strip().partition(" ")[::2] for rule in policy.split(";"))
    assert rules == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self'",
        "font-src": "'self'",
        "connect-src": "'self'",
        "manifest-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    }


@pytest.mark.parametrize("path", ["/about", "/docs", "/problems/internal", "/problems/too-fast"])
async def test_no_page_about_the_server_has_a_script_a_style_or_an_address_of_elsewhere_in_it(ask, path):
    async with wire(ask.server.address) as way:
        page = (await way.asks("GET", path)).body.decode().lower()
    for forbidden in (
        "<script",
        "javascript:",
        "<style",
        " style=",
        " onclick",
        " onload",
        "<iframe",
        "<form",
    ):
        assert forbidden not in page
    for loaded in ('src="', 'rel="stylesheet" href="', 'rel="icon" href="'):
        for rest in page.split(loaded)[1:]:
            assert rest.startswith("/assets/"), rest[:80]
