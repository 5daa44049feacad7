"""Who goes away at the worst moment takes nothing from those who stay."""

import asyncio
import gc

from hubbub.api.framed import FramedConnection
from hubbub.api.transport import HttpConnection
from hubbub.domain.ids import UserId, room_log


async def test_what_is_said_the_moment_somebody_is_gone_reaches_everybody_else(hall, monkeypatch):
    ada, bob, *others = await hall.with_people("ada", "bob", "cyd", "dan")
    posting, gone = hall.server.context.posting, asyncio.Event()

    def say():
        posting.post(room_log(hall.room.id), UserId("ada"), "he left", lambda outcome: None)
        posting.commit()

    def speaking(leave):
        def connection_lost(connection, error):
            if not gone.is_set():
                gone.set()
                asyncio.get_running_loop().call_soon(say)  # the transport has closed then; his task is next
            leave(connection, error)

        return connection_lost

    for kind in (FramedConnection, HttpConnection):
        monkeypatch.setattr(kind, "connection_lost", speaking(kind.connection_lost))
    await bob.leaves()
    await gone.wait()
    for other in (ada, *others):
        await other.hears("he left")


async def test_who_goes_away_amid_the_past_leaves_the_others_to_read_on(hall):
    posting, count = hall.server.context.posting, 1500
    for number in range(count):
        posting.post(room_log(hall.room.id), UserId("ada"), f"{number} {'x' * 500}", lambda outcome: None)
        if number % 100 == 99:  # few enough for a turn that no pause makes too long
            posting.commit()
    bob, cyd = await hall.people("bob", "cyd")
    await cyd.listens(after=0)
    for _ in range(3):
        await bob.listens(after=0)
        await bob.gets(1)
        await bob.leaves()
    heard = await cyd.gets(count)
    assert [event.seq for event in heard] == list(range(1, count + 1))


async def test_a_request_that_became_a_websocket_leaves_nothing_to_be_collected(place):
    people = await place.people("bob", "cyd", "dan")

    def requests():
        return sum(isinstance(each, HttpConnection) for each in gc.get_objects())

    gc.collect()
    before = requests()
    gc.disable()
    try:
        for person in people:
            await person.listens()
        assert requests() == before
    finally:
        gc.enable()
