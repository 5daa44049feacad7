"""Figures over sizes: what was found, as pictures and as tables. Pure."""

from collections.abc import Iterator, Sequence

import msgspec

from hubbub.bench.chart import Line, Scale, chart


class Curve(msgspec.Struct, frozen=True, kw_only=True):
    """One figure, and its value at each size."""

    name: str
    points: list[tuple[float, float | None]]
    drawn: bool = True
    """Else it is in the table only."""


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """Curves that have a scale in common."""

    name: str
    title: str
    unit: str
    doubling: bool = True
    curves: list[Curve]


class Grown(msgspec.Struct, frozen=True, kw_only=True):
    """What was found along one dimension."""

    name: str
    along: str
    pictures: list[Picture]
    commands: list[str] = []


def draw(picture: Picture, along: str) -> str | None:
    lines = [
        Line(curve.name, [(size, value) for size, value in curve.points if value is not None])
        for curve in picture.curves
        if curve.drawn
    ]
    return chart(
        picture.title, lines, Scale(along, doubling=True), Scale("", picture.unit, doubling=picture.doubling)
    )


def table(grown: Grown) -> str:
    curves = [
        (f"{picture.title.partition(':')[0]}, {curve.name}{picture.unit and f',{picture.unit}'}", curve)
        for picture in grown.pictures
        for curve in picture.curves
    ]
    sizes = sorted({size for _, curve in curves for size, _ in curve.points})
    lines = [
        f"| | {' | '.join(f'{size:,} {grown.along}' for size in sizes)} |",
        f"| --- |{' ---: |' * len(sizes)}",
        *(f"| {name} | {' | '.join(_cells(curve, sizes))} |" for name, curve in curves),
    ]
    commands = "\n".join(grown.commands)
    return "\n".join(lines) + (f"\n\n```text\n{commands}\n```" if commands else "") + "\n"


def _cells(curve: Curve, sizes: Sequence[float]) -> Iterator[str]:
    values = dict(curve.points)
    for size in sizes:
        value = values.get(size)
        yield "–" if value is None else f"{value:,.0f}" if value >= 100 else f"{value:.2f}"
