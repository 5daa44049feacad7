"""Lines over a scale as a picture: SVG that reads on light and on dark, and on a phone. Pure.

Each line is named where it ends, so nobody has to match colours with a legend. The colours can be told apart
by those who do not see red and green alike (after Okabe and Ito).
"""

import math
from collections.abc import Callable, Sequence
from html import escape
from itertools import pairwise
from typing import NamedTuple

WIDTH, HEIGHT = 640, 440
_LEFT, _TOP, _BOTTOM = 104, 52, 72
_FONT, _TITLE_FONT = 17, 18
_CHARACTER = 0.55
"""How wide one is on average, in sizes of its font."""
_APART = _FONT + 3
"""Between the names of two lines that end close to one another."""

_ON_LIGHT = ("#0072b2", "#d55e00", "#a8518a", "#555555", "#007a5a")
_ON_DARK = ("#56b4e9", "#f0a030", "#d99ac2", "#aaaaaa", "#2fc79a")


def _theme(text: str, paper: str, grid: str, colours: Sequence[str]) -> str:
    lines = "".join(
        f".c{number} polyline{{stroke:{colour}}}.c{number} circle,text.c{number}{{fill:{colour}}}"
        for number, colour in enumerate(colours)
    )
    return f"text{{fill:{text}}}.paper{{fill:{paper}}}.grid{{stroke:{grid}}}.axis{{stroke:{text}}}{lines}"


# Every colour stands by itself, for not every program that draws SVG knows variables.
_STYLE = (
    "text{font-family:system-ui,sans-serif}path,polyline{fill:none;stroke-width:1.5}"
    "polyline{stroke-width:3;stroke-linejoin:round}"
    + _theme("#222222", "#ffffff", "#dddddd", _ON_LIGHT)
    + "@media(prefers-color-scheme:dark){"
    + _theme("#dddddd", "#181818", "#3a3a3a", _ON_DARK)
    + "}"
)

Point = tuple[float, float]


class Line(NamedTuple):
    name: str
    points: Sequence[Point]


class Scale(NamedTuple):
    """What is along one side."""

    name: str
    unit: str = ""
    """Beside each mark."""
    doubling: bool = False
    """Each power of ten as long as the next, instead of each unit: for values that differ a hundredfold."""


def chart(title: str, lines: Sequence[Line], across: Scale, up: Scale) -> str | None:
    """The picture; None when there is no point."""
    points = [point for line in lines for point in line.points]
    if not points:
        return None
    named = [(number, line) for number, line in enumerate(lines) if line.points]
    right = WIDTH - 32 - max(len(line.name) for _, line in named) * _CHARACTER * _FONT
    x = _along(across, [x for x, _ in points], _LEFT, right)
    y = _along(up, [y for _, y in points], HEIGHT - _BOTTOM, _TOP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"'
        f' font-size="{_FONT}">',
        f"<title>{escape(title)}</title><style>{_STYLE}</style>",
        f'<rect class="paper" width="{WIDTH}" height="{HEIGHT}"/>',
        _title(title),
        *_grid(x, y, right, across, up),
        *(part for number, line in named for part in _drawn(number, line, x, y)),
        *_names(named, y, right),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


# -- scales -----------------------------------------------------------------


class _Along(NamedTuple):
    at: Callable[[float], float]
    marks: list[float]


def _along(scale: Scale, values: Sequence[float], begin: float, end: float) -> _Along:
    return (_powers if scale.doubling else _evenly)(values, begin, end)


def _evenly(values: Sequence[float], begin: float, end: float) -> _Along:
    most = _round_up(max(values))
    return _Along(lambda value: begin + value / most * (end - begin), [most * part / 4 for part in range(5)])


def _powers(values: Sequence[float], begin: float, end: float) -> _Along:
    least = min((value for value in values if value > 0), default=1.0)
    low = math.floor(math.log10(least))
    high = max(low + 1, math.ceil(math.log10(max(*values, least))))

    def at(value: float) -> float:
        share = (math.log10(max(value, 10.0**low)) - low) / (high - low)
        return begin + share * (end - begin)

    return _Along(at, [10.0**power for power in range(low, high + 1)])


def _round_up(value: float) -> float:
    """The next number that is easy to read, in quarters too: 1, 2, 4, 6, 8 or 10 times a power of ten."""
    power: float = 10.0 ** math.floor(math.log10(max(value, 1e-9)))
    return next(step * power for step in (1, 2, 4, 6, 8, 10) if step * power >= value * 0.999)


def _short(value: float, unit: str) -> str:
    """A number as short as it can be read: 1.5 M, 20 k, 0.1 ms, 2 s."""
    if unit == " ms" and value >= 1000:
        return f"{value / 1000:g} s"
    for size, letter in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if value >= size * 0.9999:
            return f"{value / size:g}{letter}{unit}"
    return f"{value:g}{unit}"


# -- what is drawn ----------------------------------------------------------


def _title(text: str) -> str:
    size = min(_TITLE_FONT, (WIDTH - 40) / (len(text) * _CHARACTER))
    return f'<text x="20" y="32" font-size="{size:.1f}" font-weight="600">{escape(text)}</text>'


def _grid(x: _Along, y: _Along, right: float, across: Scale, up: Scale) -> list[str]:
    bottom = HEIGHT - _BOTTOM
    parts = []
    for value in y.marks:
        parts.append(f'<path class="grid" d="M{_LEFT} {y.at(value):.1f}H{right:.1f}"/>')
        parts.append(_text(_LEFT - 10, y.at(value) + 6, _short(value, up.unit), anchor="end"))
    parts += [
        _text(x.at(value), bottom + 26, _short(value, across.unit), anchor="middle") for value in x.marks
    ]
    parts.append(f'<path class="axis" d="M{_LEFT} {bottom}H{right:.1f}"/>')
    parts.append(_text((_LEFT + right) / 2, HEIGHT - 14, across.name, anchor="middle"))
    parts.append(_text(WIDTH - 20, HEIGHT - 14, up.name, anchor="end") if up.name else "")
    return [part for part in parts if part]


def _drawn(number: int, line: Line, x: _Along, y: _Along) -> list[str]:
    places = [(x.at(across), y.at(up)) for across, up in sorted(line.points)]
    way = " ".join(f"{across:.1f},{up:.1f}" for across, up in places)
    dots = "".join(f'<circle cx="{across:.1f}" cy="{up:.1f}" r="5"/>' for across, up in places)
    return [f'<g class="c{number % len(_ON_LIGHT)}"><polyline points="{way}"/>{dots}</g>']


def _names(named: Sequence[tuple[int, Line]], y: _Along, right: float) -> list[str]:
    """Each at the height where its line ends, those that would meet moved apart."""
    # Of two that end at one place, the later is the higher: percentiles are told from below.
    ends = sorted((y.at(max(line.points)[1]), -number, line.name) for number, line in named)
    heights = [height for height, _, _ in ends]
    for before, after in pairwise(range(len(heights))):
        heights[after] = max(heights[after], heights[before] + _APART)
    over = max(0.0, heights[-1] - (HEIGHT - _BOTTOM))
    return [
        f'<text class="c{-number % len(_ON_LIGHT)}" x="{right + 12:.1f}" y="{height - over + 6:.1f}">'
        f"{escape(name)}</text>"
        for height, (_, number, name) in zip(heights, ends, strict=True)
    ]


def _text(x: float, y: float, text: str, *, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
