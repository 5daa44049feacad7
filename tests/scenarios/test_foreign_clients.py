"""Clients that are not ours: everything the mission asks for, by curl, by `websockets` and by httpx2."""

import asyncio
import json

import httpx2
import pytest
import websockets

from support.deadline import deadline
from support.foreign import curl, curl_once, read_event_stream
from support.seeded import PASSWORD, token_of


def _as(name):
    return ("-H", f"Authorization: Bearer {token_of(name)}")


def _json(**members):
    return ("-H", "Content-Type: application/json", "-d", json.dumps(members))


async def test_with_curl_a_person_signs_up_makes_a_room_posts_reads_and_signs_out(place):
    url = place.url
    status, user = await curl_once(f"{url}/users", *_json(name="Zoe2", password=PASSWORD))
    assert (status, user["name"]) == (201, "zoe2")
    status, session = await curl_once(f"{url}/sessions", *_json(name="zoe2", password=PASSWORD))
    assert (status, session["user"]) == (201, "zoe2")
    me = ("-H", f"Authorization: Bearer {session['token']}")

    status, rooms = await curl_once(f"{url}/rooms", *me)
    assert (status, [room["name"] for room in rooms]) == (200, ["Lounge"])
    status, room = await curl_once(f"{url}/rooms", *me, *_json(name="Küche"))
    assert (status, room["name"], room["created_by"], room["head"]) == (201, "Küche", "zoe2", 0)
    status, taken = await curl_once(f"{url}/rooms", *me, *_json(name=" küche "))
    assert (status, taken["conflicts_with"]) == (409, f"/room/{room['id']}")

    messages = f"{url}/room/{room['id']}/messages"
    status, message = await curl_once(messages, *me, *_json(text="hallo"))
    assert (status, message["type"], message["seq"], message["sender"]) == (201, "message", 1, "zoe2")
    assert await curl_once(messages, *me) == (200, [message])
    status, sent = await curl_once(f"{url}/user/ada/messages", *me, *_json(text="psst"))
    assert (status, sent["type"], sent["to"]) == (201, "sent", "ada")
    status, inbox = await curl_once(f"{url}/inbox/messages", *_as("ada"))
    assert (status, [each["text"] for each in inbox]) == (200, ["psst"])
    status, both = await curl_once(f"{url}/user/ada/messages", *me)
    assert (status, [each["text"] for each in both]) == (200, ["psst"])

    assert await curl_once(f"{url}/sessions/current", "-X", "DELETE", *me) == (204, None)
    status, problem = await curl_once(f"{url}/rooms", *me)
    assert (status, problem["status"]) == (401, 401)


async def test_curl_hears_a_room_as_an_event_stream(place):
    ada = await place.person("ada")
    await ada.says("old")
    url = f"{place.url}/room/{place.room.id}/subscribe?after=0"
    async with curl(*_as("bob"), "-H", "Accept: text/event-stream", url) as stream:
        epoch = place.server.context.info.epoch
        opening = {await stream.line(), await stream.line()}
        assert f"id: {epoch}:0" in opening
        assert any(line.startswith("retry: ") for line in opening)
        for number, text in enumerate(("old", "new"), 1):
            if text == "new":
                await ada.says("new")
            lines = {await stream.line() for _ in range(3)}
            assert f"id: {epoch}:{number}" in lines
            assert "event: message" in lines
            (data,) = [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]
            assert json.loads(data)["text"] == text


async def test_curl_hears_rooms_and_the_inbox_as_lines_of_json(place):
    ada, bob = await place.people("ada", "bob")
    attic = await ada.client.create_room("Attic")
    await ada.says("old", room=attic)
    url = f"{place.url}/subscribe?room={attic.id}@0&inbox=0&room={place.room.id}"
    async with curl(*_as("bob"), "-H", "Accept: application/x-ndjson", url) as stream:
        assert json.loads(await stream.line())["text"] == "old"
        await ada.says("psst", to=bob)
        assert json.loads(await stream.line())["text"] == "psst"
        await ada.says("hello")
        heard = json.loads(await stream.line())
        assert (heard["text"], heard["room"]) == ("hello", place.room.id)


