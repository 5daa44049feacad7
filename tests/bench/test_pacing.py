"""The plan of an open load: fixed before it begins, and the same however often somebody looks."""

from hypothesis import given
from hypothesis import strategies as st

from hubbub.bench.loading import Marks
from hubbub.bench.orders import Progress
from hubbub.bench.pacing import NANOSECONDS, Pace

START_NS = 5_000 * NANOSECONDS


def pace(per_second=1000.0, seconds=2.0, index=0, of=1):
    return Pace(start_ns=START_NS, per_second=per_second, seconds=seconds, index=index, of=of)


def test_nothing_is_due_before_the_start():
    assert not pace().take(START_NS - 1)


def test_the_first_post_is_due_at_the_start():
    assert list(pace().take(START_NS)) == [0]


def test_posts_are_spread_evenly():
    plan = pace(per_second=4.0)
    assert [plan.due_ns(number) - START_NS for number in range(4)] == [
        0,
        NANOSECONDS // 4,
        NANOSECONDS // 2,
        NANOSECONDS * 3 // 4,
    ]


def test_whoever_comes_late_is_given_all_that_is_due_with_the_moments_it_was_due_at():
    plan = pace()
    plan.take(START_NS)
    late = plan.take(START_NS + NANOSECONDS)
    assert list(late) == list(range(1, 1001))
    assert plan.due_ns(late[0]) == START_NS + NANOSECONDS // 1000


def test_it_ends_with_the_last_post():
    plan = pace()
    assert len(plan.take(START_NS + 3600 * NANOSECONDS)) == 2000
    assert plan.is_over
    assert not plan.take(START_NS + 7200 * NANOSECONDS)


@given(st.integers(1, 7), st.floats(1, 20_000), st.floats(0.01, 2))
def test_the_processes_share_the_load_without_a_post_too_many_or_too_few(of, per_second, seconds):
    plans = [pace(per_second, seconds, index, of) for index in range(of)]
    dues = sorted(plan.due_ns(number) for plan in plans for number in range(plan.count))
    alone = pace(per_second, seconds)
    assert dues == [alone.due_ns(number) for number in range(alone.count)]


@given(st.lists(st.integers(0, 2 * NANOSECONDS), max_size=30))
def test_every_post_is_handed_out_once_and_in_order_and_none_before_it_is_due(looks):
    plan = pace(per_second=100.0)
    taken = []
    for look_ns in sorted(looks):
        for number in plan.take(START_NS + look_ns):
            assert plan.due_ns(number) <= START_NS + look_ns
            taken.append(number)
    assert taken == list(range(len(taken)))


def test_how_far_everything_was_is_looked_at_once_when_its_moment_has_come():
    sent = iter(range(10))
    marks = Marks((200, 100), lambda: Progress(sent=next(sent)))
    for now_ns in (99, 100, 150, 250, 300):
        marks.look(now_ns)
        assert marks.are_taken == (now_ns >= 200)
    assert [each.sent for each in marks.taken] == [0, 1]


def test_moments_that_passed_together_are_both_told():
    marks = Marks((100, 100), Progress)
    marks.look(100)
    assert len(marks.taken) == 2
