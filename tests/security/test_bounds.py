"""Bounds on what a stranger, or somebody signed in, can make the server hold: those not tested elsewhere. All
of them are listed in docs/threat-model.md, each with its test."""

import ast
import asyncio
import inspect
import json
import os
from pathlib import Path

import msgspec
import pytest

from conformance.sockets import UPGRADE, frame, said, talk
from conformance.wire import wire
from hubbub.api.settings import Settings
from hubbub.backends import Seams
from hubbub.config import Config, Misconfigured, load
from hubbub.service import familiar, tickets, tokens
from hubbub.service.limits import Policy
from security.proofs import Proofs, body
from support.seeded import token_of
from support.serving import serving

ADA = token_of("ada")


async def test_no_compression_is_agreed_on_so_that_no_frame_is_larger_than_it_says(target):
    offered = "permessage-deflate; client_max_window_bits, permessage-deflate, x-webkit-deflate-frame"
    async with talk(target.server.address, ADA, Sec_WebSocket_Extensions=offered) as ada:
        assert "sec-websocket-extensions" not in ada.opening.headers


@pytest.mark.parametrize("opening", ["[", '{"a":'])
@pytest.mark.parametrize(
    "before", ["", '{"type":"subscribe","room":', '{"type":"subscribe","unknown":', '{"ref":']
)
async def test_json_may_be_deep_in_a_frame_and_nobody_falls_into_it(target, before, opening):
    async with talk(target.server.address, ADA) as ada:
        ada.say(said(type="unsubscribe", inbox=True))
        assert (await ada.json())["type"] == "unsubscribed"
        ada.say(frame((before + opening * 20_000)[:60_000]))
        code, _ = await ada.closes()
        assert code == 4400
    await target.turn()


async def test_a_websocket_that_is_not_signed_in_in_time_is_dropped(data, monkeypatch):
    """Whatever holds the sign-in up: nobody keeps a socket they have not shown a right to."""
    held = asyncio.Event()

    async def never(*_, **__):
        await held.wait()

    monkeypatch.setattr("hubbub.api.websocket.admit_upgrade", never)
    async with serving(data, settings={"head_seconds": 0.05}) as server, wire(server.address) as way:
        way.request("GET", "/ws", ADA, **UPGRADE)
        await way.is_closed()


async def test_before_the_sign_in_is_known_no_more_is_kept_than_a_frame(data, monkeypatch):
    held = asyncio.Event()

    async def never(*_, **__):
        await held.wait()

    monkeypatch.setattr("hubbub.api.websocket.admit_upgrade", never)
    async with serving(data, settings={"max_frame_bytes": 4096}) as server, wire(server.address) as way:
        way.request("GET", "/ws", ADA, **UPGRADE)
        await way.push(b"x" * 1_000_000)
        await way.rest()


async def test_posts_of_one_user_are_counted_over_all_their_sessions_and_transports(data):
    few = {"posts": Policy(name="posts", quota=2, window_seconds=3600)}
    async with serving(data, limits=few) as server, wire(server.address) as way:
        phone, _ = await Proofs(server).signed_in("ada")
        assert (await way.asks("POST", "/user/bob/messages", ADA, body(text="one"))).status == 201
        async with talk(server.address, phone) as ada:
            replies = [await ada.asks(type="post", to="bob", text="hi") for _ in range(2)]
        assert [reply.get("status") for reply in replies] == [None, 429]
        refused = await way.asks("POST", "/user/bob/messages", ADA, body(text="three"))
        assert (refused.status, refused.code) == (429, "too-fast")
        assert (await way.asks("POST", "/user/ada/messages", token_of("bob"), body(text="x"))).status == 201


@pytest.mark.parametrize("field", msgspec.structs.fields(Settings), ids=lambda field: field.name)
def test_every_bound_of_the_wire_is_one(field):
    """None of them is off, or without end, unless somebody says so."""
    if field.name in ("public_url", "trusted_proxies", "cors_origins"):
        assert field.default in (None, ())  # nobody is believed, and nobody else may call
    else:
        assert 0 < field.default < 1_000_000


def test_by_default_nothing_listens_on_more_than_the_loopback():
    config = load({}, {}, directory=Path("/nonexistent"))
    assert config.listen.host == config.admin_listen.host == "127.0.0.1"
    assert Config(data=Path()).admin_listen.host == "127.0.0.1"


def test_a_ticket_cannot_be_made_to_last_longer_than_half_a_minute():
    assert load({}, {}, directory=Path("/nonexistent")).ticket_seconds == 30
    with pytest.raises(Misconfigured):
        load({"ticket_seconds": ["31"]}, {}, directory=Path("/nonexistent"))


