"""Latency over load as a picture: SVG, drawn from the figures of one run's loads. Pure."""

import math
from collections.abc import Callable, Sequence
from html import escape
from typing import NamedTuple

from hubbub.bench.figures import Figures, Latency

WIDTH, HEIGHT = 720, 400
_LEFT, _RIGHT, _TOP, _BOTTOM = 80, 110, 44, 52


class _Line(NamedTuple):
    name: str
    colour: str
    read: Callable[[Latency], float | None]


# Colours that can be told apart by those who do not see red and green alike (Okabe and Ito).
_LINES = (
    _Line("p50", "#0072b2", lambda latency: latency.p50),
    _Line("p99", "#e69f00", lambda latency: latency.p99),
    _Line("p99.9", "#cc79a7", lambda latency: latency.p999),
    _Line("longest", "#555555", lambda latency: latency.longest),
)


def latency_over_load(title: str, loads: Sequence[Figures]) -> str | None:
    """The picture; None when nothing was measured."""
    delivered = any(each.delivery_ms.count for each in loads)
    points = [_point(each, delivered) for each in loads]
    points = sorted(((rate, latency) for rate, latency in points if latency.count), key=lambda at: at[0])
    values = [value for _, latency in points for line in _LINES if (value := line.read(latency)) is not None]
    if not values:
        return None
    across = _Across(0.0, _round_up(max(rate for rate, _ in points)))
    up = _Up(min(values), max(values))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"'
        f' font-family="system-ui, sans-serif" font-size="12" fill="#333">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        _text(_LEFT, 24, title, size=14),
        *_grid(across, up, "deliveries/s" if delivered else "acknowledged posts/s"),
        *(part for line in _LINES for part in _drawn(line, points, across, up)),
        *_legend(),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _point(load: Figures, delivered: bool) -> tuple[float, Latency]:
    if delivered:
        return load.deliveries_per_second, load.delivery_ms
    return load.acknowledged_per_second, load.acknowledgement_ms


# -- scales -----------------------------------------------------------------


class _Across:
    """Loads, evenly from the left to the right."""

    def __init__(self, least: float, most: float) -> None:
        self._least, self._most = least, most

    def at(self, value: float) -> float:
        share = (value - self._least) / (self._most - self._least)
        return _LEFT + share * (WIDTH - _LEFT - _RIGHT)

    def marks(self) -> list[float]:
        return [self._most * part / 4 for part in range(5)]


class _Up:
    """Milliseconds, each power of ten as high as the next: a stall is a thousand times what is usual."""

    def __init__(self, least: float, most: float) -> None:
        self._low = math.floor(math.log10(max(least, 0.001)))
        self._high = max(self._low + 1, math.ceil(math.log10(max(most, 0.001))))

    def at(self, value: float) -> float:
        share = (math.log10(max(value, 0.001)) - self._low) / (self._high - self._low)
        return HEIGHT - _BOTTOM - share * (HEIGHT - _TOP - _BOTTOM)

    def marks(self) -> list[float]:
        return [10.0**power for power in range(self._low, self._high + 1)]


def _round_up(value: float) -> float:
    """The next number that is easy to read: 1, 2, 2.5, 4, 5 or 10 times a power of ten."""
    power: float = 10.0 ** math.floor(math.log10(max(value, 1.0)))
    return next(step * power for step in (1, 2, 2.5, 4, 5, 8, 10) if step * power >= value)


# -- what is drawn ----------------------------------------------------------


def _grid(across: _Across, up: _Up, what: str) -> list[str]:
    right, bottom = WIDTH - _RIGHT, HEIGHT - _BOTTOM
    parts = []
    for value in up.marks():
        y = up.at(value)
        parts.append(f'<path d="M{_LEFT} {y:.1f}H{right}" stroke="#ddd"/>')
        parts.append(_text(_LEFT - 8, y + 4, f"{value:,g} ms", anchor="end"))
    parts += [
        _text(across.at(value), bottom + 20, f"{value:,.0f}", anchor="middle") for value in across.marks()
    ]
    parts.append(f'<path d="M{_LEFT} {bottom}H{right}" stroke="#333"/>')
    parts.append(_text((_LEFT + right) / 2, HEIGHT - 10, what, anchor="middle"))
    return parts


def _drawn(line: _Line, points: Sequence[tuple[float, Latency]], across: _Across, up: _Up) -> list[str]:
    places = [
        (across.at(rate), up.at(value))
        for rate, latency in points
        if (value := line.read(latency)) is not None
    ]
    way = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    return [
        f'<polyline points="{way}" fill="none" stroke="{line.colour}" stroke-width="2"/>',
        *(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{line.colour}"/>' for x, y in places),
    ]


def _legend() -> list[str]:
    x = WIDTH - _RIGHT + 16
    parts = []
    for number, line in enumerate(reversed(_LINES)):
        y = _TOP + 16 + number * 20
        parts.append(f'<path d="M{x} {y}h18" stroke="{line.colour}" stroke-width="2"/>')
        parts.append(_text(x + 24, y + 4, line.name))
    return parts


def _text(x: float, y: float, text: str, *, anchor: str = "start", size: int = 12) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}">{escape(text)}</text>'
