"""What all servers have to agree on: which message a key names, where a log ends, what a room is called, what
two people wrote to each other, and who is signed in."""

import asyncio

import pytest

from cli.commands import hubbub, hubbub_here
from hubbub import housekeeping
from hubbub.client import Client, Problem, SignedOut
from support.deadline import deadline
from support.seeded import PASSWORD, token_of


@pytest.fixture
async def by_hand(monkeypatch):
    """Nobody looks after sessions but the test."""
    monkeypatch.setattr(housekeeping, "SESSIONS_SECONDS", 3600.0)


# -- posting ------------------------------------------------------------------


async def test_one_key_at_all_servers_at_once_is_stored_once(trio):
    devices = await trio.people("ada", "ada", "ada")
    async with deadline():
        receipts = await asyncio.gather(
            *(
                device.client.post(f"text {number}", room=trio.room, key=f"k{number}")
                for number in range(30)
                for device in devices
            )
        )
        stored = [event async for event in devices[0].client.history(trio.room, after=0)]
    assert len(stored) == 30
    for number in range(30):
        assert receipts[3 * number] == receipts[3 * number + 1] == receipts[3 * number + 2]


async def test_a_direct_message_sent_again_at_another_server_is_delivered_once(place):
    desk, phone, bob = await place.people("ada", "ada", "bob")
    await bob.listens(inbox=True)
    first = await desk.client.post("psst", to="bob", key="k")
    assert await phone.client.post("psst", to="bob", key="k") == first
    await phone.says("over here", to=bob)
    await bob.hears("psst", "over here")


async def test_of_many_conditional_posts_at_all_servers_at_once_one_wins(trio):
    people = await trio.people("ada", "bob", "cyd")
    async with deadline():
        outcomes = await asyncio.gather(
            *(person.client.post(str(n), room=trio.room, if_head=0) for n in range(8) for person in people),
            return_exceptions=True,
        )
    refused = [outcome for outcome in outcomes if isinstance(outcome, Problem)]
    assert len(refused) == 23
    assert {(problem.status, problem.code) for problem in refused} == {(412, "head-moved")}


async def test_a_room_is_made_once_though_two_make_it_at_two_servers(place):
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


async def test_conversations_are_the_same_wherever_they_are_looked_at(place):
    ada, bob = await place.people("ada", "bob")
    for number in range(3):
        await bob.says(f"one {number}", to=ada)
        await ada.says(f"two {number}", to=bob)
    elsewhere = await place.person("ada", at=1)
    async with deadline():
        await ada.client.mark(2, to="bob")
        for device in (ada, elsewhere):
            (talk,) = [each async for each in device.client.conversations()]
            assert (talk.user, talk.seq, talk.unread, talk.last.text) == ("bob", 2, 2, "two 2")


# -- sessions -----------------------------------------------------------------


async def _signs_out(place, tmp_path):
    async with Client(place.nodes[0].url, token=token_of("ada")) as here:
        await here.sign_out()


async def _is_disabled(place, tmp_path):
    done = await hubbub_here("user", "disable", "ada", "--database", place.database.secret)
    assert done.code == 0, done.err


async def _gets_another_password(place, tmp_path):
    words = ("user", "password", "ada", "--database", place.database.secret)
    done = await hubbub(*words, said="another long one\n", cwd=tmp_path)
    assert done.code == 0, done.err


ENDINGS = {_signs_out: "signed-out", _is_disabled: "disabled", _gets_another_password: "signed-out"}


@pytest.mark.parametrize("what_happens", ENDINGS, ids=lambda each: each.__name__.strip("_"))
async def test_a_session_that_ends_at_one_server_ends_at_all_by_their_next_look(
    by_hand, place, what_happens, tmp_path
):
    """They look twice a second."""
    ada = await place.person("ada", at=1)
    await ada.listens()
    await place.a_second_passes()
    await ada.client.room_by_id(place.room.id)

    await what_happens(place, tmp_path)
    await place.nodes[1].context.accounts.tick()

    with pytest.raises(Problem) as refused:
        await ada.client.room_by_id(place.room.id)
    assert refused.value.status == 401
    async with deadline():
        with pytest.raises(SignedOut) as over:
            await anext(ada.ear)
    assert over.value.reason == ENDINGS[what_happens]


async def test_a_long_poll_at_another_server_ends_with_its_session(by_hand, place):
    bob = await place.person("bob", at=0)
    ada = await place.person("ada", at=1)
    asking = asyncio.ensure_future(ada.client.page(place.room, after=0, wait_seconds=60))
    async with deadline():
        while not place.nodes[1].context.hub.logs_in_memory:
            await bob.client.room_by_id(place.room.id)
    await place.a_second_passes()
    await _signs_out(place, None)
    await place.nodes[1].context.accounts.tick()
    async with deadline():
        with pytest.raises(SignedOut):
            await asking


async def test_who_signs_in_at_one_server_is_signed_in_at_all(trio):
    async with Client(trio.nodes[0].url) as client:
        await client.sign_in("bob", PASSWORD)
        token = client.token
    for server in trio.nodes:
        async with Client(server.url, token=token) as client:
            assert (await client.room_by_id(trio.room.id)).id == trio.room.id
