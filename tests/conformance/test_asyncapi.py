"""Everything said on live connections is what /asyncapi.json says it is, and everything it says is said."""

import json
from collections.abc import AsyncIterator
from typing import Any

import jsonschema_rs
import pytest

from conformance.conftest import House
from conformance.sockets import said, talk
from hubbub.domain.ids import UserId
from hubbub.housekeeping import trim
from support.seeded import token_of

ADA, BOB = token_of("ada"), token_of("bob")


class Spoken:
    """A document, what each channel may carry, and which of it was heard."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self.heard: set[tuple[str, str]] = set()

    def channel(self, address: str) -> tuple[str, dict[str, Any]]:
        ((name, channel),) = [
            (name, each) for name, each in self.document["channels"].items() if each["address"] == address
        ]
        return name, channel["messages"]

    def check(self, address: str, frame: dict[str, Any]) -> None:
        """Raises unless `frame` is one of the messages of the channel, by its schema."""
        name, messages = self.channel(address)
        kind = frame["type"]
        assert kind in messages, f"{address} does not say {kind}"
        self.validator(kind).validate(frame)
        self.heard.add((name, kind))

    def validator(self, kind: str) -> Any:
        payload = self.document["components"]["messages"][kind]["payload"]
        schema = {**payload, "components": self.document["components"]}
        return jsonschema_rs.Draft202012Validator(schema, validate_formats=True)


@pytest.fixture
async def spoken(house: House) -> Spoken:
    answer = await house.bystander.asks("GET", "/asyncapi.json")
    assert answer.status == 200
    return Spoken(json.loads(answer.body))


async def _events(house: House, path: str, accept: str) -> AsyncIterator[dict[str, Any]]:
    """What a stream says until it ends."""
    async with house.wire() as reader:
        reader.request("GET", path, ADA, Accept=accept)
        head = await reader.head()
        assert head.status == 200
        rest = b""
        yield {}  # it is open
        async for chunk in reader.chunks():
            rest += chunk
            while b"\n\n" in rest if "event" in accept else b"\n" in rest:
                event, _, rest = rest.partition(b"\n\n" if "event" in accept else b"\n")
                if frame := _frame(event.decode(), accept):
                    yield frame


def _frame(event: str, accept: str) -> dict[str, Any] | None:
    """The JSON of one event; None for a comment, an id alone, or a heartbeat."""
    if "event" not in accept:
        return json.loads(event) if event else None
    fields = dict(line.split(": ", 1) for line in event.split("\n") if not line.startswith(":"))
    if "data" not in fields:
        return None
    frame: dict[str, Any] = json.loads(fields["data"])
    assert fields["event"] == frame["type"]
    assert ("id" in fields) == (frame["type"] != "bye")
    return frame


async def _everything_happens(house: House) -> None:
    """Messages old enough to be removed, and newer ones: in the room, to ada, by ada."""
    for token, path, key in (
        (ADA, house.messages, {}),
        (BOB, house.messages, {"Idempotency_Key": "k"}),
        (BOB, "/user/ada/messages", {"Idempotency_Key": "k"}),
        (ADA, "/user/bob/messages", {}),
        (ADA, "/user/ada/messages", {}),
    ):
        answer = await house.bystander.asks("POST", path, token, b'{"text": "h\\u00e9"}', **key)
        assert answer.status == 201


STREAMS = (
    ("/room/{roomId}/subscribe", "/room/{room}/subscribe?after=0", {"message", "gap", "bye"}),
    ("/inbox/subscribe", "/inbox/subscribe?after=0", {"message", "sent", "gap", "bye"}),
    ("/subscribe", "/subscribe?room={room}@0&inbox=0", {"message", "sent", "gap", "bye"}),
)


@pytest.mark.parametrize("accept", ["text/event-stream", "application/x-ndjson"])
@pytest.mark.parametrize(("address", "path", "kinds"), STREAMS, ids=[each[0] for each in STREAMS])
async def test_a_stream_says_what_is_documented(house, spoken, accept, address, path, kinds):
    await _everything_happens(house)
    await trim(house.store, house.context, 1 << 60)
    await _everything_happens(house)
    events = _events(house, path.format(room=house.room), accept)
    await anext(events)
    await house.context.accounts.sign_out(await house.context.accounts.authenticate(ADA))
    async for event in events:
        spoken.check(address, event)
    assert {kind for _, kind in spoken.heard} == kinds


async def test_a_websocket_says_all_that_is_documented_and_nothing_else(house, spoken):
    room = house.room
    await _everything_happens(house)
    await trim(house.store, house.context, 1 << 60)
    await _everything_happens(house)
    requests = [
        {"type": "subscribe", "room": room, "after": 0},
        {"type": "subscribe", "ref": 1, "inbox": True, "after": "0"},
        {"type": "subscribe", "ref": 2.5, "room": room},
        {"type": "post", "ref": "p", "room": room, "text": "hé", "key": "k1"},
        {"type": "post", "ref": "p", "room": room, "text": "other", "key": "k1"},
        {"type": "post", "ref": "q", "to": "BOB", "text": "hé", "key": "k2"},
        {"type": "post", "ref": "r", "room": room, "text": "x", "if_head": 0},
        {"type": "post", "ref": "s", "room": room, "text": "x" * 16_385},
        {"type": "post", "ref": "t", "to": "nobody", "text": "x"},
        {"type": "dance", "ref": "u"},
        {"type": "subscribe", "ref": "v", "room": "nowhere"},
        {"type": "unsubscribe", "ref": 3, "room": room},
    ]
    last = {"type": "unsubscribe", "ref": 4, "inbox": True}
    document = spoken.document["components"]["messages"]
    for request in (*requests, last):
        if request["type"] in document and len(request.get("text", "")) <= 16_384:
            spoken.validator(request["type"]).validate(request)
    async with talk(house.server.address, ADA) as ada:
        spoken.check("/ws", ada.hello)
        ada.say(*(said(**request) for request in requests))
        frame: dict[str, Any] = {}
        while frame.get("ref") != 3:
            frame = await ada.json()
            spoken.check("/ws", frame)
        await house.context.marks.read_room(UserId("ada"), room, 1)  # on another device
        ada.say(said(**last))
        while frame.get("ref") != 4:
            frame = await ada.json()
            spoken.check("/ws", frame)
        await house.context.accounts.sign_out(await house.context.accounts.authenticate(ADA))
        spoken.check("/ws", await ada.json())
        assert (await ada.closes())[0] == 4401
    _, messages = spoken.channel("/ws")
    assert {kind for _, kind in spoken.heard} == set(messages) - {"subscribe", "unsubscribe", "post"}


async def test_the_validation_would_notice(house, spoken):
    """A check that passes everything would pass all of the above."""
    right = {"type": "gap", "room": "x", "first": 1, "last": 2, "reason": "erasure"}
    spoken.check("/ws", right)
    for wrong in ({**right, "first": "1"}, {**right, "reason": "mood"}, {**right, "type": "message"}):
        with pytest.raises(jsonschema_rs.ValidationError):
            spoken.check("/ws", wrong)
    with pytest.raises(AssertionError):
        spoken.check("/subscribe", {"type": "posted"})
