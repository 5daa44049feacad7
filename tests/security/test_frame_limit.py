"""What one user says over WebSocket beside posts is limited too: subscriptions, mistakes, pings."""

import json

import pytest
from websockets.frames import Opcode

from conformance.sockets import UPGRADE, frame, said, talk
from conformance.wire import wire
from hubbub.api.websocket import PATIENCE
from security.proofs import Proofs, body
from support.deadline import deadline
from support.seeded import token_of
from support.serving import serving

QUOTA = 5


@pytest.fixture
async def strict(data):
    """So few, that a test meets the limit; and an hour, so that no time comes to its help."""
    from hubbub.service.limits import Policy

    limits = {"frames": Policy(name="frames", quota=QUOTA, window_seconds=3600)}
    async with serving(data, limits=limits) as server:
        yield server


@pytest.mark.parametrize(
    "words",
    [
        {"type": "subscribe", "room": "nowhere"},
        {"type": "subscribe", "inbox": True, "after": "nonsense"},
        {"type": "unsubscribe", "inbox": True},
        {"type": "subscribe"},
        {"type": "dance"},
        {"type": "post"},
        {"type": "post", "room": "r", "to": "bob", "text": "x"},
        {"type": "post", "to": "bob", "text": ""},
    ],
    ids=str,
)
async def test_each_counts_and_the_one_too_many_is_refused(strict, words):
    async with talk(strict.address, token_of("ada")) as ada:
        for _ in range(QUOTA):
            assert (await ada.asks(ref=1, **words)).get("status") != 429
        refused = await ada.asks(ref=2, **words)
        assert (refused["status"], refused["ref"]) == (429, 2)
        assert (refused["problem"], refused["policy"]) == ("/problems/too-fast", "frames")
        assert refused["retry_after"] > 0


async def test_posts_have_their_own_limit_and_go_on(strict):
    async with talk(strict.address, token_of("ada")) as ada:
        for _ in range(QUOTA + 1):
            refused = await ada.asks(type="unsubscribe", inbox=True)
        assert refused["status"] == 429
        assert (await ada.asks(type="post", to="bob", text="hi"))["type"] == "posted"


async def test_it_is_the_user_who_counts_whatever_sessions_and_sockets_they_open(strict):
    proofs = Proofs(strict)
    for number in range(QUOTA + 1):
        device, _ = await proofs.signed_in("ada")
        async with talk(strict.address, device) as ada:
            reply = await ada.asks(type="unsubscribe", inbox=True)
            assert (reply.get("status") == 429) == (number == QUOTA)
    async with talk(strict.address, token_of("bob")) as bob:
        assert (await bob.asks(type="unsubscribe", inbox=True))["type"] == "unsubscribed"


async def test_whoever_goes_on_and_on_is_sent_away(strict):
    async with talk(strict.address, token_of("ada")) as ada:
        ada.say(*[said(type="unsubscribe", inbox=True)] * (QUOTA + PATIENCE))
        statuses = [(await ada.json()).get("status") for _ in range(QUOTA + PATIENCE)]
        assert statuses == [None] * QUOTA + [429] * PATIENCE
        bye = await ada.json()
        assert (bye["type"], bye["reason"]) == ("bye", "overloaded")
        assert bye["retry_after"] > 0
        assert (await ada.closes())[0] == 4429


@pytest.mark.parametrize("within_a_message", [False, True])
async def test_pings_count_and_a_flood_of_them_is_sent_away(strict, within_a_message):
    async with talk(strict.address, token_of("ada")) as ada:
        if within_a_message:
            ada.say(frame('{"type":', fin=False))
        ada.say(*[frame(b"x", Opcode.PING)] * (QUOTA + PATIENCE))
        pongs = 0
        async with deadline():
            while (heard := await ada.frame()).opcode == Opcode.PONG:
                pongs += 1
        assert heard.opcode == Opcode.TEXT  # the bye
        assert b'"overloaded"' in heard.payload
        assert pongs == QUOTA
        assert (await ada.closes())[0] == 4429


async def test_parts_of_a_message_count_and_one_without_end_is_sent_away(strict):
    async with talk(strict.address, token_of("ada")) as ada:
        ada.say(frame('{"type":', fin=False))
        ada.say(*[frame(b"", Opcode.CONT, fin=False)] * (QUOTA + PATIENCE))
        assert (await ada.json())["reason"] == "overloaded"
        assert (await ada.closes())[0] == 4429


async def test_a_message_in_two_parts_is_understood_by_whoever_is_within_the_limit(strict):
    async with talk(strict.address, token_of("ada")) as ada:
        for _ in range(QUOTA):
            ada.say(frame('{"type":"post","to":"bob",', fin=False), frame('"text":"hi"}', Opcode.CONT))
            assert (await ada.json())["type"] == "posted"


WAYS = {
    "offer": ({}, 202),
    "sse": ({"Accept": "text/event-stream"}, 200),
    "ndjson": ({"Accept": "application/x-ndjson"}, 200),
    "websocket": (UPGRADE, 101),
}


@pytest.fixture
async def rooms(strict):
    """One more than may be subscribed to."""
    async with wire(strict.address) as way:
        made = [
            await way.asks("POST", "/rooms", token_of("eve"), body(name=f"{n}")) for n in range(QUOTA + 1)
        ]
    return [json.loads(each.body)["id"] for each in made]


async def asked_for(server, rooms, way, user="ada"):
    async with wire(server.address) as line:
        line.request("GET", f"/subscribe?room={'&room='.join(rooms)}", token_of(user), **WAYS[way][0])
        return (await line.head()).status


@pytest.mark.parametrize("way", WAYS)
async def test_a_log_that_an_address_names_counts_as_one_that_is_subscribed_to(strict, rooms, way):
    """Else one request could have the store asked a thousand things."""
    opened = WAYS[way][1]
    assert [await asked_for(strict, rooms[:2], way) for _ in range(3)] == [opened, opened, 429]
    assert await asked_for(strict, rooms[:1], way) == opened
    assert await asked_for(strict, rooms[:1], way) == 429
    assert await asked_for(strict, rooms[:2], way, user="bob") == opened


@pytest.mark.parametrize("way", WAYS)
async def test_more_logs_than_the_limit_has_are_opened_by_whoever_has_used_none_of_it(strict, rooms, way):
    assert await asked_for(strict, rooms, way) == WAYS[way][1]
    assert await asked_for(strict, rooms[:1], way) == 429


async def test_with_limits_off_nobody_counts(target):
    async with talk(target.server.address, token_of("ada")) as ada:
        ada.say(*[said(type="unsubscribe", inbox=True)] * 4000)
        assert {(await ada.json())["type"] for _ in range(4000)} == {"unsubscribed"}


async def test_three_devices_with_as_many_logs_as_a_stream_carries_may_come_back_at_once(data):
    async with serving(data, limits={}) as server:
        most = server.context.settings.subscriptions_per_stream
        assert server.context.limits.frames.policy.quota >= 3 * most
