"""What is read from a node's metrics."""

import pytest

from hubbub.cluster.figures import figures, read

METRICS = """\
# HELP hubbub_connections Live streams that are open.
# TYPE hubbub_connections gauge
hubbub_connections{{transport="sse"}} 2.0
hubbub_connections{{transport="websocket"}} 5.0
# TYPE hubbub_posts counter
hubbub_posts_total {posts}
# TYPE hubbub_deliveries counter
hubbub_deliveries_total {deliveries}
# TYPE hubbub_behind_readers gauge
hubbub_behind_readers 3.0
# TYPE hubbub_database_up gauge
hubbub_database_up {database}
# TYPE hubbub_bus_up gauge
hubbub_bus_up {bus}
# TYPE hubbub_repairs counter
hubbub_repairs_total 4.0
# TYPE process_start_time_seconds gauge
process_start_time_seconds {started}
# TYPE hubbub_loop_lag_seconds histogram
hubbub_loop_lag_seconds_bucket{{le="0.001"}} {quick}
hubbub_loop_lag_seconds_bucket{{le="0.05"}} {middling}
hubbub_loop_lag_seconds_bucket{{le="+Inf"}} {all}
hubbub_loop_lag_seconds_count {all}
hubbub_loop_lag_seconds_sum 1.0
"""


def told(at_seconds, **changed):
    told = {"posts": 100, "deliveries": 1000, "database": 1, "bus": 1, "started": 7}
    lags = {"quick": 10, "middling": 10, "all": 10}
    return read(METRICS.format(**{**told, **lags, **changed}), at_seconds)


def test_rates_are_of_the_time_between_two_readings():
    shown = figures(told(12.0, posts=130, deliveries=1500), told(10.0))

    assert shown.posts_per_second == 15
    assert shown.deliveries_per_second == 250


def test_of_one_reading_there_are_no_rates():
    shown = figures(told(12.0), None)

    assert (shown.posts_per_second, shown.deliveries_per_second, shown.lag_ms) == (None, None, None)
    assert shown.connections == {"sse": 2, "websocket": 5}
    assert (shown.behind, shown.repairs) == (3, 4)


def test_a_node_that_was_started_anew_has_no_rates_yet():
    shown = figures(told(12.0, posts=500, started=11), told(10.0))

    assert shown.posts_per_second is None


def test_the_loop_is_as_late_as_its_latest_turn_since_the_reading_before():
    before = told(10.0, quick=5, middling=9, all=9)

    assert figures(told(11.0, quick=8, middling=12, all=12), before).lag_ms == 1
    assert figures(told(11.0, quick=7, middling=12, all=12), before).lag_ms == 50
    assert figures(told(11.0, quick=8, middling=12, all=13), before).lag_ms is None
    assert figures(before, before).lag_ms is None


@pytest.mark.parametrize("up", [True, False])
def test_what_is_away_is_said(up):
    shown = figures(told(1.0, database=int(up), bus=int(up)), None)

    assert (shown.database_up, shown.bus_up) == (up, up)


def test_a_node_without_a_bus_says_nothing_of_one():
    assert figures(read("hubbub_posts_total 1.0\n", 1.0), None).bus_up is None


def test_what_are_no_metrics_is_refused():
    with pytest.raises(ValueError):
        read("<html>not here</html>", 1.0)
