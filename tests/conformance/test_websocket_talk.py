"""A conversation over WebSocket: replies in the order of requests, each end with its code, nothing lost."""

from itertools import chain

import pytest
from websockets.frames import Opcode

from conformance.sockets import closing, frame, said, talk
from conformance.wire import wire
from hubbub.api.websocket import PATIENCE
from hubbub.domain.errors import StorageFailed
from hubbub.service.limits import Policy
from support.deadline import deadline
from support.seeded import token_of

ADA, BOB = token_of("ada"), token_of("bob")


@pytest.fixture
async def ada(house):
    async with talk(house.server.address, ADA) as ada:
        yield ada


# -- order ----------------------------------------------------------------------


async def test_replies_come_in_the_order_of_requests_however_they_are_mixed(house, ada):
    room = house.room
    requests = list(
        chain.from_iterable(
            (
                {"type": "post", "room": room, "text": "x"},
                {"type": "subscribe", "room": room},
                {"type": "post", "room": "nowhere", "text": "x"},
                {"type": "post", "to": "bob", "text": "x"},
                {"type": "dance"},
                {"type": "subscribe", "inbox": True, "after": 0},
                {"type": "unsubscribe", "room": room},
                {"type": "post", "to": "nobody", "text": "x", "key": "k"},
                {"type": "unsubscribe", "inbox": True},
            )
            for _ in range(30)
        )
    )
    ada.say(*(said(ref=ref, **request) for ref, request in enumerate(requests)))
    answered = []
    while len(answered) < len(requests):
        heard = await ada.json()
        if heard["type"] not in ("message", "sent"):
            answered.append((heard["ref"], heard.get("status", heard["type"])))
    kinds = ["posted", "subscribed", 404, "posted", 400, "subscribed", "unsubscribed", 404, "unsubscribed"]
    assert answered == list(enumerate(kinds * 30))


async def test_nothing_of_a_log_comes_before_subscribed_nor_after_unsubscribed(house, ada):
    on = False
    for round in range(20):
        ada.say(
            *(said(type="post", ref=n, room=house.room, text=f"{round}.{n}") for n in range(5)),
            said(type="subscribe", ref="on", room=house.room, after=0),
            *(said(type="post", ref=n, room=house.room, text=f"{round}.{n}") for n in range(5, 10)),
            said(type="unsubscribe", ref="off", room=house.room),
            said(type="post", ref="last", room=house.room, text=f"{round}.last"),
        )
        while (heard := await ada.json()).get("ref") != "last":
            on = {"subscribed": True, "unsubscribed": False}.get(heard["type"], on)
            assert heard["type"] != "message" or on
        assert not on


async def test_each_subscription_goes_on_exactly_where_it_is_told_to(house, ada):
    ada.say(*(said(type="post", ref=n, room=house.room, text=str(n)) for n in range(1, 101)))
    for _ in range(100):
        await ada.json()
    for after in (0, 1, 50, 99, 100):
        ada.say(said(type="subscribe", ref="on", room=house.room, after=after))
        assert await ada.json() == {"type": "subscribed", "ref": "on", "room": house.room, "head": 100}
        assert [(await ada.json())["seq"] for _ in range(100 - after)] == list(range(after + 1, 101))
        assert (await ada.asks(type="unsubscribe", ref="off", room=house.room))["type"] == "unsubscribed"


async def test_a_log_is_subscribed_once_on_one_connection(house, ada):
    for log in ({"room": house.room}, {"inbox": True}):
        assert (await ada.asks(type="subscribe", ref=1, **log))["type"] == "subscribed"
        again = await ada.asks(type="subscribe", ref=2, after=0, **log)
        assert (again["type"], again["status"], again["ref"]) == ("error", 400, 2)
    ada.say(said(type="post", ref=3, room=house.room, text="once"))
    kinds = sorted([(await ada.json())["type"] for _ in range(2)])
    assert kinds == ["message", "posted"]
    assert (await ada.asks(type="unsubscribe", ref=4, room=house.room))["ref"] == 4


async def test_two_subscriptions_to_one_log_in_one_packet_are_one(house, ada):
    one = said(type="subscribe", ref=1, room=house.room)
    ada.say(one, one, said(type="post", ref=2, room=house.room, text="once"))
    kinds = sorted([(await ada.json())["type"] for _ in range(4)])
    assert kinds == ["error", "message", "posted", "subscribed"]


