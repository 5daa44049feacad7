"""What a post, a delivery and a message on the bus cost, by the recorded figures of a cluster; and what that
foretells of runs it was not taken from.

    python benchmarks/capacity.py benchmarks/results/2026-11-25

Costs are CPU time, found by least squares over the loads of `cluster.py` that were not too much for the
machine: a core's time is the same however many processes wait for it, which latencies and rates are not.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from hubbub.bench.chart import Line, Scale, chart

FITTED = ("posts-1", "posts-3", "fanout-1", "fanout-3", "relay")
FORETOLD = ("posts-2", "fanout-2", "storm")
KEPT_UP = 0.97
"""A load counts of whose posts so many were acknowledged in time."""

NODE_TERMS = ("posts", "commits", "deliveries", "messages_heard")
DATABASE_TERMS = ("posts", "commits")
BUS_TERMS = ("messages_sent", "messages_heard")

Costs = dict[str, float]
"""CPU microseconds of each."""


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """What was done a second, and what it took, in cores."""

    row: str
    did: dict[str, float]
    nodes: float
    database: float
    bus: float
    wal_bytes: float


def loads(directory: Path, rows: Sequence[str]) -> list[Load]:
    found = []
    for row in rows:
        told = json.loads((directory / f"cluster-{row}.json").read_bytes())["told"]
        found += [
            _load(row, each)
            for each in told["loads"]
            if each["acknowledged_per_second"] >= KEPT_UP * each["offered_per_second"]
            and each["counted_per_second"]
        ]
    return found


def _load(row: str, told: Mapping[str, Any]) -> Load:
    cpu, counted = dict(told["server_cpu_of"]), told["counted_per_second"]
    database, bus = cpu.pop("PostgreSQL"), cpu.pop("NATS")
    return Load(
        row=row,
        did={
            "posts": told["acknowledged_per_second"],
            "commits": counted["commits"],
            "deliveries": told["deliveries_per_second"],
            "messages_sent": counted["bus_messages_sent"],
            "messages_heard": counted["bus_messages_heard"],
        },
        nodes=sum(cpu.values()),
        database=database,
        bus=bus,
        wal_bytes=counted["wal_bytes"],
    )


# -- least squares ----------------------------------------------------------


def fit(rows: Sequence[tuple[Sequence[float], float]], names: Sequence[str]) -> Costs:
    """What each costs, none of them less than nothing; every load counts by its share and not by its size."""
    used = list(range(len(names)))
    while used:
        weighed = [([values[i] / (y or 1.0) for i in used], 1.0) for values, y in rows if y > 0]
        solved = _solve(
            [[sum(a[i] * a[j] for a, _ in weighed) for j in range(len(used))] for i in range(len(used))],
            [sum(a[i] * y for a, y in weighed) for i in range(len(used))],
        )
        least = min(range(len(used)), key=lambda i: solved[i])
        if solved[least] >= 0:
            return {names[i]: value * 1e6 for i, value in zip(used, solved, strict=True)}
        del used[least]
    return {}


def _solve(a: list[list[float]], b: list[float]) -> list[float]:
    """By elimination."""
    size = len(b)
    rows = [[*row, value] for row, value in zip(a, b, strict=True)]
    for at in range(size):
        pivot = max(range(at, size), key=lambda i: abs(rows[i][at]))
        rows[at], rows[pivot] = rows[pivot], rows[at]
        if not rows[at][at]:
            continue
        for i in range(size):
            if i != at:
                share = rows[i][at] / rows[at][at]
                rows[i] = [x - share * y for x, y in zip(rows[i], rows[at], strict=True)]
    return [rows[i][size] / rows[i][i] if rows[i][i] else 0.0 for i in range(size)]


def foretold(costs: Costs, did: Mapping[str, float]) -> float:
    """Cores."""
    return sum(cost * did[name] for name, cost in costs.items()) / 1e6


# -- all of it --------------------------------------------------------------


def whole(directory: Path) -> dict[str, Any]:
    fitted = loads(directory, FITTED)
    nodes = fit([([each.did[t] for t in NODE_TERMS], each.nodes) for each in fitted], NODE_TERMS)
    database = fit(
        [([each.did[t] for t in DATABASE_TERMS], each.database) for each in fitted], DATABASE_TERMS
    )
    bus = fit([([each.did[t] for t in BUS_TERMS], each.bus) for each in fitted], BUS_TERMS)
    wal = fit([([each.did[t] for t in DATABASE_TERMS], each.wal_bytes) for each in fitted], DATABASE_TERMS)
    return {
        "cpu_us_of_nodes": nodes,
        "cpu_us_of_the_database": database,
        "cpu_us_of_the_bus": bus,
        "wal_bytes": {name: value / 1e6 for name, value in wal.items()},
        "foretold": [
            {
                "row": each.row,
                **{name: round(value, 1) for name, value in each.did.items()},
                "nodes_foretold": foretold(nodes, each.did),
                "nodes_measured": each.nodes,
                "database_foretold": foretold(database, each.did),
                "database_measured": each.database,
                "bus_foretold": foretold(bus, each.did),
                "bus_measured": each.bus,
                "was_fitted": each.row in FITTED,
            }
            for each in (*fitted, *loads(directory, FORETOLD))
        ],
    }


def table(found: Mapping[str, Any]) -> str:
    """Foretold beside measured, in cores."""
    lines = [
        "| run | posts/s | deliveries/s | nodes: foretold | measured | PostgreSQL: foretold | measured |",
        "| --- |" + " ---: |" * 6,
    ]
    lines += [
        f"| {each['row']}{' (fitted)' if each['was_fitted'] else ''} | {each['posts']:,.0f} | "
        f"{each['deliveries']:,.0f} | {each['nodes_foretold']:.2f} | {each['nodes_measured']:.2f} | "
        f"{each['database_foretold']:.2f} | {each['database_measured']:.2f} |"
        for each in found["foretold"]
    ]
    return "\n".join(lines) + "\n"


def picture(found: Mapping[str, Any]) -> str | None:
    points = [(each["nodes_measured"], each["nodes_foretold"]) for each in found["foretold"]]
    most = max(max(point) for point in points)
    return chart(
        "CPU of all nodes: foretold over measured",
        [Line("as measured", [(0.0, 0.0), (most, most)]), Line("foretold", sorted(points))],
        Scale("cores measured"),
        Scale("", " cores"),
    )


def main() -> int:
    if len(sys.argv) != 2:
        print((__doc__ or "").strip(), file=sys.stderr)
        return 2
    directory = Path(sys.argv[1])
    found = whole(directory)
    (directory / "cluster-capacity.json").write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    (directory / "cluster-capacity.md").write_text(table(found), "utf-8")
    drawn = picture(found)
    if drawn:
        (directory / "cluster-capacity.svg").write_text(drawn, "utf-8")
    print(json.dumps({name: value for name, value in found.items() if name != "foretold"}, indent=1))
    print(table(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
