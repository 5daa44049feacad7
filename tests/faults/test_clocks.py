"""The wall clock jumps while the server runs: somebody sets it, or it was wrong when the machine came up.

| what | when the clock goes back | when it goes forward |
| --- | --- | --- |
| the order of messages | it is the seq's; `sent_at` is what the clock says | the same |
| a session | lives, for that much longer at most | is over when its time has passed, and stays so |
| a ticket | lives for as long again as it would have, at most | is over |
| a rate limit | is by a clock that does not jump | the same |
| retention | removes nothing that it would not have | removes what is that old by the clock |
"""

import httpx2
import pytest

from faults.crowd import TRANSPORTS, client_of
from hubbub.check import Wish, Witness, broken, stored
from hubbub.client import Problem, SignedOut
from hubbub.domain.ids import room_log
from hubbub.housekeeping import trim
from hubbub.service.limits import Policy
from support.deadline import deadline
from support.lounge import lounge
from support.seeded import token_of
from support.serving import Clock

HOUR = 3_600
DAY = 24 * HOUR


class Jumping(Clock):
    def jumps(self, seconds: int) -> None:
        self._ahead_ms += seconds * 1000


@pytest.fixture
async def place(data, monkeypatch):
    monkeypatch.setattr("support.lounge.Clock", Jumping)
    async with lounge(data, "ws") as place:
        yield place


def wish(place, number):
    return Wish(key=f"k{number}", text=f"text {number}", room=place.room.id)


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("jump", [-HOUR, HOUR, -DAY], ids=["an hour back", "an hour forward", "a day back"])
async def test_the_order_is_that_of_the_posts_whatever_the_clock_says(place, ada, transport, jump):
    async with client_of(place.url, "bob") as client:
        bob = Witness("bob", client)
        stream = client.subscribe(place.room, after=0, transport=transport)
        bob.ledger.opens("phone", room=place.room.id, after=0)
        async with stream, deadline():
            for number in range(6):
                if number == 3:
                    place.clock.jumps(jump)
                await ada.read_back(await ada.post(wish(place, number)))
            for _ in range(6):
                bob.ledger.reads("phone", await anext(stream))
    logs = await stored([ada], [place.room.id])
    assert broken([ada.ledger, bob.ledger], logs) == []
    events = logs[room_log(place.room.id)]
    assert [event.key for event in events] == [f"k{n}" for n in range(6)]
    assert (events[2].sent_at < events[3].sent_at) == (jump > 0)


async def test_who_is_signed_in_stays_so_when_the_clock_is_set_back(place, ada):
    place.clock.jumps(-HOUR)
    await place.a_second_passes()
    await ada.post(wish(place, 1))
    async with client_of(place.url, "bob") as bob:
        signed_in = await bob.sign_in("bob", "correct horse battery")
        place.clock.jumps(-HOUR)
        await place.a_second_passes()
        await bob.post("still here", room=place.room)
        assert signed_in.id in {session.id for session in await bob.sessions()}


async def test_a_session_whose_time_has_passed_does_not_come_back_with_the_old_time(place, ada):
    place.clock.jumps(31 * DAY)
    with pytest.raises(SignedOut):
        await ada.post(wish(place, 1))
    await place.a_second_passes()
    place.clock.jumps(-31 * DAY)
    with pytest.raises(SignedOut):
        await ada.post(wish(place, 2))


async def _opens(place, address):
    headers = {"Accept": "text/event-stream"}
    async with (
        httpx2.AsyncClient(verify=False) as http,
        deadline(),
        http.stream("GET", address, headers=headers) as answer,
    ):
        return answer.status_code


@pytest.mark.parametrize(
    ("jump", "status"),
    [(0, 200), (-25, 200), (29, 200), (31, 401), (HOUR, 401), (-HOUR, 401), (-DAY, 401)],
)
async def test_a_ticket_never_lives_for_long_whatever_the_clock_does(place, ada, jump, status):
    """One that would be good for an hour was given before the clock was set back, and is none any more."""
    address = (await ada.client.offer(place.room)).event_stream
    place.clock.jumps(jump)
    assert await _opens(place, address) == status
    fresh = (await ada.client.offer(place.room)).event_stream
    assert await _opens(place, fresh) == 200


@pytest.mark.parametrize("jump", [-HOUR, HOUR], ids=["back", "forward"])
async def test_a_rate_limit_neither_ends_nor_lasts_longer_by_a_jump(data, monkeypatch, jump):
    monkeypatch.setattr("support.lounge.Clock", Jumping)
    rates = {"posts": Policy(name="posts", quota=3, window_seconds=1000)}
    async with lounge(data, "ws", limits=rates) as place:
        headers = {"Authorization": f"Bearer {token_of('ada')}"}
        async with httpx2.AsyncClient(base_url=place.url, headers=headers, verify=False) as http:

            async def post():
                return await http.post(f"/room/{place.room.id}/messages", json={"text": "x"})

            assert [(await post()).status_code for _ in range(4)] == [201, 201, 201, 429]
            place.clock.jumps(jump)
            answer = await post()
            assert answer.status_code == 429
            assert 0 < int(answer.headers["Retry-After"]) <= 1000


async def test_what_was_sent_under_a_wrong_clock_is_removed_when_its_time_has_come(place, ada):
    """The order of a log is not that of its times then; what is removed is always its beginning."""
    store, context = place.server.store, place.server.context
    await ada.post(wish(place, 1))
    place.clock.jumps(10 * DAY)  # wrong
    await ada.post(wish(place, 2))
    place.clock.jumps(-10 * DAY)  # put right
    await ada.post(wish(place, 3))

    async def kept_after(days):
        place.clock.jumps(days * DAY)
        await trim(store, context, place.clock.now_ms() - DAY * 1000)
        events = await ada.client.page(place.room, after=0)
        return [getattr(event, "key", "gap") for event in events]

    assert await kept_after(2) == ["gap", "k2", "k3"]
    assert await kept_after(5) == ["gap", "k2", "k3"]  # k3 is old, and stands behind what is not
    assert await kept_after(5) == ["gap"]
    with pytest.raises(Problem) as refused:
        await ada.client.post("another", room=place.room, key="k2")
    assert refused.value.code == "key-reused"


async def test_a_clock_set_back_removes_nothing(place, ada):
    await ada.post(wish(place, 1))
    place.clock.jumps(-10 * DAY)
    await ada.post(wish(place, 2))
    await trim(place.server.store, place.server.context, place.clock.now_ms() - DAY * 1000)
    assert [event.key for event in await ada.client.page(place.room, after=0)] == ["k1", "k2"]
