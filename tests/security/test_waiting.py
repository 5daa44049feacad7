"""What one client may have the server hold open."""

import json
from types import SimpleNamespace

import pytest

from conformance.wire import wire
from hubbub.api.connections import Connections
from hubbub.api.gate import admit
from hubbub.api.settings import Settings
from hubbub.api.streams import Stream
from hubbub.domain.errors import TooMany
from hubbub.domain.ids import SessionId, room_log
from hubbub.protocol.framing import NdjsonFraming
from security.conftest import Target
from support.seeded import token_of
from support.serving import serving


@pytest.fixture
async def narrow(data):
    async with serving(data, settings={"streams_per_session": 3}) as server, wire(server.address) as other:
        yield Target(server, other)


async def test_long_polls_count_among_the_live_streams_of_a_session(narrow):
    room = await narrow.room()
    poll = f"/room/{room}/messages?after=0&wait=60"
    streams = narrow.context.connections._streams
    async with narrow.wire() as one, narrow.wire() as two, narrow.wire() as stream, narrow.wire() as more:
        one.request("GET", poll, token_of("ada"))
        two.request("GET", "/inbox/messages?after=0&wait=60", token_of("ada"))
        stream.request("GET", f"/room/{room}/subscribe", token_of("ada"), accept="text/event-stream")
        await stream.head()
        await narrow.until(lambda: streams[SessionId("session-of-ada")] == 3)
        refused = await more.asks("GET", poll, token_of("ada"))
        assert (refused.status, refused.code) == (429, "too-many")
        assert "retry-after" in refused.headers
        more.request("GET", f"/room/{room}/subscribe", token_of("ada"), accept="text/event-stream")
        assert (await more.response()).code == "too-many"
        # Reading without waiting is no stream, and another's session is another's.
        assert (await more.asks("GET", f"/room/{room}/messages?after=0", token_of("ada"))).status == 200
        two.cut()
        await narrow.until(lambda: streams[SessionId("session-of-ada")] == 2)
        more.request("GET", poll, token_of("ada"))
        await narrow.until(lambda: streams[SessionId("session-of-ada")] == 3)
        await narrow.post(room, "now")
        for waiting in (one, more):
            assert json.loads((await waiting.response()).body)[0]["text"] == "now"
    await narrow.until(lambda: not streams)


async def test_a_long_poll_that_is_refused_leaves_nothing(narrow):
    streams = narrow.context.connections._streams
    for wrong in ("/room/nowhere/messages?after=0&wait=9", "/inbox/messages?after=99&wait=9"):
        assert (await narrow.other.asks("GET", wrong, token_of("ada"))).status in (404, 409)
    assert not streams


def test_an_ipv6_customer_is_one_address():
    connections = Connections(Settings(sockets_per_address=2), chance=lambda: 0.5)
    connections.open_socket("2001:db8::1")
    connections.open_socket("2001:db8::2")
    with pytest.raises(TooMany):
        connections.open_socket("2001:db8::3")
    connections.open_socket("2001:db8:0:1::3")
    connections.close_socket("2001:db8::1")
    connections.open_socket("2001:db8::3")


async def test_a_stream_on_a_socket_that_is_full_already_is_written_nothing_until_it_is_not(target):
    """Answers before it, left unread, and its own head may fill it: it was then written the whole room."""
    room = await target.room()
    await target.post(room, "long ago")
    written: list[bytes] = []
    connection = SimpleNamespace(
        transport=SimpleNamespace(write=written.append, close=lambda: None, is_closing=lambda: False),
        flow=SimpleNamespace(write_paused=True),
        reader=None,
        send_head=lambda: None,
    )
    caller = await admit(
        target.context,
        {"authorization": f"Bearer {token_of('ada')}"},
        ticket=None,
        public_origin="",
        address="",
        safe=True,
    )
    stream = Stream(connection, target.context, caller, "ndjson")  # type: ignore[arg-type]
    stream.framing = NdjsonFraming()
    await stream.open(room_log(room), 0)
    stream._begin()
    await target.post(room, "just now")
    await target.turn()
    assert not written
    assert connection.reader is stream
    connection.reader.resume()
    await target.until(lambda: b"just now" in b"".join(written))
    assert b"".join(written).count(b"long ago") == 1
    target.context.hub.leave(stream)