async def test_to_leave_what_one_never_listened_to_is_no_mistake(house, ada):
    assert (await ada.asks(type="unsubscribe", ref=1, room=house.room))["type"] == "unsubscribed"
    assert (await ada.asks(type="unsubscribe", ref=2, inbox=True))["type"] == "unsubscribed"


async def test_a_connection_listens_to_so_many_logs_and_no_more(open_house):
    async with open_house(subscriptions_per_stream=1) as house, talk(house.server.address, ADA) as ada:
        assert (await ada.asks(type="subscribe", ref=1, room=house.room))["type"] == "subscribed"
        assert (await ada.asks(type="subscribe", ref=2, inbox=True))["status"] == 429
        assert (await ada.asks(type="unsubscribe", ref=3, room=house.room))["type"] == "unsubscribed"
        assert (await ada.asks(type="subscribe", ref=4, inbox=True))["type"] == "subscribed"


async def test_two_posts_with_one_key_in_one_packet_are_one_message(house, ada):
    post = {"type": "post", "room": house.room, "text": "once", "key": "k"}
    ada.say(said(ref=1, **post), said(ref=2, **post), said(ref=3, **(post | {"text": "twice"})))
    first, second, third = [await ada.json() for _ in range(3)]
    assert {**second, "ref": 1} == first
    assert (third["ref"], third["status"]) == (3, 409)
    assert await house.texts() == ["once"]


async def test_of_posts_upon_one_head_in_one_packet_the_first_is_stored(house, ada):
    ada.say(*(said(type="post", ref=n, room=house.room, text=str(n), if_head=0) for n in range(3)))
    answers = [await ada.json() for _ in range(3)]
    assert [answer.get("status") for answer in answers] == [None, 412, 412]
    assert await house.texts() == ["0"]


# -- too much -------------------------------------------------------------------

FLOOD = 2000


def _server_side(house):
    (socket,) = [c for c in house.http_connections() if getattr(c, "kind", "") == "websocket"]
    return socket


async def test_whoever_posts_without_reading_is_held_back_and_loses_nothing(house):
    async with talk(house.server.address, ADA, receive_buffer_bytes=4096) as ada:
        socket, posting = _server_side(house), house.context.posting
        ada.say(said(type="subscribe", ref="on", room=house.room, after=0))
        ada.wire.stop_reading()
        ada.say(*(said(type="post", ref=n, room=house.room, text="x" * 5000) for n in range(FLOOD)))
        before = -1
        async with deadline():
            while posting.posts != before or posting.queued or not socket.paused:
                before = posting.posts
                await house.answers_others()
                assert socket.dialogue.waiting <= house.context.settings.requests_in_flight
                assert socket.transport.get_write_buffer_size() < 1 << 20
                assert len(socket._held) < 1 << 20
        assert before < FLOOD, "all was taken in from one who never reads"

        ada.wire.read_on()
        heard = [await ada.json() for _ in range(2 * FLOOD + 1)]
    assert [h["ref"] for h in heard if h["type"] == "posted"] == list(range(FLOOD))
    assert [h["seq"] for h in heard if h["type"] == "message"] == list(range(1, FLOOD + 1))


async def test_a_flood_of_pings_by_one_who_never_reads_is_held_back(house):
    async with talk(house.server.address, ADA, receive_buffer_bytes=4096) as ada:
        socket = _server_side(house)
        ada.wire.stop_reading()
        ada.say(frame(b"x" * 125, Opcode.PING) * 60_000)
        await house.until(lambda: socket.paused)
        for _ in range(20):
            await house.answers_others()
            assert socket.transport.get_write_buffer_size() < 1 << 20
            assert len(socket._held) < 1 << 20
        ada.wire.read_on()
        pongs = 0
        while pongs < 60_000:
            pongs += (await ada.frame()).opcode == Opcode.PONG


