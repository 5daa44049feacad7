"""What all nodes have to agree on: which message a key names, where a log ends, who is signed in, what was read,
and how much somebody has done already."""

import asyncio
from urllib.parse import urlsplit

import httpx2
import pytest

from cli.commands import hubbub, hubbub_here
from hubbub import housekeeping
from hubbub.client import Client, Problem, SignedOut, Socket
from hubbub.protocol.frames import MarkFrame
from hubbub.service.limits import Policy
from support.deadline import deadline
from support.foreign import read_event_stream
from support.seeded import PASSWORD, token_of
from support.spread import spread


@pytest.fixture
async def by_hand(monkeypatch):
    """Nobody looks after sessions but the test."""
    monkeypatch.setattr(housekeeping, "SESSIONS_SECONDS", 3600.0)


def at(url, node):
    """The same address at another node."""
    return urlsplit(url)._replace(netloc=str(node.address)).geturl()


# -- posting ------------------------------------------------------------------


async def test_one_key_at_all_nodes_at_once_is_stored_once(trio):
    devices = await trio.people("ada", "ada", "ada")
    async with deadline():
        receipts = await asyncio.gather(
            *(
                device.client.post(f"text {number}", room=trio.room, key=f"key {number}")
                for number in range(30)
                for device in devices
            )
        )
        stored = [event async for event in devices[0].client.history(trio.room, after=0)]
    assert len(stored) == 30
    for number in range(30):
        assert receipts[3 * number] == receipts[3 * number + 1] == receipts[3 * number + 2]


async def test_a_direct_message_sent_again_at_another_node_is_delivered_once(place):
    desk, phone, bob = await place.people("ada", "ada", "bob")
    await bob.listens(inbox=True)
    first = await desk.client.post("psst", to="bob", key="k")
    assert await phone.client.post("psst", to="bob", key="k") == first
    await phone.says("over here", to=bob)
    await bob.hears("psst", "over here")


async def test_of_many_conditional_posts_at_all_nodes_at_once_one_wins(trio):
    people = await trio.people("ada", "bob", "cyd")
    async with deadline():
        outcomes = await asyncio.gather(
            *(person.client.post(str(n), room=trio.room, if_head=0) for n in range(8) for person in people),
            return_exceptions=True,
        )
    refused = [outcome for outcome in outcomes if isinstance(outcome, Problem)]
    assert len(refused) == 23
    assert {(problem.status, problem.code) for problem in refused} == {(412, "head-moved")}


async def test_what_was_acknowledged_at_one_node_is_read_at_another_at_once(trio):
    ada, bob, cyd = await trio.people("ada", "bob", "cyd")
    for number in range(20):
        (receipt,) = await ada.says(f"word {number}")
        async with deadline():
            for reader in (bob, cyd):
                (read,) = await reader.client.page(trio.room, after=receipt.seq - 1, limit=5)
                assert read.id == receipt.id


async def test_a_room_is_made_once_though_two_make_it_at_two_nodes(place):
    ada, bob = await place.people("ada", "bob")
    async with deadline():
        made = await asyncio.gather(
            ada.client.create_room("Attic"), bob.client.create_room("ATTIC"), return_exceptions=True
        )
    (refused,) = [each for each in made if isinstance(each, Problem)]
    (room,) = [each for each in made if not isinstance(each, Problem)]
    assert refused.code == "name-taken"
    assert refused.members["conflicts_with"] == f"/room/{room.id}"
    for person in (ada, bob):
        assert await person.client.room_by_id(room.id) == room


# -- marks --------------------------------------------------------------------


async def test_a_mark_that_moves_at_one_node_is_told_to_the_devices_at_others(hall):
    desk, phone = await hall.people("ada", "ada")
    bob = await hall.person("bob", at=0)
    told = []
    phone.ear = phone.client.subscribe((), inbox=True, transport=phone.transport, marked=told.append)
    async with deadline():
        await phone.ear.open()
        await desk.client.mark(0, room=hall.room)
        assert await phone.client.mark(0, room=hall.room) == 0
    await bob.says("hello", to=desk)
    await phone.hears("hello")
    assert told == [MarkFrame(room=hall.room.id, seq=0)]


