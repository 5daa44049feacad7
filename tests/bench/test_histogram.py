"""Durations in buckets: never too low, at most 0.8 % too high."""

from hypothesis import given
from hypothesis import strategies as st

from hubbub.bench.histogram import SIZE, Histogram, bucket, highest, merged

durations = st.integers(0, 3_000_000_000)


@given(durations)
def test_a_bucket_ends_close_above_what_it_counts(microseconds):
    assert microseconds <= highest(bucket(microseconds)) <= microseconds * 1.008


@given(durations)
def test_a_longer_duration_is_in_no_lower_bucket(microseconds):
    assert bucket(microseconds) <= bucket(microseconds + 1) <= bucket(microseconds) + 1


def test_every_bucket_is_the_one_of_its_own_end():
    assert [bucket(highest(index)) for index in range(SIZE)] == list(range(SIZE))


def test_what_takes_too_long_is_counted_in_the_last_bucket():
    assert bucket(1 << 60) == SIZE - 1


def test_no_time_at_all_is_the_least_there_is():
    assert bucket(-5) == 0


def test_an_empty_histogram_has_no_percentiles():
    assert Histogram().at(50) is None


@given(st.lists(durations, min_size=1, max_size=50), st.sampled_from([1, 25, 50, 90, 99, 99.9, 100]))
def test_a_percentile_is_the_duration_that_so_many_stayed_within(values, percent):
    histogram = Histogram()
    for value in values:
        histogram.add(value)
    exact = sorted(values)[max(1, -(-len(values) * percent // 100)).__int__() - 1]
    assert histogram.at(percent) == highest(bucket(exact))


@given(st.lists(st.lists(durations, max_size=20), max_size=4))
def test_histograms_of_several_processes_add_up_to_that_of_one(parts):
    one = Histogram()
    each = [Histogram() for _ in parts]
    for part, histogram in zip(parts, each, strict=True):
        for value in part:
            histogram.add(value)
            one.add(value)
    whole = merged(each)
    assert (whole.counts, whole.total) == (one.counts, one.total)


def test_a_duration_can_be_added_for_many_readers_at_once():
    histogram = Histogram()
    histogram.add(1000, 99)
    histogram.add(9000)
    assert histogram.total == 100
    assert histogram.at(99) == highest(bucket(1000))
    assert histogram.at(100) == highest(bucket(9000))
    assert list(histogram.rows()) == [(highest(bucket(1000)), 99), (highest(bucket(9000)), 1)]
