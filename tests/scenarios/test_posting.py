"""A post is stored once however often it is sent, and only if its condition holds."""

import asyncio

import httpx2
import pytest

from hubbub.client import Client, Problem
from support.deadline import deadline
from support.seeded import token_of


@pytest.fixture
async def rest(place):
    """Plain HTTP in ada's name."""
    headers = {"Authorization": f"Bearer {token_of('ada')}"}
    async with httpx2.AsyncClient(base_url=place.url, headers=headers) as http:
        yield http


def _messages(place):
    return f"/room/{place.room.id}/messages"


async def test_the_same_key_answers_with_the_first_message(place, rest):
    path, key = _messages(place), {"Idempotency-Key": "k-1"}
    first = await rest.post(path, json={"text": "once"}, headers=key)
    await rest.post(path, json={"text": "in between"})
    again = await rest.post(path, json={"text": "once"}, headers=key)
    assert first.status_code == again.status_code == 201
    assert again.content == first.content
    assert again.headers["location"] == first.headers["location"]
    assert [message["text"] for message in (await rest.get(path)).json()] == ["once", "in between"]


async def test_another_text_under_the_same_key_is_a_conflict(place, rest):
    path, key = _messages(place), {"Idempotency-Key": "k-1"}
    first = (await rest.post(path, json={"text": "once"}, headers=key)).json()
    other = await rest.post(path, json={"text": "twice"}, headers=key)
    assert other.status_code == 409
    assert other.headers["content-type"] == "application/problem+json"
    assert other.json()["type"].endswith("/problems/key-reused")
    assert other.json()["conflicts_with"] == first["id"]
    assert len((await rest.get(path)).json()) == 1


async def test_a_key_is_ones_own_and_of_one_place(place):
    ada, bob = await place.people("ada", "bob")
    attic = await ada.client.create_room("Attic")
    receipts = [
        await ada.client.post("hi", room=place.room, key="k"),
        await bob.client.post("ho", room=place.room, key="k"),
        await ada.client.post("he", room=attic, key="k"),
        await ada.client.post("ha", to="bob", key="k"),
        await ada.client.post("hu", to="cyd", key="k"),
    ]
    assert len({receipt.id for receipt in receipts}) == 5


async def test_a_direct_message_sent_again_is_delivered_once(place):
    ada, bob = await place.people("ada", "bob")
    await bob.listens(inbox=True)
    first = await ada.client.post("psst", to="bob", key="k")
    again = await ada.client.post("psst", to="bob", key="k")
    assert again == first
    await ada.says("that was all", to=bob)
    await bob.hears("psst", "that was all")
    assert len([event async for event in ada.client.conversation("bob", after=0)]) == 2


async def test_a_key_is_kept_over_a_restart(place):
    (ada,) = await place.people("ada")
    first = await ada.client.post("once", room=place.room, key="k")
    await place.opens_again()
    assert await ada.client.post("once", room=place.room, key="k") == first
    with pytest.raises(Problem) as refused:
        await ada.client.post("other", room=place.room, key="k")
    assert refused.value.code == "key-reused"


async def test_all_who_send_one_key_at_once_are_told_the_same(place):
    ada, her_phone = await place.people("ada", "ada")
    async with await ada.client.socket() as one, await her_phone.client.socket() as other:
        told = await asyncio.gather(
            *(socket.post("once", room=place.room.id, key="k") for socket in (one, other) for _ in range(20)),
            *(ada.client.post("once", room=place.room, key="k") for _ in range(20)),
        )
    assert len({(receipt.id, receipt.seq) for receipt in told}) == 1
    assert len(await ada.client.page(place.room)) == 1


async def test_a_client_that_lost_the_answer_posts_again_and_is_stored_once(place):
    """The road is cut after the request is through and before the answer is."""
    road = await place.road()
    bob = await place.person("bob")
    await bob.listens()
    async with Client(road.url, token=token_of("ada")) as client:
        await client.room_by_id(place.room.id)  # a connection is open
        road.block()
        posting = asyncio.ensure_future(client.post("once", room=place.room))
        await bob.hears("once")
        road.cut()
        road.free()
        receipt = await posting
    assert receipt.seq == 1
    assert [event.text for event in await bob.client.page(place.room)] == ["once"]


