"""Event streams and lines of JSON by the letter: what keeps them alive, and how they end."""

import pytest

from support.seeded import token_of

ADA = token_of("ada")
KINDS = {"text/event-stream": b": still here\n\n", "application/x-ndjson": b"\n"}


@pytest.fixture(params=KINDS)
async def stream(request, open_house):
    """An open stream whose turn to show life comes with each tick, and its kind."""
    async with open_house(heartbeat_seconds=1.0) as house, house.wire() as ada:
        ada.request("GET", f"/room/{house.room}/subscribe", ADA, Accept=request.param)
        assert (await ada.head()).status == 200
        if request.param == "text/event-stream":
            assert (await ada.chunk()).startswith(b"retry: ")
        yield house, ada, request.param


async def test_a_stream_on_which_nothing_happens_shows_life(stream):
    house, ada, kind = stream
    for _ in range(2):
        house.context.connections.tick()
        assert await ada.chunk() == KINDS[kind]


async def test_a_stream_that_is_ended_says_bye_last_and_ends_whole(stream):
    house, ada, _ = stream
    async with house.wire() as other:
        assert (await other.asks("DELETE", "/sessions/current", ADA)).status == 204
    bye, *more = [part async for part in ada.chunks()]
    assert b'{"type":"bye","reason":"signed-out"}' in bye
    assert more == []
    await ada.is_closed()
