"""One flipped bit in a message: who comes to it is not given it, and everyone else goes on."""

import apsw
import httpx2
import pytest

from hubbub.client import ConnectionLost
from support.deadline import deadline
from support.seeded import token_of


def flip_a_bit(data, text):
    """In what is stored: 'x' becomes 'y'."""
    database = apsw.Connection(str(data / "hubbub.db"))
    database.execute("UPDATE events SET text = ? WHERE text = ?", (text.replace("x", "y"), text))
    assert database.changes() == 1
    database.close()


async def test_a_message_that_is_damaged_is_not_served_and_all_else_is(place):
    ada, bob = await place.people("ada", "bob")
    await ada.says("one", "two x", "three")
    flip_a_bit(place.data, "two x")
    headers = {"Authorization": f"Bearer {token_of('bob')}"}
    messages = f"/room/{place.room.id}/messages"
    async with httpx2.AsyncClient(base_url=place.url, headers=headers) as http, deadline():
        alone = await http.get(f"{messages}/2")
        onward = await http.get(messages, params={"after": 0})
        from_it = await http.get(messages, params={"after": 1})
        beyond = await http.get(messages, params={"after": 2})
        newest = await http.get(messages)
        explained = await http.get(alone.json()["type"])

    for refused in (alone, from_it):
        assert refused.status_code == 500
        assert refused.json()["type"] == "/problems/damaged"
        assert "two" not in refused.text
    assert [event["text"] for event in onward.json()] == ["one"]
    assert "next" in onward.links
    assert [event["text"] for event in beyond.json()] == ["three"]
    assert [event["text"] for event in newest.json()] == ["three"]
    assert explained.status_code == 200
    assert place.server.damages == 2

    other = await ada.client.create_room("Attic")
    await bob.listens()
    await ada.says("four")
    await bob.hears("four")
    await ada.says("elsewhere", room=other)
    assert [event.text for event in await bob.client.page(other)] == ["elsewhere"]
    assert place.server.broken is None


@pytest.mark.parametrize("accept", ["text/event-stream", "application/x-ndjson"])
async def test_a_stream_ends_before_what_is_damaged(place, accept):
    (ada,) = await place.people("ada")
    await ada.says("one", "two x", "three")
    await place.opens_again()  # nothing of it is in memory any more
    flip_a_bit(place.data, "two x")
    headers = {"Authorization": f"Bearer {token_of('bob')}", "Accept": accept}
    async with httpx2.AsyncClient(base_url=place.url, headers=headers) as http, deadline():
        for after, heard in ((0, ["one"]), (1, []), (2, ["three"])):
            said = ""
            try:
                async with http.stream(
                    "GET", f"/room/{place.room.id}/subscribe", params={"after": after}
                ) as answer:
                    async for part in answer.aiter_text():
                        said += part
                        if "three" in said:
                            break
            except httpx2.RemoteProtocolError:
                pass  # cut, as it should be
            assert [text for text in ("one", "two", "three") if text in said] == heard


async def test_a_websocket_is_closed_before_what_is_damaged(place):
    (ada,) = await place.people("ada")
    await ada.says("one", "two x", "three")
    await place.opens_again()
    flip_a_bit(place.data, "two x")
    async with deadline(), await ada.client.socket() as socket:
        await socket.subscribe(place.room.id, after=0)
        heard = await anext(socket)
        with pytest.raises(ConnectionLost) as closed:
            await anext(socket)

    assert heard.text == "one"
    assert closed.value.close_code == 1011


async def test_a_retry_of_what_is_damaged_is_refused(place):
    (ada,) = await place.people("ada")
    await ada.client.post("two x", room=place.room, key="k")
    flip_a_bit(place.data, "two x")
    headers = {"Authorization": f"Bearer {token_of('ada')}", "Idempotency-Key": "k"}
    async with httpx2.AsyncClient(base_url=place.url, headers=headers) as http, deadline():
        for text in ("two x", "two y"):
            answer = await http.post(f"/room/{place.room.id}/messages", json={"text": text})
            assert answer.status_code == 500
            assert answer.json()["type"] == "/problems/damaged"