async def test_a_conditional_post_is_stored_only_when_nothing_came_between(place):
    ada, bob = await place.people("ada", "bob")
    await ada.client.post("one", room=place.room, if_head=0)
    with pytest.raises(Problem) as refused:
        await bob.client.post("also one", room=place.room, if_head=0)
    assert (refused.value.status, refused.value.code) == (412, "head-moved")
    assert refused.value.members["head"] == 1
    await bob.client.post("two", room=place.room, if_head=refused.value.members["head"])
    async with await bob.client.socket() as socket:
        with pytest.raises(Problem) as refused:
            await socket.post("also three", room=place.room.id, if_head=1)
        assert refused.value.members["head"] == 2
        assert (await socket.post("three", room=place.room.id, if_head=2)).seq == 3
    assert [event.text async for event in ada.client.history(place.room, after=0)] == ["one", "two", "three"]


async def test_of_many_conditional_posts_at_once_one_wins(place):
    (ada,) = await place.people("ada")
    outcomes = await asyncio.gather(
        *(ada.client.post(str(n), room=place.room, if_head=0) for n in range(20)), return_exceptions=True
    )
    refused = [outcome for outcome in outcomes if isinstance(outcome, Problem)]
    assert len(refused) == 19
    assert {problem.code for problem in refused} == {"head-moved"}


async def test_a_conditional_post_that_was_stored_is_told_so_when_it_is_sent_again(place):
    (ada,) = await place.people("ada")
    first = await ada.client.post("one", room=place.room, key="k", if_head=0)
    assert await ada.client.post("one", room=place.room, key="k", if_head=0) == first


async def test_the_etag_of_a_list_is_a_condition_for_a_post(place, rest):
    path = _messages(place)
    await rest.post(path, json={"text": "one"})
    etag = (await rest.get(path)).headers["etag"]
    assert (await rest.get(path, headers={"If-None-Match": etag})).status_code == 304
    assert (await rest.post(path, json={"text": "two"}, headers={"If-Match": etag})).status_code == 201
    refused = await rest.post(path, json={"text": "no"}, headers={"If-Match": etag})
    assert (refused.status_code, refused.json()["head"]) == (412, 2)


async def test_a_place_that_does_not_exist_takes_no_post(place):
    (ada,) = await place.people("ada")
    with pytest.raises(Problem) as refused:
        await ada.client.post("hello?", room="nowhere")
    assert (refused.value.status, refused.value.code) == (404, "no-such-room")


@pytest.mark.parametrize(
    ("text", "status", "code"),
    [
        ("", 400, "bad-input"),
        ("a\0b", 400, "bad-input"),
        ("x" * 16_385, 413, "too-large"),
        ("é" * 8193, 413, "too-large"),
    ],
)
async def test_a_text_that_may_not_be_posted_is_refused_alike_everywhere(place, text, status, code):
    (ada,) = await place.people("ada")
    async with await ada.client.socket() as socket:
        for post in (
            ada.client.post(text, room=place.room),
            ada.client.post(text, to="bob"),
            socket.post(text, room=place.room.id),
        ):
            with pytest.raises(Problem) as refused:
                await post
            assert (refused.value.status, refused.value.code) == (status, code)
    assert await ada.client.page(place.room) == []


async def test_a_post_over_websocket_that_is_one_too_many_is_refused_in_its_turn(place, monkeypatch):
    (ada,) = await place.people("ada")
    posting = place.server.context.posting
    async with await ada.client.socket() as socket, deadline():
        monkeypatch.setattr(posting, "is_full", lambda: True)
        with pytest.raises(Problem) as refused:
            await socket.post("too much", room=place.room.id)
        monkeypatch.undo()
        assert (refused.value.status, refused.value.code) == (503, "overloaded")
        assert posting.shed == 1
        receipt = await socket.post("now there is room", room=place.room.id)
        assert receipt.seq == 1
