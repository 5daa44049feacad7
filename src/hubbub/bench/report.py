"""A run's outcome as a table for people and as JSON for programs."""

from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from hubbub.bench.asked import Asked
from hubbub.bench.figures import BUSY, Figures, Latency
from hubbub.bench.kept import Kept
from hubbub.bench.outcome import Outcome
from hubbub.bench.verdict import Verdict

BROKEN = (
    "missing",
    "misplaced",
    "stored_twice",
    "refused_and_told",
    "twice",
    "out_of_order",
    "foreign",
    "contradicting",
    "gaps",
)


def as_json(asked: Asked, outcome: Outcome, described: dict[str, Any]) -> bytes:
    whole = {
        **described,
        "server": outcome.server,
        "server_says": outcome.server_says,
        "cluster": outcome.cluster,
        "asked": msgspec.to_builtins(asked),
        "loads": [each.as_dict() for each in outcome.loads],
        "facts": outcome.facts,
        "verdict": outcome.verdict.as_dict(),
        "invariants": {
            each.invariant: {"promise": each.promise, **msgspec.to_builtins(each)} for each in outcome.kept
        },
    }
    return msgspec.json.format(msgspec.json.encode(whole), indent=1) + b"\n"


def title(asked: Asked) -> str:
    """What was played, as a line."""
    rooms = "one room" if asked.rooms == 1 else f"{asked.rooms:,} rooms"
    return (
        f"{asked.scenario}: {asked.clients:,} clients, {rooms}, {asked.transport}, "
        f"{asked.payload_bytes} bytes a text"
    )


SIDE_BY_SIDE = 4
"""Loads in one table: so many fit a terminal of 80 columns."""


def show(console: Console, asked: Asked, outcome: Outcome) -> None:
    parts: list[Table | Text] = [Text(title(asked), style="bold")]
    if outcome.server:
        parts.append(Text(outcome.server, style="dim"))
    if outcome.server_says:
        parts.append(Text(_said(outcome.server_says), style="dim"))
    parts += [
        _loads(outcome.loads[at : at + SIDE_BY_SIDE]) for at in range(0, len(outcome.loads), SIDE_BY_SIDE)
    ]
    if outcome.facts:
        parts.append(_facts(outcome.facts))
    parts.append(_judgement(outcome.verdict))
    parts += [Text(str(each), style=_style(each)) for each in outcome.kept]
    parts += [_warning(each) for each in outcome.loads if each.generator_is_busy]
    console.print(Group(*parts))


def _said(said: dict[str, Any]) -> str:
    names = ("version", "store", "store_version", "durability")
    return "hubbub " + ", ".join(str(said[name]) for name in names if name in said)


_Row = tuple[str, Callable[[Figures], str]]


