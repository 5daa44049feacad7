"""Loads as they would have been measured."""

from hubbub.bench.figures import figures
from hubbub.bench.histogram import Histogram
from hubbub.bench.orders import Loaded, Taken


def load(per_second, *milliseconds, readers=100, cpu_seconds=0.5, shed=0, server_cpu_of=None, counted=None):
    """The figures of a second in which these latencies were measured, each by so many readers."""
    deliveries, none = Histogram(), Histogram()
    for each in milliseconds:
        deliveries.add(each * 1000, readers)
    taken = Taken(
        deliveries=deliveries,
        acknowledgements=none,
        sheds=none,
        lateness=none,
        returns=none,
        pages=none,
        pages_failed=0,
        parsed=0,
    )
    loaded = Loaded(
        sent=per_second + shed,
        acknowledged=per_second,
        shed=shed,
        delivered=per_second * readers,
        cpu_seconds=cpu_seconds,
        limit=None,
    )
    return figures(
        f"{per_second}",
        per_second,
        1.0,
        loaded=[loaded],
        taken=[taken],
        settled_seconds=0.0,
        server_cpu_of=server_cpu_of or {},
        counted_per_second=counted or {},
        server_rss_before_bytes=None,
        server_rss_most_bytes=None,
        server_rss_bytes=None,
        health=none,
    )
