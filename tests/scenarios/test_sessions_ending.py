"""Signing out, running out and being disabled end everything the session had open."""

import asyncio

import pytest

from cli.commands import hubbub_here
from hubbub.client import Client, Problem, SignedOut
from support.deadline import deadline
from support.seeded import PASSWORD


async def _ends(person):
    """Why the person's stream ended, which has to be soon."""
    async with deadline():
        with pytest.raises(SignedOut) as over:
            await anext(person.ear)
    return over.value.reason


async def _signs_out(hall, ada):
    await ada.client.sign_out()


async def _signs_out_from_elsewhere(hall, ada):
    async with Client(hall.url) as phone:
        await phone.sign_in("ada", PASSWORD)
        (other,) = [each for each in await phone.sessions() if not each.current]
        await phone.end_session(other.id)


async def _is_not_seen_for_a_month(hall, ada):
    hall.clock.put_forward(days=31)


async def _is_disabled(hall, ada):
    assert (await hubbub_here("user", "disable", "ada", "--data", hall.data)).code == 0


@pytest.mark.parametrize(
    ("what_happens", "reason"),
    [
        (_signs_out, "signed-out"),
        (_signs_out_from_elsewhere, "signed-out"),
        (_is_not_seen_for_a_month, "expired"),
        (_is_disabled, "disabled"),
    ],
)
async def test_when_a_session_ends_so_does_its_stream(hall, what_happens, reason):
    (ada,) = await hall.with_people("ada")
    await hall.a_second_passes()
    await what_happens(hall, ada)
    assert await _ends(ada) == reason
    with pytest.raises(Problem) as refused:
        await ada.client.room_by_id(hall.room.id)
    assert refused.value.status == 401


async def test_nothing_said_after_the_sign_out_is_heard(hall):
    ada, bob = await hall.with_people("ada", "bob")
    await bob.says("before")
    await ada.hears("before")
    await ada.client.sign_out()
    await bob.says("after")
    assert await _ends(ada) == "signed-out"


async def test_a_long_poll_ends_with_its_session_too(place):
    ada, bob = await place.people("ada", "bob")
    asking = asyncio.ensure_future(ada.client.page(place.room, after=0, wait_seconds=30))
    async with deadline():
        while not place.server.context.hub.logs_in_memory:
            await bob.client.room_by_id(place.room.id)
    await ada.client.sign_out()
    async with deadline():
        with pytest.raises(SignedOut):
            await asking


async def test_the_streams_of_other_sessions_go_on(hall):
    ada, her_phone, bob = await hall.people("ada", "ada", "bob")
    await her_phone.client.sign_in("ada", PASSWORD)
    await ada.listens()
    await her_phone.listens()
    await ada.client.sign_out()
    assert await _ends(ada) == "signed-out"
    await bob.says("still there?")
    await her_phone.hears("still there?")


async def test_a_stream_that_ended_does_not_open_again(hall):
    (ada,) = await hall.with_people("ada")
    await ada.client.sign_out()
    await _ends(ada)
    with pytest.raises(StopAsyncIteration):
        await anext(ada.ear)
    assert ada.ear.connections == 1


async def test_a_session_in_use_does_not_run_out(place):
    ada, bob = await place.with_people("ada", "bob")
    for _ in range(3):
        place.clock.put_forward(days=20)
        await ada.client.room_by_id(place.room.id)
        await bob.client.room_by_id(place.room.id)
    await ada.says("still here")
    await bob.hears("still here")
