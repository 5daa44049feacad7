"""Who gets a WebSocket, and what everybody else is told: by status, before anything is upgraded."""

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from conformance.sockets import UPGRADE, frame, said, talk
from hubbub.service.limits import Policy
from support.seeded import token_of

ADA = token_of("ada")


async def _refusal(house, path="/ws", token=ADA, *, source=None, **fields):
    async with house.wire(source=source) as way:
        answer = await way.asks("GET", path, token, **(UPGRADE | fields))
        assert answer.status >= 400, answer
        await way.is_closed()
        return answer.status, answer.code


async def test_a_token_opens_it(house):
    async with talk(house.server.address, ADA) as ada:
        assert house.streams == 1
        assert "sec-websocket-protocol" not in ada.opening.headers
        assert "sec-websocket-extensions" not in ada.opening.headers


async def test_the_subprotocol_is_chosen_when_it_is_offered(house):
    async with talk(house.server.address, ADA, Sec_WebSocket_Protocol="other, hubbub.v1") as ada:
        assert ada.opening.headers["sec-websocket-protocol"] == "hubbub.v1"
    async with talk(house.server.address, ADA, Sec_WebSocket_Protocol="other") as ada:
        assert "sec-websocket-protocol" not in ada.opening.headers


NOBODY = {
    "no token": (None, {}),
    "a token nobody has": ("hb_" + "x" * 43, {}),
    "another scheme": (None, {"Authorization": "Basic YWRhOmFkYQ=="}),
    "two tokens": (ADA, {"Authorization": f"Bearer {token_of('bob')}"}),
    "a cookie nobody has": (None, {"Cookie": "hubbub_session=hb_x", "Origin": "http://{host}"}),
}


async def test_nobody_known_is_answered_401(house, subtests):
    for name, (token, fields) in NOBODY.items():
        with subtests.test(name):
            there = {key: value.format(host=house.server.address) for key, value in fields.items()}
            assert await _refusal(house, "/ws", token, **there) == (401, "not-signed-in")


FOREIGN = {
    "none": {},
    "another site": {"Origin": "https://evil.example"},
    "another port": {"Origin": "http://127.0.0.1:1"},
    "another scheme": {"Origin": "https://{host}"},
    "a file": {"Origin": "null"},
    "one that begins alike": {"Origin": "http://{host}.evil.example"},
    "one with a path": {"Origin": "http://{host}/"},
}


async def test_a_cookie_from_any_other_origin_is_answered_403(house, subtests):
    for name, fields in FOREIGN.items():
        with subtests.test(name):
            there = {key: value.format(host=house.server.address) for key, value in fields.items()}
            refusal = await _refusal(house, "/ws", None, Cookie=f"hubbub_session={ADA}", **there)
            assert refusal == (403, "foreign-origin")


async def test_a_cookie_from_our_own_origin_opens_it(house):
    own = f"http://{house.server.address}"
    async with talk(house.server.address, None, Cookie=f"a=b; hubbub_session={ADA}", Origin=own) as ada:
        assert (await ada.asks(type="post", ref=1, room=house.room, text="hi"))["type"] == "posted"


async def test_a_token_opens_it_from_any_origin(house):
    async with talk(house.server.address, ADA, Origin="https://elsewhere.example"):
        assert house.streams == 1


NOWHERE = {
    "another path": ("/chat", 404, "no-such-page"),
    "a list": ("/rooms", 404, "no-such-page"),
    "the messages of a room": ("/room/x/messages", 404, "no-such-page"),
    "no such room": ("/room/nowhere/subscribe", 404, "no-such-room"),
    "a room that could not be": ("/room/%20/subscribe", 404, "no-such-room"),
    "no logs at all": ("/subscribe", 400, "bad-input"),
    "a cursor that is none": ("/inbox/subscribe?after=x", 400, "bad-input"),
    "a cursor from the future": ("/inbox/subscribe?after=7", 409, "stale-cursor"),
    "a cursor of another store": ("/inbox/subscribe?after=other:0", 409, "stale-cursor"),
    "two cursors": ("/inbox/subscribe?after=0&after=0", 400, "bad-input"),
    "a query without end": ("/subscribe?" + "&" * 5000, 400, "bad-input"),
    "bytes that are not UTF-8": ("/room/%ff/subscribe", 404, "no-such-room"),
}


