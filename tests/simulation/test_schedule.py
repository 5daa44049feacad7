"""Virtual time goes on as real time would, only at once."""

import asyncio

import pytest

from simulation.schedule import Endless, ProcessLoop, Schedule


@pytest.fixture
def schedule():
    return Schedule()


@pytest.fixture
def loop(schedule):
    loop = ProcessLoop(schedule)
    yield loop
    loop.bury()


def test_what_is_due_at_one_moment_keeps_its_order(schedule):
    seen = []
    schedule.at(2.0, seen.append, "c")
    schedule.at(1.0, seen.append, "a")
    schedule.at(1.0, seen.append, "b")
    schedule.run(until=3.0, steps=10)
    assert seen == ["a", "b", "c"]
    assert schedule.now == 3.0


def test_a_day_of_waiting_takes_no_time(schedule, loop):
    async def day():
        began = loop.time()
        await asyncio.sleep(86_400)
        return loop.time() - began

    task = loop.within(loop.create_task, day())
    schedule.run(until=90_000.0, steps=100)
    assert task.result() == pytest.approx(86_400, abs=0.01)


def test_what_a_turn_asks_for_is_done_in_the_next(schedule, loop):
    seen = []

    def first():
        loop.call_soon(seen.append, "third")
        seen.append("first")

    loop.poke(first)
    loop.poke(seen.append, "second")
    schedule.run(until=1.0, steps=100)
    assert seen == ["first", "second", "third"]


def test_who_waits_for_the_disk_comes_late_to_the_rest(schedule, loop):
    seen = []
    loop.poke(loop.stall, 5.0)
    schedule.at(1.0, loop.poke, lambda: seen.append(loop.time()))
    schedule.run(until=10.0, steps=100)
    assert seen == [pytest.approx(5.0, abs=0.01)]


def test_a_frozen_process_does_all_at_once_when_it_goes_on(schedule, loop):
    seen = []
    loop.within(loop.call_later, 1.0, lambda: seen.append(("timer", loop.time())))
    schedule.at(0.5, loop.freeze, 4.0)
    schedule.at(2.0, loop.poke, lambda: seen.append(("came", loop.time())))
    schedule.run(until=4.4, steps=100)
    assert seen == []
    schedule.run(until=10.0, steps=100)
    assert seen == [("came", pytest.approx(4.5, abs=0.01)), ("timer", pytest.approx(4.5, abs=0.01))]


def test_of_a_process_that_died_nothing_runs_any_more(schedule, loop):
    seen = []

    def die():
        loop.dead = True

    loop.poke(die)
    loop.poke(seen.append, "too late")
    schedule.run(until=1.0, steps=100)
    assert seen == []


def test_a_world_without_rest_is_noticed(schedule):
    def again():
        schedule.after(0, again)

    again()
    with pytest.raises(Endless):
        schedule.run(until=1.0, steps=1000)