async def test_curl_is_told_when_its_session_is_over(place):
    ada = await place.person("ada")
    url = f"{place.url}/inbox/subscribe?after=0"
    async with curl(*_as("ada"), "-H", "Accept: application/x-ndjson", url) as stream:
        await ada.says("note", to=ada)
        assert json.loads(await stream.line())["text"] == "note"
        await ada.client.sign_out()
        assert json.loads(await stream.line()) == {"type": "bye", "reason": "signed-out"}
        with pytest.raises(EOFError):
            await stream.line()


async def test_a_long_poll_with_curl_is_answered_as_soon_as_there_is_something(place):
    ada = await place.person("ada")
    messages = f"{place.url}/room/{place.room.id}/messages"
    asking = asyncio.ensure_future(curl_once(*_as("bob"), f"{messages}?after=0&wait=60"))
    async with deadline():
        while not place.server.context.hub.logs_in_memory:
            await ada.client.room_by_id(place.room.id)
        await ada.says("there")
        status, heard = await asking
    assert (status, [message["text"] for message in heard]) == (200, ["there"])
    assert await curl_once(*_as("bob"), f"{messages}?after=1&wait=0.1") == (200, [])


@pytest.fixture
async def websocket(place):
    """`websockets` as it comes, compression, its own pings and all."""
    headers = {"Authorization": f"Bearer {token_of('bob')}"}
    url = f"ws{place.url.removeprefix('http')}"
    async with websockets.connect(f"{url}/ws", additional_headers=headers) as connection:
        yield connection


async def _says(connection, **frame):
    await connection.send(json.dumps(frame))


async def _hears(connection):
    async with deadline():
        return json.loads(await connection.recv())


async def test_the_conversation_of_the_protocol_page_word_for_word(place, websocket):
    ada = await place.person("ada")
    await ada.says("one", "two")
    room, info = place.room.id, place.server.context.info
    hello = await _hears(websocket)
    assert hello == {
        "type": "hello",
        "user": "bob",
        "epoch": info.epoch,
        "ping_seconds": 25.0,
        "max_text_bytes": 16384,
    }
    await _says(websocket, type="subscribe", ref=1, room=room, after=1)
    assert await _hears(websocket) == {"type": "subscribed", "ref": 1, "room": room, "head": 2}
    assert (await _hears(websocket))["text"] == "two"
    await _says(websocket, type="subscribe", ref="two", inbox=True, after=f"{info.epoch}:0")
    assert await _hears(websocket) == {"type": "subscribed", "ref": "two", "inbox": True, "head": 0}

    await _says(websocket, type="post", ref=4, room=room, text="hi", key="k1")
    replies = {frame["type"]: frame for frame in (await _hears(websocket), await _hears(websocket))}
    assert replies["posted"].keys() == {"type", "ref", "room", "seq", "id", "sent_at"}
    assert (replies["posted"]["ref"], replies["posted"]["seq"]) == (4, 3)
    assert replies["message"].items() >= {"room": room, "seq": 3, "sender": "bob", "text": "hi"}.items()
    assert replies["message"]["key"] == "k1"

    await _says(websocket, type="unsubscribe", ref=3, room=room)
    assert await _hears(websocket) == {"type": "unsubscribed", "ref": 3, "room": room}
    await _says(websocket, type="post", ref=5, to="ada", text="psst")
    replies = {frame["type"]: frame for frame in (await _hears(websocket), await _hears(websocket))}
    assert (replies["posted"]["ref"], replies["posted"]["to"]) == (5, "ada")
    assert replies["sent"].items() >= {"to": "ada", "seq": 1, "text": "psst"}.items()

    await _says(websocket, type="post", ref=6, room="nowhere", text="hello?")
    refused = await _hears(websocket)
    assert refused.items() >= {"type": "error", "ref": 6, "status": 404}.items()
    assert refused["problem"] == "/problems/no-such-room"


async def test_replies_come_in_the_order_of_the_requests(place, websocket):
    await _hears(websocket)
    room = place.room.id
    for ref in range(0, 30, 3):
        await _says(websocket, type="post", ref=ref, room=room, text=str(ref))
        await _says(websocket, type="unsubscribe", ref=ref + 1, room=room)
        await _says(websocket, type="post", ref=ref + 2, room="nowhere", text="x")
    assert [(await _hears(websocket))["ref"] for _ in range(30)] == list(range(30))