async def test_whoever_goes_too_fast_is_told_and_at_last_let_go(open_house):
    few = {"posts": Policy(name="posts", quota=3, window_seconds=3600)}
    async with open_house(config={"limits": few}) as house, talk(house.server.address, ADA) as ada:
        for n in range(3):
            assert (await ada.asks(type="post", ref=n, room=house.room, text="x"))["type"] == "posted"
        ada.say(*(said(type="post", ref=n, room=house.room, text="x") for n in range(PATIENCE + 10)))
        answers = [await ada.json() for _ in range(PATIENCE)]
        assert [(a["ref"], a["status"]) for a in answers] == [(n, 429) for n in range(PATIENCE)]
        assert (await ada.json())["reason"] == "overloaded"
        assert (await ada.closes())[0] == 4429
        async with talk(house.server.address, BOB) as bob:
            assert (await bob.asks(type="post", ref=1, room=house.room, text="x"))["type"] == "posted"


# -- how it ends ----------------------------------------------------------------


@pytest.mark.parametrize("everything", [True, False], ids=["with the session", "with the account"])
async def test_whoever_is_signed_out_is_told_and_closed_with_4401(house, everything):
    async with talk(house.server.address, ADA) as ada, wire(house.server.address) as http:
        ada.say(said(type="subscribe", ref=1, room=house.room))
        await ada.json()
        path = "/sessions/current" if everything else "/sessions/session-of-ada"
        http.request("DELETE", path, ADA)
        bye = await ada.json()
        assert bye == {"type": "bye", "reason": "signed-out"}
        ada.say(said(type="post", ref=2, room=house.room, text="too late"))
        assert await ada.closes() == (4401, "signed-out")
        assert (await http.response()).status == 204
    assert await house.texts() == []


async def test_at_a_stop_everyone_is_told_when_to_come_back(house, ada):
    house.server.farewell()
    bye = await ada.json()
    assert (bye["type"], bye["reason"]) == ("bye", "shutting-down")
    assert bye["retry_after"] > 0
    assert (await ada.closes())[0] == 1012


async def test_a_close_that_is_never_answered_is_not_waited_for(house, monkeypatch):
    monkeypatch.setattr("hubbub.api.framed.CLOSING_SECONDS", 0.05)
    async with talk(house.server.address, ADA) as ada:
        ada.say(frame("no json"))
        assert (await ada.frame()).payload[:2] == (4400).to_bytes(2)
        await ada.wire.is_closed()


async def test_who_shows_no_sign_of_life_is_dropped(open_house):
    async with open_house(ping_seconds=1.0) as house, talk(house.server.address, ADA) as ada:
        house.context.connections.tick()
        heard = [(await ada.frame()).opcode]
        house.context.connections.tick()
        rest = await ada.wire.rest()
        assert heard == [Opcode.PING]
        assert rest in (b"", b"\x89\0")


async def test_whoever_answers_pings_stays(open_house):
    async with open_house(ping_seconds=1.0) as house, talk(house.server.address, ADA) as ada:
        for _ in range(5):
            house.context.connections.tick()
            assert (await ada.frame()).opcode == Opcode.PING
            ada.say(frame(b"", Opcode.PONG))
            ada.say(frame(b"here", Opcode.PING))
            assert (await ada.frame()).payload == b"here"


async def test_a_log_that_cannot_be_read_ends_with_1011(house, ada, monkeypatch):
    ada.say(*(said(type="post", ref=n, room=house.room, text="x" * 16_000) for n in range(40)))
    for _ in range(40):
        await ada.json()

    async def broken(*_: object, **__: object) -> None:
        raise StorageFailed

    monkeypatch.setattr(house.context.hub._source, "page", broken)
    async with talk(house.server.address, BOB) as bob:
        assert (await bob.asks(type="subscribe", ref=1, room=house.room, after=0))["type"] == "subscribed"
        assert (await bob.closes())[0] == 1011
    monkeypatch.undo()


async def test_many_who_leave_in_every_way_leave_nothing_behind(house):
    for n in range(60):
        async with talk(house.server.address, ADA) as ada:
            ada.say(said(type="subscribe", ref=1, room=house.room, after=0))
            ada.say(*(said(type="post", ref=2, room=house.room, text="x") for _ in range(5)))
            match n % 4:
                case 0:
                    ada.wire.cut()
                case 1:
                    ada.wire.end()
                case 2:
                    ada.say(closing(), frame("x")[:3])
                case 3:
                    await ada.json()
    await house.is_at_rest()
    assert len(await house.texts()) <= 300
