"""The 202: addresses with a ticket in them, for what can send no Authorization header."""

import httpx2
import pytest

from hubbub.client import Problem, SignedOut, Socket
from support.deadline import deadline
from support.foreign import read_event_stream
from support.seeded import token_of


@pytest.fixture
async def http():
    """Somebody without any token."""
    async with httpx2.AsyncClient() as client:
        yield client


async def test_a_plain_get_is_answered_at_once_with_where_to_listen(place, http):
    headers = {"Authorization": f"Bearer {token_of('ada')}"}
    answer = await http.get(f"{place.url}/room/{place.room.id}/subscribe", headers=headers)
    assert answer.status_code == 202
    offer = answer.json()
    assert offer["room"] == place.room.id
    assert answer.headers["location"] == offer["event_stream"]
    assert offer["event_stream"].startswith(f"{place.url}/room/{place.room.id}/subscribe?")
    assert offer["websocket"] == "ws" + offer["event_stream"].removeprefix("http")
    assert offer["expires_at"].endswith("Z")


async def test_the_event_stream_of_an_offer_needs_no_token(place, http):
    ada, bob = await place.people("ada", "bob")
    await bob.says("before the offer")
    offer = await ada.client.offer(place.room)
    await bob.says("after the offer")
    async with read_event_stream(http, offer.event_stream) as events:
        assert (await anext(events)).id == offer.cursor
        assert (await anext(events)).json()["text"] == "after the offer"


async def test_the_websocket_of_an_offer_needs_no_token(place):
    ada, bob = await place.people("ada", "bob")
    offer = await ada.client.offer(place.room)
    await bob.says("after the offer")
    async with await Socket.open(offer.websocket, None) as socket:
        assert socket.hello.user == "ada"
        assert (await anext(socket)).text == "after the offer"


async def test_an_offer_over_many_logs_listens_to_all_of_them(place, http):
    ada, bob = await place.people("ada", "bob")
    attic = await ada.client.create_room("Attic")
    offer = await ada.client.offer([place.room, attic], inbox=True)
    await bob.says("psst", to=ada)
    await bob.says("up here", room=attic)
    async with read_event_stream(http, offer.event_stream) as events:
        assert (await anext(events)).id == offer.cursor
        assert {(await anext(events)).json()["text"] for _ in range(2)} == {"psst", "up here"}


async def test_a_ticket_opens_no_other_log(place, http):
    ada = await place.person("ada")
    attic = await ada.client.create_room("Attic")
    offer = await ada.client.offer(place.room)
    for address in (
        offer.event_stream.replace(place.room.id, attic.id),
        offer.event_stream.replace(f"/room/{place.room.id}/", "/inbox/"),
    ):
        answer = await http.get(address, headers={"Accept": "text/event-stream"})
        assert answer.status_code == 403
    async with await Socket.open(offer.websocket, None) as socket:
        for log in (attic.id, None):
            with pytest.raises(Problem) as refused:
                await socket.subscribe(log)
            assert refused.value.status == 403


async def test_a_ticket_is_for_listening_only(place, http):
    ada = await place.person("ada")
    offer = await ada.client.offer(place.room)
    query = httpx2.URL(offer.event_stream).query.decode()
    base = f"{place.url}/room/{place.room.id}"
    assert (await http.get(f"{base}/messages?{query}")).status_code == 401
    assert (await http.post(f"{base}/messages?{query}", json={"text": "no"})).status_code == 401
    assert (await http.get(f"{base}/subscribe?{query}")).status_code == 403  # not for another ticket either
    async with await Socket.open(offer.websocket, None) as socket:
        with pytest.raises(Problem) as refused:
            await socket.post("no", room=place.room.id)
        assert refused.value.status == 403
    assert await ada.client.page(place.room) == []


async def test_a_ticket_lasts_half_a_minute(place, http):
    ada = await place.person("ada")
    offer = await ada.client.offer(place.room)
    place.clock.put_forward(days=1)
    answer = await http.get(offer.event_stream, headers={"Accept": "text/event-stream"})
    assert answer.status_code == 401
    with pytest.raises(Problem) as refused:
        await Socket.open(offer.websocket, None)
    assert refused.value.status == 401


async def test_a_ticket_that_was_tampered_with_opens_nothing(place, http):
    ada = await place.person("ada")
    offer = await ada.client.offer(place.room)
    for forged in (
        offer.event_stream[:-1],
        offer.event_stream + "A",
        offer.event_stream.replace("ticket=", "ticket=A"),
    ):
        assert (await http.get(forged, headers={"Accept": "text/event-stream"})).status_code == 401


async def test_a_ticket_is_worth_nothing_once_its_session_is_over(place, http):
    ada = await place.person("ada")
    offer = await ada.client.offer(place.room)
    await ada.client.sign_out()
    answer = await http.get(offer.event_stream, headers={"Accept": "text/event-stream"})
    assert answer.status_code in (204, 401)


async def test_streams_opened_with_a_ticket_end_with_the_session_that_gave_it(place, http):
    ada = await place.person("ada")
    offer = await ada.client.offer(place.room)
    async with (
        await Socket.open(offer.websocket, None) as socket,
        read_event_stream(http, offer.event_stream) as events,
        deadline(),
    ):
        await anext(events)
        await ada.client.sign_out()
        assert (await anext(events)).json() == {"type": "bye", "reason": "signed-out"}
        assert (await anext(socket)).reason == "signed-out"
        with pytest.raises(SignedOut):
            await anext(socket)


async def test_the_room_of_an_offer_has_to_be(place):
    ada = await place.person("ada")
    with pytest.raises(Problem) as refused:
        await ada.client.offer("nowhere")
    assert (refused.value.status, refused.value.code) == (404, "no-such-room")


@pytest.mark.parametrize("accept", [None, "text/event-stream", "application/x-ndjson"])
async def test_without_signing_in_there_is_no_offer_and_no_stream(place, http, accept):
    headers = {"Accept": accept} if accept else {}
    for path in (f"/room/{place.room.id}/subscribe", "/inbox/subscribe", "/subscribe?inbox="):
        answer = await http.get(place.url + path, headers=headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
    with pytest.raises(Problem) as refused:
        await Socket.open(f"ws{place.url.removeprefix('http')}/ws", None)
    assert refused.value.status == 401