async def test_the_operators_pages_are_not_on_the_public_port(target):
    async with wire(target.server.address) as way:
        for path in ("/metrics", "/metrics/", "/admin", "/verify", "//metrics", "/%6detrics"):
            assert (await way.asks("GET", path, ADA)).status == 404


def test_a_token_is_256_bits_from_the_systems_generator_and_is_kept_as_a_hash():
    assert Seams().randomness is os.urandom
    asked = []
    token = tokens.new_token(lambda size: asked.append(size) or os.urandom(size))
    assert asked == [32]
    assert len(tokens.token_hash(token)) == 32
    assert token.encode() not in tokens.token_hash(token)
    assert len({tokens.new_token(os.urandom) for _ in range(1000)}) == 1000


@pytest.mark.parametrize("module", [tickets, familiar], ids=lambda module: module.__name__)
def test_signatures_are_compared_in_constant_time(module):
    """By nothing but `hmac.compare_digest`. Tokens are looked up by their hash, of which timing tells nothing
    that helps to make another token."""
    tree = ast.parse(inspect.getsource(module))
    compared = [
        ast.unparse(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.Compare) and "signature" in ast.unparse(node)
    ]
    assert compared == []
    assert inspect.getsource(module).count("compare_digest") == 1


@pytest.mark.parametrize("name", ["\u202eevil", "ro\u200bom", "a\0b", "a\x1b[31m", "\u2066x\u2069", "a\nb"])
async def test_a_room_whose_name_hides_or_turns_text_is_refused_over_the_wire(target, name):
    answer = await target.other.asks("POST", "/rooms", ADA, body(name=name))
    assert (answer.status, answer.code) == (400, "bad-input")


@pytest.mark.parametrize("name", ["\u3164", "\u2800", "\u200d", "\u115f\u1160", "\ufe0f", "\U000e0061"])
async def test_a_room_whose_name_shows_nothing_is_refused_over_the_wire(target, name):
    answer = await target.other.asks("POST", "/rooms", ADA, body(name=name))
    assert (answer.status, answer.code) == (400, "bad-input")


@pytest.mark.parametrize(
    "name",
    [
        *("Lounge\u200d", "Loun\u034fge", "Lounge\ufe0f", "\u3164Lounge", "Lounge\u2800", "Lounge\U000e0061"),
        *(
            "L\u115founge",
            "Lo\u17b4unge",
            "Lounge\u180b",
            "Lounge\U0001d173",
            "\uffa0Lounge",
            "LOUNGE\U000e0100",
        ),
    ],
)
async def test_no_room_can_look_like_another_but_for_what_is_not_seen(target, name):
    await target.room("Lounge")
    answer = await target.other.asks("POST", "/rooms", ADA, body(name=name))
    assert (answer.status, answer.code) == (409, "name-taken")


async def test_what_joins_letters_stays_in_the_name_that_is_shown(target):
    """Persian and emoji are written with joiners, and a heart is red by what follows it."""
    for name in ("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "\u2764\ufe0f\u200d\U0001f525"):
        answer = await target.other.asks("POST", "/rooms", ADA, body(name=name))
        assert (answer.status, json.loads(answer.body)["name"]) == (201, name)


@pytest.mark.parametrize("name", ["аda", "ada\u200d", "\u202eada", "ada ", "ａda", "ada\u0301", "\u212a"])
async def test_no_user_can_look_like_another(target, name):
    """A Cyrillic а, a joiner, a mark: a handle is ASCII, and the Kelvin sign is no k."""
    answer = await target.other.asks("POST", "/users", None, body(name=name, password="correct horse"))
    assert (answer.status, answer.code) == (400, "bad-input")


async def test_a_host_nobody_configured_is_not_believed_where_a_public_url_is_set(data):
    async with serving(data, settings={"public_url": "https://chat.example.org"}) as server:
        async with wire(server.address) as way:
            way.host = "evil.example"
            forged = {"X_Forwarded_Host": "evil.example", "X_Forwarded_Proto": "http"}
            made = await way.asks("POST", "/rooms", ADA, body(name="x"), **forged)
            offer = await way.asks("GET", "/inbox/subscribe", ADA, **forged)
        for answer in (made, offer):
            assert b"evil" not in answer.body
            assert answer.headers["location"].startswith("https://chat.example.org/")


async def test_without_one_only_a_trusted_proxy_says_where_the_server_is(data):
    async with serving(data) as server, wire(server.address) as way:
        forged = {"X_Forwarded_Host": "evil.example", "X_Forwarded_Proto": "https", "Forwarded": "host=evil"}
        made = await way.asks("POST", "/rooms", ADA, body(name="x"), **forged)
        assert made.headers["location"].startswith(f"http://{server.address}/")
