"""A subscription outlives its connections."""

import asyncio

import pytest

from hubbub.client import ConnectionLost, Hole, Problem, SignedOut, Subscription
from hubbub.client.places import Places
from hubbub.protocol.frames import Bye, MarkFrame, Message


def message(seq):
    return Message(id=f"m{seq}", room="R", seq=seq, sender="ada", text=str(seq), sent_at="")


class ScriptedLine:
    survives_cancel = True

    def __init__(self, script):
        self.script = list(script)
        self.closed = False

    async def receive(self):
        if not self.script:
            await asyncio.get_running_loop().create_future()
        step = self.script.pop(0)
        if isinstance(step, Exception):
            raise step
        return step

    async def close(self):
        self.closed = True


class Play:
    """A subscription whose connections follow a script: a list of steps each, or an error to connect with."""

    def __init__(self, *scripts, after=0):
        self.scripts = list(scripts)
        self.lines, self.asked, self.sleeps, self.marks = [], [], [], []
        self.now = 0.0
        self.subscription = Subscription(
            Places({"R": after}),
            self.connect,
            chance=lambda: 0.5,
            sleep=self.sleep,
            monotonic=lambda: self.now,
            marked=self.marks.append,
        )

    async def connect(self, places):
        self.asked.append(places.cursor("R"))
        script = self.scripts.pop(0)
        if isinstance(script, Exception):
            raise script
        self.lines.append(ScriptedLine(script))
        return self.lines[-1]

    async def sleep(self, seconds):
        self.sleeps.append(seconds)

    async def hears(self, count):
        return [(await anext(self.subscription)).seq for _ in range(count)]


LOST = ConnectionLost("gone")


async def test_it_goes_on_after_the_last_event_taken():
    play = Play([message(1), message(2), LOST], [message(3)])
    assert await play.hears(3) == [1, 2, 3]
    assert play.asked == ["0", "2"]


async def test_what_a_server_repeats_is_handed_out_once():
    play = Play([message(1), message(2), LOST], [message(1), message(2), message(3)])
    assert await play.hears(3) == [1, 2, 3]
    assert play.subscription.repeats == 2


async def test_what_a_server_leaves_out_is_an_error_and_the_end():
    play = Play([message(1), message(3)])
    with pytest.raises(Hole):
        await play.hears(2)
    assert play.lines[0].closed
    with pytest.raises(StopAsyncIteration):
        await anext(play.subscription)


async def test_a_mark_is_told_beside_the_events_and_moves_nothing():
    mark = MarkFrame(room="R", seq=9)
    play = Play([message(1), mark, message(2), mark, LOST], [message(3)])
    assert await play.hears(3) == [1, 2, 3]
    assert play.marks == [mark, mark]
    assert play.asked == ["0", "2"]


async def test_failing_to_connect_is_waited_out_longer_each_time():
    play = Play(LOST, LOST, LOST, [message(1)])
    assert await play.hears(1) == [1]
    assert play.sleeps == [0.1, 0.2, 0.4]


async def test_an_event_makes_the_next_wait_short_again():
    play = Play(LOST, LOST, [message(1), LOST], [message(2)])
    assert await play.hears(2) == [1, 2]
    assert play.sleeps == [0.1, 0.2, 0.1]


async def test_it_comes_back_exactly_when_a_bye_says():
    play = Play([message(1), Bye(reason="shutting-down", retry_after=3.25)], [message(2)])
    assert await play.hears(2) == [1, 2]
    assert play.sleeps == [3.25]


async def test_a_server_with_too_much_to_do_is_given_its_time():
    busy = Problem(status=503, code="overloaded", retry_after=4.0)
    play = Play(busy, [message(1)])
    assert await play.hears(1) == [1]
    assert play.sleeps == [4.1]


@pytest.mark.parametrize("reason", ["signed-out", "expired", "disabled"])
async def test_the_end_of_the_session_is_the_end(reason):
    play = Play([message(1), Bye(reason=reason)])
    await play.hears(1)
    with pytest.raises(SignedOut) as over:
        await anext(play.subscription)
    assert over.value.reason == reason
    assert play.lines[0].closed


@pytest.mark.parametrize(
    "refusal",
    [SignedOut(), Problem(status=404, code="no-such-room"), Problem(status=409, code="stale-cursor")],
)
async def test_a_refusal_for_good_is_told_and_not_tried_again(refusal):
    play = Play([message(1), LOST], refusal)
    await play.hears(1)
    with pytest.raises(Problem) as told:
        await anext(play.subscription)
    assert told.value is refusal
    assert len(play.asked) == 2


async def test_opening_waits_until_the_server_has_said_where_reading_starts():
    play = Play([None, message(7)], after=None)
    opening = asyncio.ensure_future(play.subscription.open())
    await opening
    assert play.subscription.cursors() == {"R": "7"}
    assert await play.hears(1) == [7]


async def test_closing_ends_the_iteration():
    play = Play([message(1)])
    async with play.subscription as subscription:
        assert [event.seq async for event in _first(subscription)] == [1]
    assert play.lines[0].closed
    assert [event async for event in play.subscription] == []


async def _first(subscription):
    yield await anext(subscription)


async def test_a_reader_that_gives_up_waiting_loses_no_event():
    play = Play([message(1)])
    await play.hears(1)
    waiting = asyncio.ensure_future(anext(play.subscription))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    play.lines[0].script.append(message(2))
    assert await play.hears(1) == [2]
    assert len(play.lines) == 1


async def test_a_line_that_cannot_stand_being_given_up_is_opened_anew_at_its_place():
    play = Play([message(1)], [message(2)])
    await play.hears(1)
    play.lines[0].survives_cancel = False
    waiting = asyncio.ensure_future(anext(play.subscription))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert play.lines[0].closed
    assert await play.hears(1) == [2]
    assert play.asked == ["0", "1"]


class Asleep(Play):
    """Of one whose naps last until somebody ends them."""

    async def sleep(self, seconds):
        await super().sleep(seconds)
        await asyncio.get_running_loop().create_future()


async def until_asleep(play):
    while not play.sleeps:
        await asyncio.sleep(0)


async def test_closing_ends_the_waiting_of_another_task_at_once():
    play = Asleep(LOST)
    waiting = asyncio.ensure_future(anext(play.subscription))
    await until_asleep(play)
    await play.subscription.close()
    with pytest.raises(StopAsyncIteration):
        await waiting


async def test_giving_up_waiting_for_an_event_brings_nobody_back_sooner():
    play = Asleep([message(1), Bye(reason="shutting-down", retry_after=8.0)])
    await play.hears(1)
    for seconds_left in (8.0, 5.0):
        waiting = asyncio.ensure_future(anext(play.subscription))
        await until_asleep(play)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        assert play.sleeps == [seconds_left]
        play.sleeps.clear()
        play.now += 3.0
    assert len(play.asked) == 1