async def test_what_cannot_be_subscribed_is_said_before_the_upgrade(house, subtests):
    for name, (path, status, code) in NOWHERE.items():
        with subtests.test(name):
            assert await _refusal(house, path) == (status, code)


HANDSHAKES = {
    "no key": ({"Sec_WebSocket_Key": ""}, 400),
    "a short key": ({"Sec_WebSocket_Key": "c2hvcnQ="}, 400),
    "an old version": ({"Sec_WebSocket_Version": "8"}, 400),
    "no version": ({"Sec_WebSocket_Version": ""}, 400),
}


async def test_a_handshake_that_is_none_is_refused(house, subtests):
    for name, (fields, status) in HANDSHAKES.items():
        with subtests.test(name):
            assert (await _refusal(house, **fields))[0] == status


async def test_an_upgrade_with_a_body_or_another_method_is_refused(house, subtests):
    for method, fields in (
        ("POST", {}),
        ("GET", {"Content_Length": "5"}),
        ("GET", {"Transfer_Encoding": "chunked"}),
    ):
        with subtests.test(f"{method} {fields}"):
            async with house.wire() as way:
                way.request(method, "/ws", ADA, **(UPGRADE | fields))
                assert b" 101 " not in (await way.rest())[:20]


async def test_an_upgrade_to_something_else_is_answered_as_if_it_were_not_asked_for(house):
    async with house.wire() as way:
        answer = await way.asks("GET", "/health/live", None, Connection="Upgrade", Upgrade="h2c")
        assert answer.status == 200


async def test_a_plain_get_of_the_websocket_is_told_what_it_lacks(house):
    async with house.wire() as way:
        answer = await way.asks("GET", "/ws", ADA)
        assert (answer.status, answer.code) == (426, "upgrade-required")
        assert answer.headers["upgrade"] == "websocket"


async def test_a_session_has_only_so_many(open_house):
    async with open_house(streams_per_session=2) as house:
        async with talk(house.server.address, ADA), talk(house.server.address, ADA):
            assert await _refusal(house) == (429, "too-many")
            async with talk(house.server.address, token_of("bob")):
                assert house.streams == 3
        await house.until(lambda: house.streams == 0)
        async with talk(house.server.address, ADA):
            pass


async def test_an_address_names_only_so_many_logs(open_house):
    async with open_house(subscriptions_per_stream=1) as house:
        path = f"/subscribe?room={house.room}&inbox="
        assert await _refusal(house, path) == (429, "too-many")


async def test_requests_to_upgrade_are_limited_as_all_others(open_house):
    few = {"requests": Policy(name="requests", quota=20, window_seconds=3600)}
    async with open_house(config={"limits": few}) as house:
        for _ in range(20):
            assert await _refusal(house, token=None, source="127.0.0.2") == (401, "not-signed-in")
        assert await _refusal(house, source="127.0.0.2") == (429, "too-fast")
        async with talk(house.server.address, ADA):
            assert house.streams == 1


# -- tickets ------------------------------------------------------------------


@pytest.fixture
async def ticket(house):
    """One for the room, to be put into an address."""
    async with house.wire() as way:
        offer = await way.asks("GET", f"/room/{house.room}/subscribe", ADA)
        assert offer.status == 202
        return offer.headers["location"].rpartition("ticket=")[2]


