"""A server's whole output, at its most talkative: no password, no token, no ticket and nobody's words in it.

It runs as a process, so that everything any library writes anywhere is seen.
"""

import json
import os
import re
import signal
from pathlib import Path

import pytest

from cli.commands import started
from conformance.sockets import UPGRADE, Talk, frame, said
from conformance.wire import Wire, wire
from hubbub.knobs import Address
from hubbub.service.tokens import token_hash
from security.proofs import body
from support.deadline import deadline

PASSWORD = "swordfish-and-chips"
WRONG = "trout-and-mash-potatoes"
TEXT = "meet-me-at-the-old-mill"
NAME_TYPED = "my.other-password9"

# A bug in each place where secrets are at hand: in locals of failing frames, in arguments, in the request.
PLANTED = """
import sys
from hubbub.api import messages, websocket
from hubbub.service.rooms import Rooms
from hubbub.service.accounts import Accounts
from hubbub.cli import main

async def crash_listing(self, *args, **more):
    raise RuntimeError("planted while listing")

def crash_posting(self, ask, post):
    if "crash" in (post.key or ""):
        raise RuntimeError("planted while posting")
    return really_post(self, ask, post)

async def crash_signing_up(self, name, password, **more):
    if name == "crash":
        raise RuntimeError("planted while signing up")
    return await really_sign_up(self, name, password, **more)

really_post, websocket.WebSocket._post = websocket.WebSocket._post, crash_posting
really_sign_up, Accounts.sign_up = Accounts.sign_up, crash_signing_up
Rooms.list = crash_listing
main(sys.argv[1:])
"""


class Told:
    """All that must not be found again."""

    def __init__(self) -> None:
        self.secrets = {PASSWORD, WRONG, TEXT, NAME_TYPED}
        self.shown: set[str] = set()

    def add(self, *secrets: str) -> None:
        self.secrets |= set(secrets)


async def _every_path(address: Address, told: Told) -> None:
    """Put each secret wherever a client can put one."""
    async with wire(address) as way:
        await _people(way, told)
    async with wire(address) as way:
        token = await _token(way, told, "ada")
        await _token(way, told, "bob")
        room = json.loads((await way.asks("POST", "/rooms", token, body(name="Lounge"))).body)["id"]
        await _cookie(way, told)
        await _messages(way, told, token, room)
        await _tickets(way, told, token, room)
        await _bad_requests(way, token)
    await _sockets(address, told, token, room)
    await _raw(address, told, token)
    async with wire(address) as way:
        await way.asks("GET", "/rooms", token)  # planted
        await way.asks("DELETE", "/sessions/current", token)
        assert (await way.asks("GET", "/inbox/messages", token)).status == 401


async def _people(way: Wire, told: Told) -> None:
    for name in ("ada", "bob"):
        answer = await way.asks("POST", "/users", None, body(name=name, password=PASSWORD))
        assert answer.status == 201
    assert (await way.asks("POST", "/users", None, body(name="ada", password=PASSWORD))).status == 409
    assert (await way.asks("POST", "/users", None, body(name="crash", password=PASSWORD))).status == 500
    assert (await way.asks("POST", "/sessions", None, body(name="ada", password=WRONG))).status == 401
    for name in (NAME_TYPED, NAME_TYPED + "!"):  # a password in the wrong field
        assert (await way.asks("POST", "/sessions", None, body(name=name, password=WRONG))).status in (
            400,
            401,
        )
    for content in (
        f'{{"name":"ada","password":"{PASSWORD}"',
        f'{{"name":"ada","password":["{PASSWORD}"]}}',
        f'{{"name":7,"password":"{PASSWORD}"}}',
        f'"{PASSWORD}"',
        f"name=ada&password={PASSWORD}",
    ):
        assert (await way.asks("POST", "/sessions", None, content.encode())).status == 400
    assert (await way.asks("POST", f"/sessions?password={PASSWORD}&token=hb_x", None, b"{}")).status == 400


