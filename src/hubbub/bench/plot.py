"""Latency over load, drawn from the figures of one run's loads. Pure."""

from collections.abc import Callable, Sequence

from hubbub.bench.chart import Line, Scale, chart
from hubbub.bench.figures import Figures, Latency

_LINES: tuple[tuple[str, Callable[[Latency], float | None]], ...] = (
    ("p50", lambda latency: latency.p50),
    ("p99", lambda latency: latency.p99),
    ("p99.9", lambda latency: latency.p999),
    ("longest", lambda latency: latency.longest),
)


def latency_over_load(title: str, loads: Sequence[Figures]) -> str | None:
    """The picture; None when nothing was measured."""
    delivered = any(each.delivery_ms.count for each in loads)
    points = [_point(each, delivered) for each in loads]
    lines = [
        Line(name, [(rate, value) for rate, latency in points if (value := read(latency)) is not None])
        for name, read in _LINES
    ]
    what = "deliveries/s" if delivered else "acknowledged posts/s"
    return chart(title, lines, Scale(what), Scale("", " ms", doubling=True))


def _point(load: Figures, delivered: bool) -> tuple[float, Latency]:
    if delivered:
        return load.deliveries_per_second, load.delivery_ms
    return load.acknowledged_per_second, load.acknowledgement_ms
