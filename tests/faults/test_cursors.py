"""Cursors that nobody was given, on every way there is to hand one in: refused, never misread.

What a removed range and a replaced store do is played in tests/scenarios/test_cursors.py.
"""

import itertools

import httpx2
import pytest

from faults.crowd import client_of
from hubbub.client import Problem
from support.deadline import deadline
from support.lounge import lounge
from support.seeded import token_of

HEAD = 3
STREAMS = ("text/event-stream", "application/x-ndjson")

WRONG = {
    "negative": ("-1", 400),
    "huge": ("9" * 40, 400),
    "2^63": (str(2**63), 400),
    "2^64": (str(2**64), 400),
    "a fraction": ("1.0", 400),
    "hexadecimal": ("0x1", 400),
    "spaces": (" 1", 400),
    "two numbers": ("1,2", 400),
    "a sign": ("+1", 400),
    "no number": ("EPOCH:", 400),
    "words": ("EPOCH:x", 400),
    "another script": ("EPOCH:٢", 400),
    "NUL": ("1\0", 400),
    "the future": ("EPOCH:4", 409),
    "the far future": (str(10**18 - 1), 409),
    "another epoch": ("0000000000000000:1", 409),
    "an empty epoch": (":1", 409),
    "an epoch in another case": ("UPPER:1", 409),
}

IN_A_HEADER = {name: case for name, case in WRONG.items() if name not in ("NUL", "another script", "spaces")}
"""What a header can say."""


@pytest.fixture
async def place(data):
    async with lounge(data, "ws") as place:
        async with client_of(place.url, "ada") as ada:
            for number in range(HEAD):
                await ada.post(f"{number}", room=place.room)
                await ada.post(f"{number}", to="bob")
        yield place
        hub = place.server.context.hub
        assert (hub.logs_in_memory, hub.behind) == (0, 0)  # nothing that was refused was opened


@pytest.fixture
async def http(place):
    headers = {"Authorization": f"Bearer {token_of('bob')}"}
    async with httpx2.AsyncClient(base_url=place.url, headers=headers, verify=False) as http:
        yield http


def cursor(place, text):
    epoch = place.server.context.info.epoch
    return text.replace("EPOCH", epoch).replace("UPPER", epoch.upper() + "X")


async def status(http, path, accept="application/json", **headers):
    """What it is answered; a stream that opens is hung up."""
    async with (
        deadline(),
        http.stream("GET", path, headers={"Accept": accept, **headers}) as answer,
    ):
        return answer.status_code


@pytest.mark.parametrize(("text", "expected"), WRONG.values(), ids=WRONG)
async def test_a_cursor_nobody_was_given_is_refused_wherever_it_is_handed_in(place, http, text, expected):
    given = cursor(place, text)
    quoted = httpx2.QueryParams({"after": given})
    room = f"/room/{place.room.id}"
    for path, accept in itertools.chain(
        itertools.product((f"{room}/subscribe", "/inbox/subscribe"), (*STREAMS, "application/json")),
        [(f"{room}/messages", "application/json"), ("/inbox/messages", "application/json")],
    ):
        assert await status(http, f"{path}?{quoted}", accept) == expected, (path, accept)
    many = httpx2.QueryParams([("room", f"{place.room.id}@{given}"), ("inbox", "0")])
    for accept in (*STREAMS, "application/json"):
        assert await status(http, f"/subscribe?{many}", accept) == expected, accept
    inbox = httpx2.QueryParams([("room", f"{place.room.id}@0"), ("inbox", given)])
    for accept in (*STREAMS, "application/json"):
        assert await status(http, f"/subscribe?{inbox}", accept) == expected, accept
    async with client_of(place.url, "bob") as bob, await bob.socket() as socket:
        for log in (place.room.id, None):
            with pytest.raises(Problem) as refused:
                await socket.subscribe(log, after=given)
            assert refused.value.status == expected


@pytest.mark.parametrize(("text", "expected"), IN_A_HEADER.values(), ids=IN_A_HEADER)
async def test_it_is_refused_as_a_last_event_id_too(place, http, text, expected):
    given = cursor(place, text)
    headers = {"Last-Event-ID": given}
    for path in (f"/room/{place.room.id}/subscribe?after=0", "/inbox/subscribe?after=0"):
        assert await status(http, path, STREAMS[0], **headers) == expected, path
    epoch, colon, seq = given.rpartition(":")
    over_many = {"Last-Event-ID": f"{epoch}{colon}{place.room.id}={seq},=0"}
    path = f"/subscribe?room={place.room.id}&inbox=0"
    assert await status(http, path, STREAMS[0], **over_many) == expected, over_many


@pytest.mark.parametrize(
    "last",
    [
        "EPOCH:bob=1",
        "EPOCH:inbox/bob=1",
        "EPOCH:ROOM=1,nowhere=2",
        "EPOCH:ada=3,=1",
        "EPOCH:=1,=2",
        "EPOCH:ROOM",
    ],
)
async def test_a_cursor_over_many_logs_leads_into_no_log_that_was_not_asked_for(place, http, last):
    """Whatever it names: only what stands in the address is opened, and that is the reader's own."""
    given = cursor(place, last).replace("ROOM", place.room.id)
    headers = {"Accept": STREAMS[0], "Last-Event-ID": given}
    async with deadline(), http.stream("GET", "/subscribe?inbox=0", headers=headers) as answer:
        assert answer.status_code in (200, 400, 409)
        if answer.status_code == 200:
            hub = place.server.context.hub
            assert set(hub._logs) <= {"inbox/bob"}


async def test_the_place_of_one_inbox_says_nothing_of_another(place, http):
    """ada's own cursor, used by eve, whose inbox is empty: from the future."""
    async with client_of(place.url, "eve") as eve, await eve.socket() as socket:
        with pytest.raises(Problem) as refused:
            await socket.subscribe(None, after=cursor(place, "EPOCH:3"))
        assert refused.value.code == "stale-cursor"
    assert await status(http, "/user/ada/subscribe?after=0", STREAMS[0]) == 404