async def test_a_ticket_listens_and_does_nothing_else(house, ticket):
    path = f"/room/{house.room}/subscribe?ticket={ticket}"
    async with talk(house.server.address, None, path) as ada:
        assert await ada.json() == {"type": "subscribed", "room": house.room, "head": 0}
        refused = await ada.asks(type="post", ref=1, room=house.room, text="hi")
        assert (refused["type"], refused["status"]) == ("error", 403)
        refused = await ada.asks(type="subscribe", ref=2, inbox=True)
        assert (refused["ref"], refused["status"]) == (2, 403)
        await house.bystander.asks("POST", house.messages, token_of("bob"), b'{"text": "hi"}')
        assert (await ada.json())["text"] == "hi"
    assert await house.texts() == ["hi"]


async def test_a_ticket_is_for_its_own_log_only(house, ticket, subtests):
    for path in ("/inbox/subscribe", "/room/elsewhere/subscribe", f"/subscribe?room={house.room}&inbox="):
        with subtests.test(path):
            joint = "&" if "?" in path else "?"
            assert await _refusal(house, f"{path}{joint}ticket={ticket}", None) == (403, "not-allowed")


async def test_a_ticket_opens_the_plain_websocket_to_listen_to_its_log(house, ticket):
    async with talk(house.server.address, None, f"/ws?ticket={ticket}") as ada:
        assert (await ada.asks(type="subscribe", ref=1, room=house.room))["type"] == "subscribed"
        assert (await ada.asks(type="subscribe", ref=2, inbox=True))["status"] == 403


async def test_a_ticket_is_good_for_half_a_minute(house, ticket):
    house.clock.put_forward(days=1)
    path = f"/room/{house.room}/subscribe?ticket={ticket}"
    assert await _refusal(house, path, None) == (401, "not-signed-in")


async def test_a_ticket_that_was_tampered_with_is_none(house, ticket, subtests):
    said, _, signature = ticket.partition(".")
    for name, forged in {
        "other words": f"{said[:-2]}AA.{signature}",
        "another signature": f"{said}.{signature[::-1]}",
        "no signature": said,
        "nothing": "",
        "not ASCII": "%C3%A9.x",
        "two of them": f"{ticket}&ticket={ticket}",
    }.items():
        with subtests.test(name):
            status, _ = await _refusal(house, f"/room/{house.room}/subscribe?ticket={forged}", None)
            assert status in (400, 401)


async def test_the_ticket_of_an_ended_session_is_none(house, ticket):
    await house.context.accounts.sign_out(await house.context.accounts.authenticate(ADA))
    path = f"/room/{house.room}/subscribe?ticket={ticket}"
    assert await _refusal(house, path, None) == (401, "not-signed-in")


# -- other people's clients ---------------------------------------------------


async def test_the_websockets_library_is_served(house):
    url = f"ws://{house.server.address}/ws"
    headers = {"Authorization": f"Bearer {ADA}"}
    async with connect(url, additional_headers=headers, subprotocols=["hubbub.v1"], proxy=None) as ada:
        assert ada.subprotocol == "hubbub.v1"
        assert '"hello"' in await ada.recv()
        await (await ada.ping())
        await ada.send(f'{{"type":"post","ref":1,"room":"{house.room}","text":"{"x" * 70_0}"}}')
        assert '"posted"' in await ada.recv()
    assert ada.close_code == 1000
    with pytest.raises(InvalidStatus, match="401"):
        async with connect(url, proxy=None):
            pass


async def test_one_who_breaks_off_while_it_opens_leaves_nothing_behind(house):
    for _ in range(30):
        async with house.wire() as way:
            way.request("GET", "/ws", ADA, **UPGRADE)
            way.cut()
        async with house.wire() as way:
            way.request("GET", f"/room/{house.room}/subscribe", ADA, **UPGRADE)
            way.end()
        async with house.wire() as way:
            assert (await way.asks("GET", "/ws", ADA, **UPGRADE)).status == 101
            way.say(said(type="subscribe", ref=1, room=house.room) + frame("half")[:3])
            way.cut()
    await house.is_at_rest()
