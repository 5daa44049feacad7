"""What a node's metrics say, and what of it is worth showing. Pure."""

from collections.abc import Mapping

import msgspec
from prometheus_client.parser import text_string_to_metric_families

_LAG = "hubbub_loop_lag_seconds_bucket"


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """All that a node told at one moment."""

    at_seconds: float
    """By a clock that only goes forward."""
    values: Mapping[str, float]
    """What has no labels."""
    connections: Mapping[str, int]
    """Live streams by transport."""
    lags: Mapping[float, float]
    """How often the event loop was late by at most so many seconds, since the node's start."""


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What is shown of a node; None for what is not known."""

    connections: Mapping[str, int]
    posts_per_second: float | None
    deliveries_per_second: float | None
    behind: int
    lag_ms: float | None
    """No turn of the event loop came later than this since the reading before."""
    repairs: int
    """Times the database told what no message of the bus had told in time."""
    database_up: bool
    bus_up: bool | None
    """None for a node without a bus."""


def read(text: str, at_seconds: float) -> Reading:
    """Of a page of metrics. Raises ValueError for what is none."""
    values: dict[str, float] = {}
    connections: dict[str, int] = {}
    lags: dict[float, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == "hubbub_connections":
                connections[sample.labels["transport"]] = int(sample.value)
            elif sample.name == _LAG:
                lags[float(sample.labels["le"])] = sample.value
            elif not sample.labels:
                values[sample.name] = sample.value
    return Reading(at_seconds=at_seconds, values=values, connections=connections, lags=lags)


def figures(now: Reading, before: Reading | None) -> Figures:
    """Rates between two readings; none for a node that was started anew between them."""
    if before is not None and _restarted(now, before):
        before = None
    bus_up = now.values.get("hubbub_bus_up")
    return Figures(
        connections=now.connections,
        posts_per_second=_rate("hubbub_posts_total", now, before),
        deliveries_per_second=_rate("hubbub_deliveries_total", now, before),
        behind=int(now.values.get("hubbub_behind_readers", 0)),
        lag_ms=_lag_ms(now, before),
        repairs=int(now.values.get("hubbub_repairs_total", 0)),
        database_up=bool(now.values.get("hubbub_database_up", 1)),
        bus_up=None if bus_up is None else bool(bus_up),
    )


def _restarted(now: Reading, before: Reading) -> bool:
    started = "process_start_time_seconds"
    return now.values.get(started) != before.values.get(started)


def _rate(name: str, now: Reading, before: Reading | None) -> float | None:
    if before is None or now.at_seconds <= before.at_seconds:
        return None
    grown = now.values.get(name, 0.0) - before.values.get(name, 0.0)
    return max(0.0, grown) / (now.at_seconds - before.at_seconds)


def _lag_ms(now: Reading, before: Reading | None) -> float | None:
    """The lowest bound that nothing since the reading before has passed; None when nothing happened, or it
    was later than there are bounds."""
    if before is None:
        return None
    late = {bound: count - before.lags.get(bound, 0.0) for bound, count in now.lags.items()}
    total = late.get(float("inf"), 0.0)
    within = [bound for bound, count in late.items() if count >= total and bound != float("inf")]
    return min(within) * 1000 if total and within else None