# -- tickets ------------------------------------------------------------------


async def test_a_ticket_of_one_node_opens_a_stream_at_another(place):
    ada, bob = await place.people("ada", "bob")
    offer = await ada.client.offer(place.room)
    await bob.says("after the offer")
    other = place.servers[1]
    async with httpx2.AsyncClient() as http, read_event_stream(http, at(offer.event_stream, other)) as events:
        assert (await anext(events)).id == offer.cursor
        assert (await anext(events)).json()["text"] == "after the offer"
    async with await Socket.open(at(offer.websocket, other), None) as socket:
        assert (await anext(socket)).text == "after the offer"


# -- sessions -----------------------------------------------------------------


async def _signs_out(place, ada):
    async with Client(place.servers[0].url, token=token_of("ada")) as here:
        await here.sign_out()


async def _is_disabled(place, ada):
    done = await hubbub_here("user", "disable", "ada", "--database", place.database)
    assert done.code == 0, done.err


async def _gets_another_password(place, ada):
    words = ("user", "password", "ada", "--database", place.database)
    done = await hubbub(*words, said="another long one\n", cwd=place.data)
    assert done.code == 0, done.err


ENDINGS = {_signs_out: "signed-out", _is_disabled: "disabled", _gets_another_password: "signed-out"}


@pytest.mark.parametrize("what_happens", ENDINGS, ids=lambda each: each.__name__.strip("_"))
async def test_a_session_that_ends_at_one_node_ends_at_all_by_their_next_look(by_hand, hall, what_happens):
    """They look twice a second."""
    ada = await hall.person("ada", at=1)
    await ada.listens()
    await hall.a_second_passes()
    await ada.client.room_by_id(hall.room.id)

    await what_happens(hall, ada)
    await hall.servers[1].context.accounts.tick()

    with pytest.raises(Problem) as refused:
        await ada.client.room_by_id(hall.room.id)
    assert refused.value.status == 401
    async with deadline():
        with pytest.raises(SignedOut) as over:
            await anext(ada.ear)
    assert over.value.reason == ENDINGS[what_happens]


async def test_a_long_poll_at_another_node_ends_with_its_session(by_hand, place):
    bob = await place.person("bob", at=0)
    ada = await place.person("ada", at=1)
    asking = asyncio.ensure_future(ada.client.page(place.room, after=0, wait_seconds=60))
    async with deadline():
        while not place.servers[1].context.hub.logs_in_memory:
            await bob.client.room_by_id(place.room.id)
    await place.a_second_passes()
    await _signs_out(place, ada)
    await place.servers[1].context.accounts.tick()
    async with deadline():
        with pytest.raises(SignedOut):
            await asking


async def test_who_signs_in_at_one_node_is_signed_in_at_all(trio):
    async with Client(trio.servers[0].url) as client:
        await client.sign_in("bob", PASSWORD)
        token = client.token
    for server in trio.servers:
        async with Client(server.url, token=token) as client:
            assert (await client.room_by_id(trio.room.id)).id == trio.room.id


# -- limits -------------------------------------------------------------------


async def test_what_somebody_may_do_is_counted_at_all_nodes_together(database, bus, tmp_path):
    limits = {"posts": Policy(name="posts", quota=5, window_seconds=3600)}
    async with spread(tmp_path, "ws", database=database, buses=[bus.url] * 2, limits=limits) as place:
        desk, phone, bob = await place.people("ada", "ada", "bob")
        await desk.says("one", "two", "three", "four")
        posts = place.servers[1].context.limits.posts
        async with deadline():
            while posts.peek("ada").remaining > 1:
                await asyncio.sleep(0.01)
        await phone.says("five")
        async with httpx2.AsyncClient(base_url=place.servers[1].url) as http:
            refused = await http.post(
                f"/room/{place.room.id}/messages",
                json={"text": "six"},
                headers={"Authorization": f"Bearer {token_of('ada')}"},
            )
        assert refused.status_code == 429
        await bob.says("I have said nothing yet")
