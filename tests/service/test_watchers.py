"""Streams that end when their session does."""

import tracemalloc

import pytest

from hubbub.domain.ids import SessionId, UserId
from hubbub.domain.model import Session
from hubbub.service.watchers import Watchers

from .conftest import Stream


class Equal(Stream):
    def __eq__(self, other):
        return True

    __hash__ = Stream.__hash__


def session(id="s", expires_at_ms=1000):
    return Session(id=SessionId(id), user=UserId("ada"), created_at_ms=1, expires_at_ms=expires_at_ms)


@pytest.fixture
def watchers():
    return Watchers()


@pytest.fixture
def told():
    return []


def test_all_streams_of_a_session_are_told_why_it_ended(watchers, told):
    watchers.watch(session(), Stream(told.append))
    watchers.watch(session(), Stream(told.append))
    watchers.watch(session("other"), Stream(lambda _: pytest.fail("another's session")))
    watchers.end(SessionId("s"), "signed-out")
    assert told == ["signed-out", "signed-out"]
    assert len(watchers) == 1


def test_a_stream_is_told_once(watchers, told):
    watchers.watch(session(), Stream(told.append))
    watchers.end(SessionId("s"), "signed-out")
    watchers.end(SessionId("s"), "expired")
    assert told == ["signed-out"]


def test_a_stream_that_went_by_itself_is_told_nothing(watchers, told):
    one = Stream(told.append)
    watchers.watch(session(), one)
    watchers.watch(session(), Stream(told.append))
    watchers.unwatch(SessionId("s"), one)
    watchers.unwatch(SessionId("s"), one)
    watchers.end(SessionId("s"), "expired")
    assert told == ["expired"]
    watchers.unwatch(SessionId("s"), one)


def test_of_streams_that_are_alike_only_the_one_that_left_is_let_go(watchers, told):
    one, other = Equal(told.append), Equal(told.append)
    watchers.watch(session(), other)
    watchers.watch(session(), one)
    watchers.watch(session(), other)
    watchers.unwatch(SessionId("s"), one)
    watchers.end(SessionId("s"), "expired")
    assert told == ["expired", "expired"]


def test_a_session_without_streams_is_not_kept(watchers, told):
    stream = Stream(told.append)
    watchers.watch(session(), stream)
    watchers.unwatch(SessionId("s"), stream)
    assert len(watchers) == 0
    assert not watchers.doubtful(10_000)
    assert watchers.session(SessionId("s")) is None


def test_a_stream_may_leave_while_it_is_told(watchers, told):
    def end(reason):
        told.append(reason)
        watchers.unwatch(SessionId("s"), stream)

    stream = Stream(end)
    watchers.watch(session(), stream)
    watchers.watch(session(), Stream(told.append))
    watchers.end(SessionId("s"), "expired")
    assert told == ["expired", "expired"]


def test_a_stream_that_fails_to_end_does_not_keep_the_others_open(watchers, told, capsys):
    watchers.watch(session(), Stream(lambda _: 1 / 0))
    watchers.watch(session(), Stream(told.append))
    watchers.end(SessionId("s"), "disabled")
    assert told == ["disabled"]


def test_a_session_just_watched_is_doubted_until_it_is_confirmed(watchers, told):
    watchers.watch(session(), Stream(told.append))
    assert set(watchers.doubtful(0)) == {"s"}
    watchers.confirm(SessionId("s"))
    assert not watchers.doubtful(0)
    watchers.watch(session(), Stream(told.append))
    assert set(watchers.doubtful(0)) == {"s"}


def test_a_session_is_doubted_from_its_expiry_on(watchers, told):
    for id, expires in (("a", 500), ("b", 1000), ("c", 1500)):
        watchers.watch(session(id, expires), Stream(told.append))
        watchers.confirm(SessionId(id))
    assert not watchers.doubtful(499)
    assert set(watchers.doubtful(500)) == {"a"}
    assert set(watchers.doubtful(1000)) == {"a", "b"}


def test_an_expiry_that_slid_on_is_not_doubted(watchers, told):
    watchers.watch(session(expires_at_ms=500), Stream(told.append))
    watchers.confirm(SessionId("s"))
    watchers.update(session(expires_at_ms=900))
    watchers.update(session("unknown"))
    assert not watchers.doubtful(899)
    assert set(watchers.doubtful(900)) == {"s"}
    assert watchers.session(SessionId("s")).expires_at_ms == 900


def test_watching_costs_little_memory(watchers):
    def end(reason):
        raise AssertionError

    sessions = [session(str(number)) for number in range(10_000)]
    stream = Stream(end)
    tracemalloc.start()
    for one in sessions:
        watchers.watch(one, stream)
    for one in sessions:
        watchers.confirm(one.id)
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(watchers) == 10_000
    assert used / 10_000 < 250