async def _token(way: Wire, told: Told, name: str) -> str:
    answer = await way.asks("POST", "/sessions", None, body(name=name, password=PASSWORD))
    assert answer.status == 201
    token: str = json.loads(answer.body)["token"]
    told.add(token, token_hash(token).hex())
    return token


async def _cookie(way: Wire, told: Told) -> None:
    own, typed = {"Origin": f"http://{way.host}"}, {"Content_Type": "application/json"}
    content = body(name="ada", password=PASSWORD, cookie=True)
    answer = await way.asks("POST", "/sessions", None, content, **own, **typed)
    assert answer.status == 201
    for value in re.findall(r"hubbub_\w+=([^;]+)", str(answer.headers)):
        told.add(value)
        for fields in (own, {"Origin": "https://elsewhere.example"}, {}):
            cookie = typed | {"Cookie": f"hubbub_session={value}"}
            await way.asks("POST", "/rooms", None, body(name=f"{len(told.secrets)}"), **fields, **cookie)


async def _messages(way: Wire, told: Told, token: str, room: str) -> None:
    for path in (f"/room/{room}/messages", "/user/bob/messages"):
        assert (await way.asks("POST", path, token, body(text=TEXT), Idempotency_Key="k1")).status == 201
        assert (
            await way.asks("POST", path, token, body(text=TEXT + "!"), Idempotency_Key="k1")
        ).status == 409
        for content in (f'{{"text":"{TEXT}', f'{{"text":["{TEXT}"]}}', f'{{"text":"{TEXT}\\u0000"}}'):
            assert (await way.asks("POST", path, token, content.encode())).status == 400
        assert (await way.asks("POST", path, token, body(text=TEXT * 2000))).status == 413
        await way.asks("GET", path, token)
    assert (await way.asks("POST", "/room/none/messages", token, body(text=TEXT))).status == 404


async def _tickets(way: Wire, told: Told, token: str, room: str) -> None:
    for path in (f"/room/{room}/subscribe", "/inbox/subscribe", f"/subscribe?room={room}&inbox="):
        offer = json.loads((await way.asks("GET", path, token)).body)
        ticket = offer["event_stream"].partition("ticket=")[2]
        told.add(ticket, ticket.partition(".")[0], ticket.partition(".")[2])
        address = Address(*_split(way.host))
        for name in ("ticket", "%74icket", "Ticket"):
            where = offer["event_stream"].partition(way.host)[2].replace("ticket=", f"{name}=")
            for fields in ({"Accept": "text/event-stream"}, dict(UPGRADE), {}):
                async with wire(address) as other:
                    other.request("GET", where, **fields)
                    await other.head()
        async with wire(address) as other:  # one for another log, and one that was tampered with
            await other.asks("GET", f"/room/none/subscribe?ticket={ticket}")
            await other.asks("GET", f"/inbox/subscribe?ticket={ticket[:-1]}")


async def _bad_requests(way: Wire, token: str) -> None:
    for path in (
        f"/rooms/{token}",
        f"/room/{token}/messages",
        f"/rooms?token={token}",
        f"/?password={PASSWORD}",
    ):
        await way.asks("GET", path, token)
    for authorization in (f"Basic {token}", f"bearer {token}x", token):
        answer = await way.asks("GET", "/rooms", Authorization=authorization)
        assert answer.status == 401
    await way.asks("PUT", f"/rooms?access_token={token}", token)


async def _sockets(address: Address, told: Told, token: str, room: str) -> None:
    for word in (
        said(type="post", room=room, text=TEXT, key="k2"),
        said(type="post", room=room, text=TEXT, key="crash"),
        said(type="post", room=room, text=[TEXT]),
        said(type="post", text=TEXT, token=token),
        said(type="subscribe", room=TEXT, after=token),
        frame(f'{{"type":"post","text":"{TEXT}'),
        frame(TEXT),
        frame(TEXT.encode() + b"\xff"),
        frame(TEXT * 5000),
        frame(TEXT, mask=False),
    ):
        async with wire(address) as way:
            way.request("GET", "/ws", token, **UPGRADE)
            talk = Talk(way, await way.head())
            await talk.json()
            talk.say(word)
            async with deadline():
                await way.reader.read(1)
    for fields in ({"Sec_WebSocket_Key": token}, {"Sec_WebSocket_Protocol": token}, {"Cookie": token}):
        async with wire(address) as way:
            way.request("GET", f"/ws?token={token}", **(UPGRADE | fields))
            await way.head()