def _loads(loads: list[Figures]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("", no_wrap=True)
    for load in loads:
        table.add_column(load.name, justify="right", no_wrap=True)
    for name, tell in (*_ROWS, *_rows_of_a_cluster(loads)):
        told = [tell(load) for load in loads]
        if set(told) != {"–"}:
            table.add_row(name, *told)
    return table


def _rows_of_a_cluster(loads: list[Figures]) -> list[_Row]:
    """What each of its parts has used, and what they have counted."""
    parts = dict.fromkeys(name for load in loads for name in load.server_cpu_of)
    counted = dict.fromkeys(name for load in loads for name in load.counted_per_second)
    return [
        *((f"CPU of {name}, cores", partial(_part, name)) for name in parts if len(parts) > 1),
        *((f"{name.replace('_', ' ')}/s", partial(_count, name)) for name in counted),
    ]


def _part(name: str, load: Figures) -> str:
    value = load.server_cpu_of.get(name)
    return "–" if value is None else f"{value:.2f}"


def _count(name: str, load: Figures) -> str:
    value = load.counted_per_second.get(name)
    return "–" if value is None else f"{value:,.1f}"


def _ms(value: float | None) -> str:
    return "–" if value is None else f"{value:,.1f}"


def _mib(value: int | None) -> str:
    return "–" if value is None else f"{value / (1 << 20):.1f}"


def _rate(value: float) -> str:
    """Nothing is a dash: a table has only the rows that have something."""
    return f"{value:,.0f}" if value else "–"


def _latencies(name: str, read: Callable[[Figures], Latency]) -> list[_Row]:
    return [
        (f"{name} p50, ms", lambda each: _ms(read(each).p50)),
        (f"{name} p90, ms", lambda each: _ms(read(each).p90)),
        (f"{name} p99, ms", lambda each: _ms(read(each).p99)),
        (f"{name} p99.9, ms", lambda each: _ms(read(each).p999)),
        (f"{name} longest, ms", lambda each: _ms(read(each).longest)),
    ]


_ROWS: tuple[_Row, ...] = (
    ("posts/s", lambda each: f"{each.posts_per_second:,.0f}"),
    ("acknowledged/s", lambda each: f"{each.acknowledged_per_second:,.0f}"),
    ("shed/s", lambda each: _rate(each.shed_per_second)),
    ("deliveries/s", lambda each: _rate(each.deliveries_per_second)),
    *_latencies("delivery", lambda each: each.delivery_ms),
    *_latencies("acknowledged", lambda each: each.acknowledgement_ms),
    ("shed p99, ms", lambda each: _ms(each.shed_ms.p99)),
    ("health p50, ms", lambda each: _ms(each.health_ms.p50)),
    ("health p99, ms", lambda each: _ms(each.health_ms.p99)),
    ("health longest, ms", lambda each: _ms(each.health_ms.longest)),
    ("back again p99, ms", lambda each: _ms(each.return_ms.p99)),
    ("page read p99, ms", lambda each: _ms(each.page_ms.p99)),
    ("sent late p50, ms", lambda each: _ms(each.lateness_ms.p50)),
    ("sent late p99, ms", lambda each: _ms(each.lateness_ms.p99)),
    ("all arrived after, s", lambda each: f"{each.settled_seconds:.2f}"),
    ("server CPU, cores", lambda each: "–" if each.server_cpu is None else f"{each.server_cpu:.2f}"),
    ("server memory before, MiB", lambda each: _mib(each.server_rss_before_bytes)),
    ("server memory at most, MiB", lambda each: _mib(each.server_rss_most_bytes)),
    ("server memory after, MiB", lambda each: _mib(each.server_rss_bytes)),
    ("generator CPU, cores", lambda each: " + ".join(f"{cpu:.2f}" for cpu in each.generator_cpu)),
)


def _facts(facts: dict[str, Any]) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for name, value in facts.items():
        if not isinstance(value, (dict, list)):
            table.add_row(name.replace("_", " "), f"{value:,.2f}" if isinstance(value, float) else f"{value}")
    return table


def _judgement(verdict: Verdict) -> Text:
    counts = (
        f"{verdict.posted:,} posted, {verdict.acknowledged:,} acknowledged, "
        f"{verdict.expected_deliveries:,} deliveries to be made: "
    )
    broken = [f"{getattr(verdict, name):,} {name.replace('_', ' ')}" for name in BROKEN]
    if verdict.broken:
        return Text.assemble(counts, (", ".join(each for each in broken if each[0] != "0"), "bold red"))
    rest = []
    if verdict.shed:
        rest.append(f"{verdict.shed:,} posts were shed")
    if verdict.unanswered:
        rest.append(f"{verdict.unanswered:,} posts were not answered")
    rest += [f"{count:,} posts were refused: {problem}" for problem, count in verdict.refused.items()]
    if verdict.lost_connections:
        rest.append(f"{verdict.lost_connections:,} connections were lost")
    ending = "; ".join(["each once, in order, none missing, none unknown", *rest])
    return Text.assemble(counts, (ending, "green" if not rest else "yellow"))


def _style(kept: Kept) -> str:
    if kept.broken:
        return "bold red"
    return "green" if kept.checked else "yellow"


def _warning(load: Figures) -> Text:
    return Text(
        f"{load.name}: a process of clients used more than {BUSY:.0%} of its core. It may be what was"
        " measured: give it more cores or processes, or ask for less.",
        style="bold yellow",
    )