async def test_a_websocket_at_the_address_of_a_room_is_subscribed_from_the_start(place):
    ada = await place.person("ada")
    await ada.says("one", "two")
    headers = {"Authorization": f"Bearer {token_of('bob')}"}
    url = f"ws{place.url.removeprefix('http')}/room/{place.room.id}/subscribe?after=1"
    async with websockets.connect(url, additional_headers=headers, subprotocols=["hubbub.v1"]) as connection:
        assert connection.subprotocol == "hubbub.v1"
        assert [(await _hears(connection))["type"] for _ in range(2)] == ["hello", "subscribed"]
        assert (await _hears(connection))["text"] == "two"
        await ada.says("three")
        assert (await _hears(connection))["text"] == "three"


@pytest.mark.parametrize(
    ("said", "code"),
    [("not json", 4400), ("[1]", 4400), ("7", 4400), (b"{}", 4400), ("x" * 70_000, 1009)],
)
async def test_what_is_not_understood_closes_with_a_code_that_says_so(place, websocket, said, code):
    await _hears(websocket)
    await websocket.send(said)
    async with deadline():
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await websocket.recv()
    assert closed.value.rcvd.code == code


async def test_a_sign_out_closes_with_4401_after_a_bye(place, websocket):
    bob = await place.person("bob")
    await _hears(websocket)
    await bob.client.sign_out()
    assert await _hears(websocket) == {"type": "bye", "reason": "signed-out"}
    async with deadline():
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await websocket.recv()
    assert closed.value.rcvd.code == 4401


async def test_without_signing_in_the_upgrade_is_refused(place):
    url = f"ws{place.url.removeprefix('http')}/ws"
    for headers in ({}, {"Authorization": "Bearer hb_" + "x" * 43}, {"Authorization": "Basic eDp5"}):
        with pytest.raises(websockets.InvalidStatus) as refused:
            await websockets.connect(url, additional_headers=headers)
        assert refused.value.response.status_code == 401
        assert refused.value.response.headers["content-type"] == "application/problem+json"


async def test_a_cookie_opens_a_websocket_only_from_our_own_pages(place):
    async with httpx2.AsyncClient(base_url=place.url) as http:
        answer = await http.post(
            "/sessions",
            json={"name": "ada", "password": PASSWORD, "cookie": True},
            headers={"Origin": place.url},
        )
        assert answer.status_code == 201
        assert "token" not in answer.json()
        cookie = answer.headers["set-cookie"].partition(";")[0]
    url = f"ws{place.url.removeprefix('http')}/ws"
    async with websockets.connect(url, origin=place.url, additional_headers={"Cookie": cookie}) as connection:
        assert (await _hears(connection))["user"] == "ada"
    for origin in (None, "https://evil.example", "null", place.url + ".evil.example"):
        with pytest.raises(websockets.InvalidStatus) as refused:
            await websockets.connect(url, origin=origin, additional_headers={"Cookie": cookie})
        assert refused.value.response.status_code == 403


async def test_an_event_stream_read_by_httpx2_resumes_from_the_last_id_it_saw(place):
    ada = await place.person("ada")
    headers = {"Authorization": f"Bearer {token_of('bob')}"}
    url = f"/room/{place.room.id}/subscribe"
    async with httpx2.AsyncClient(base_url=place.url, headers=headers) as http, deadline():
        async with read_event_stream(http, url) as events:
            await anext(events)
            await ada.says("one", "two")
            first = await anext(events)
        async with read_event_stream(http, url, Last_Event_ID=first.id) as events:
            assert (await anext(events)).id == first.id
            assert (await anext(events)).json()["text"] == "two"


async def test_each_client_of_an_event_stream_is_given_its_own_time_to_come_back(place):
    headers = {"Authorization": f"Bearer {token_of('bob')}"}
    waits = []
    async with httpx2.AsyncClient(base_url=place.url, headers=headers) as http, deadline():
        for _ in range(5):
            async with read_event_stream(http, "/inbox/subscribe") as events:
                waits.append((await anext(events)).retry)
    assert all(1000 <= wait <= 10_000 for wait in waits)
    assert len(set(waits)) > 1