async def _raw(address: Address, told: Told, token: str) -> None:
    """What is no HTTP, with a secret in it."""
    for nonsense in (
        f"{token} {PASSWORD}\r\n\r\n",
        f"GET / HTTP/1.1\r\nAuthorization: Bearer {token}\r\nbad header {PASSWORD}\r\n\r\n",
        f"POST /sessions HTTP/1.1\r\nHost: x\r\nContent-Length: nine\r\n\r\n{PASSWORD}",
        f"GET /rooms HTTP/1.1\r\nHost: {PASSWORD} {token}\r\n\r\n",
        f"GET /{PASSWORD}\x01 HTTP/1.1\r\n\r\n",
    ):
        async with wire(address) as way:
            way.say(nonsense.encode())
            way.end()
            await way.rest()


def _split(host: str) -> tuple[str, int]:
    name, _, port = host.rpartition(":")
    return name, int(port)


@pytest.mark.parametrize("form", ["json", "console"])
async def test_nothing_secret_is_anywhere_in_what_a_server_writes(tmp_path, form):
    data, told = tmp_path / "data", Told()
    flags = ("--listen", "127.0.0.1:0", "--admin-listen", "off", "--password-workers", "1")
    talkative = ("--log-format", form, "--log-level", "debug", "--access-log", "on")
    process = await started(
        "serve", *flags, *talkative, "--data", data, program=("-c", PLANTED), PYTHONDEVMODE="1"
    )
    assert process.stderr is not None
    assert process.stdout is not None
    begun = b""
    try:
        async with deadline():
            stream = process.stderr if form == "json" else process.stdout
            while not (found := re.search(rb"http://127\.0\.0\.1:(\d+)", begun)):
                line = await stream.readline()
                assert line, "the server ended before it listened"
                begun += line
        async with deadline(60):
            await _every_path(Address("127.0.0.1", int(found[1])), told)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        async with deadline():
            out, err = await process.communicate()
    written = (begun + out + err).decode()
    files = {path.name: path.read_bytes() for path in data.iterdir()}
    _holds_what_it_should(written, form)
    for secret in told.secrets:
        assert secret not in written, _around(written, secret)
    stored = b"".join(files.values())
    for secret in told.secrets - {TEXT}:  # texts are stored: that is what they are posted for
        if len(secret) != 64:  # a hash in hexadecimal is for the log only
            assert secret.encode() not in stored, secret
    assert TEXT.encode() in stored
    assert stored.count(b"$argon2id$") >= 2


def _holds_what_it_should(written: str, form: str) -> None:
    """It was talkative indeed: else nothing would be proven."""
    for event in ("signed up", "signed in", "sign-in failed", "session ended", "foreign origin"):
        assert event in written, event
    for bug in ("planted while listing", "planted while signing up", "planted while posting"):
        assert bug in written, bug
    assert "Traceback" in written
    assert "/subscribe" in written  # the access log's
    assert "[secret]" in written
    if form == "json":
        for line in written.splitlines():
            assert isinstance(json.loads(line), dict)


def _around(written: str, secret: str) -> str:
    at = written.index(secret)
    return f"{secret!r} in {written[max(0, at - 300) : at + 100]!r}"


def test_the_files_of_a_store_are_their_owners_alone(seeded_store: Path):
    assert seeded_store.stat().st_mode & 0o777 == 0o700
    for path in seeded_store.iterdir():
        assert path.stat().st_mode & 0o077 == 0, path
        assert path.stat().st_uid == os.getuid()
