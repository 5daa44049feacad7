"""What was measured of one load, as numbers for a table and for JSON."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from hubbub.bench.histogram import Histogram, merged
from hubbub.bench.orders import Loaded, Taken

PERCENTS = (50.0, 90.0, 99.0, 99.9, 100.0)

BUSY = 0.9
"""A process of clients that used more of a core than this may have been what was measured."""


class Latency(msgspec.Struct, frozen=True):
    """Milliseconds; `null` when there was nothing to measure."""

    count: int
    p50: float | None
    p90: float | None
    p99: float | None
    p999: float | None
    longest: float | None


def latency(histogram: Histogram) -> Latency:
    values = [histogram.at(percent) for percent in PERCENTS]
    return Latency(histogram.total, *(None if value is None else value / 1000 for value in values))


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    offered_per_second: float
    seconds: float
    posts_per_second: float
    acknowledged_per_second: float
    """What the server has taken, and stored."""
    shed_per_second: float
    """What it has turned away for want of time."""
    deliveries_per_second: float
    """Like the other rates: what happened within the measured time, whenever it had been due."""
    delivery_ms: Latency
    acknowledgement_ms: Latency
    """Of what was taken."""
    shed_ms: Latency
    """From when a post was due until it was turned away."""
    lateness_ms: Latency
    """From when a post was due until the generator sent it."""
    settled_seconds: float
    """From the end of the load until everything had arrived."""
    server_cpu: float | None
    """Cores: CPU seconds a second of the measured load, of all the server's threads."""
    server_cpu_of: dict[str, float]
    """The same of each of the processes it consists of."""
    counted_per_second: dict[str, float]
    """What a cluster has counted in the measured time, over all nodes: messages on the bus, commits, bytes
    of the database's journal."""
    server_rss_before_bytes: int | None
    server_rss_most_bytes: int | None
    """Seen while the load lasted and until everything had arrived."""
    server_rss_bytes: int | None
    """At the end of that."""
    health_ms: Latency
    """How long the server took, while the load lasted, to say that it lives; only where it was asked."""
    generator_cpu: list[float]
    """The same of each process of clients."""
    return_ms: Latency
    """From when a reader went until it was subscribed again."""
    page_ms: Latency
    """From when a page was to be read back until it was there."""
    pages_failed: int
    parsed: int
    """Events the generator took apart; for all other deliveries it had seen the same bytes before."""

    @property
    def generator_is_busy(self) -> bool:
        """Whether the generator, and not the server, may be what was measured."""
        return max(self.generator_cpu) > BUSY or sum(self.generator_cpu) > BUSY * len(self.generator_cpu)

    def as_dict(self) -> dict[str, Any]:
        whole: dict[str, Any] = msgspec.to_builtins(self)
        return whole


def figures(
    name: str,
    offered_per_second: float,
    seconds: float,
    *,
    loaded: Sequence[Loaded],
    taken: Sequence[Taken],
    settled_seconds: float,
    server_cpu_of: Mapping[str, float],
    counted_per_second: Mapping[str, float],
    server_rss_before_bytes: int | None,
    server_rss_most_bytes: int | None,
    server_rss_bytes: int | None,
    health: Histogram,
) -> Figures:
    """`seconds` is what was measured of the load."""
    return Figures(
        name=name,
        offered_per_second=offered_per_second,
        seconds=seconds,
        posts_per_second=sum(each.sent for each in loaded) / seconds,
        acknowledged_per_second=sum(each.acknowledged for each in loaded) / seconds,
        shed_per_second=sum(each.shed for each in loaded) / seconds,
        deliveries_per_second=sum(each.delivered for each in loaded) / seconds,
        delivery_ms=latency(merged([each.deliveries for each in taken])),
        acknowledgement_ms=latency(merged([each.acknowledgements for each in taken])),
        shed_ms=latency(merged([each.sheds for each in taken])),
        lateness_ms=latency(merged([each.lateness for each in taken])),
        settled_seconds=settled_seconds,
        server_cpu=sum(server_cpu_of.values()) if server_cpu_of else None,
        server_cpu_of=dict(server_cpu_of),
        counted_per_second=dict(counted_per_second),
        server_rss_before_bytes=server_rss_before_bytes,
        server_rss_most_bytes=server_rss_most_bytes,
        server_rss_bytes=server_rss_bytes,
        health_ms=latency(health),
        generator_cpu=[each.cpu_seconds / seconds for each in loaded],
        return_ms=latency(merged([each.returns for each in taken])),
        page_ms=latency(merged([each.pages for each in taken])),
        pages_failed=sum(each.pages_failed for each in taken),
        parsed=sum(each.parsed for each in taken),
    )
