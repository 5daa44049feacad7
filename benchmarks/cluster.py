"""Figures of a cluster: nodes on PostgreSQL and NATS, beside one node on SQLite and the C reference.

    python benchmarks/cluster.py --out DIR [--only posts,relay]

Where a cluster is held against one node on SQLite, each has one core in all: PostgreSQL, NATS and the nodes
share it. So more nodes cannot do more here than one, and what is told of them is what they cost: CPU time for
each post and each delivery, by which docs/scaling.md reckons. In the other rows the cluster and the clients
share all cores.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from figures import Played, play, table
from hubbub.bench import machine
from hubbub.bench.chart import Line, Scale, chart
from rows import Row, Target, Told, deliveries, delivery, of_facts, of_load

POSTS = ("posts", "--clients", 200, "--rooms", 100, "--rate", "1000,4000,8500,12000,16000", "--seconds", 6)
FANOUT = ("fanout", "--clients", 3000, "--rooms", 30, "--rate", "100,1000,2500,5000", "--seconds", 6)
HELD = 50_000

ALONE_SECONDS = 120.0

SQLITE = "one node on SQLite"


def _most(name: str) -> Callable[[Told], float | None]:
    """The load in which most was done."""

    def read(told: Told) -> float | None:
        return max((float(load[name]) for load in told["loads"]), default=None)

    return read


def _name(nodes: int) -> str:
    return f"{nodes} node{'s' * (nodes > 1)}" if nodes else SQLITE


def _cluster(nodes: int) -> Sequence[object]:
    return ("--cluster", nodes, "--one-core") if nodes else ()


POSTED = [
    Row(
        name=f"cluster-posts-{nodes}",
        what=f"durable posts, {_name(nodes)}",
        words=(*POSTS, *_cluster(nodes)),
        targets=[Target(what="posts/s", read=_most("acknowledged_per_second"), reach=0.0, at_least=True)],
        reference=("posts", "--mode", "durable", "--clients", 200, "--rate", 16_000) if not nodes else (),
    )
    for nodes in (0, 1, 2, 3)
]
FANNED = [
    Row(
        name=f"cluster-fanout-{nodes}",
        what=f"3,000 readers in 30 rooms, {_name(nodes)}",
        words=(*FANOUT, *_cluster(nodes)),
        targets=[
            Target(what="deliveries/s", read=_most("deliveries_per_second"), reach=0.0, at_least=True),
            delivery("p99", 50.0, load=0),
        ],
        reference=("fanout", "--clients", 3000, "--rooms", 30, "--rate", 5000) if not nodes else (),
    )
    for nodes in (0, 1, 2, 3)
]
ROWS = [
    *POSTED,
    *FANNED,
    Row(
        name="cluster-commit",
        what="durable posts, group commit, one node and PostgreSQL",
        words=(
            *("posts", "--cluster", 1, "--clients", 200, "--rooms", 100, "--rate", "8500,16000"),
            *("--seconds", 6),
        ),
        targets=[Target(what="posts/s", read=_most("acknowledged_per_second"), reach=8_000.0, at_least=True)],
    ),
    Row(
        name="cluster-relay",
        what="posts on one node, 1,000 readers in 10 rooms on another, 10,000 deliveries/s",
        words=(
            *("relay", "--cluster", 2, "--clients", 1000, "--rooms", 10, "--rate", 102),
            *("--warm-up", 3, "--seconds", 15),
        ),
        targets=[deliveries(10_000), delivery("p50", 5.0), delivery("p99", 50.0)],
    ),
    Row(
        name="cluster-hot-room",
        what="durable posts from three nodes, all in one room",
        words=(
            *("posts", "--cluster", 3, "--clients", 200, "--rooms", 1, "--rate", "1000,4000,8500"),
            *("--seconds", 6),
        ),
        targets=[Target(what="posts/s", read=_most("acknowledged_per_second"), reach=0.0, at_least=True)],
    ),
    Row(
        name="cluster-storm",
        what="one of three nodes is killed under 10,000 clients, 10,000 deliveries/s",
        words=(
            *("storm", "--cluster", 3, "--clients", 10_000, "--rooms", 100, "--rate", 100),
            *("--warm-up", 2, "--seconds", 16),
        ),
        targets=[
            Target(what="all resumed, s", read=of_facts("all_resumed_after_seconds"), reach=5.0),
            Target(what="longest delivery, ms", read=of_load(1, "delivery_ms", "longest"), reach=5_000.0),
        ],
    ),
    Row(
        name="cluster-held",
        what=f"{HELD:,} connections over three nodes, 500 rooms, each reached by a message",
        words=("idle", "--cluster", 3, "--clients", HELD, "--rooms", 500, "--seconds", 5),
        targets=[
            Target(
                what="connections reached", read=of_facts("connections_reached"), reach=HELD, at_least=True
            ),
            Target(what="resident bytes a connection", read=of_facts("rss_bytes_a_connection"), reach=8192.0),
            Target(what="all reached after, ms", read=of_facts("all_reached_after_ms"), reach=2_000.0),
        ],
    ),
]
ALONE = "cluster-alone"


def alone() -> Played:
    """The store by itself."""
    script = Path(__file__).with_name("storing.py")
    command = f"python benchmarks/{script.name}"
    ended = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=ALONE_SECONDS
    )
    what = "the store in PostgreSQL alone"
    if ended.returncode:
        return Played(row=ALONE, what=what, command=command, failed=ended.stderr.strip())
    told = json.loads(ended.stdout)
    value = max(each["posts_per_second"] for each in told["appending"])
    figure = {"what": "posts/s", "reach": 8000.0, "at_least": True, "value": value, "reached": value >= 8000}
    return Played(row=ALONE, what=what, command=command, figures=[figure], told=told)


# -- beside one another -----------------------------------------------------


def pictures(played: Sequence[Played]) -> dict[str, str]:
    """Posts and deliveries, acknowledged a second over offered a second, for each number of nodes."""
    drawn = {}
    for kind, done, unit in (
        ("posts", "acknowledged_per_second", "posts/s"),
        ("fanout", "deliveries_per_second", "deliveries/s"),
    ):
        lines = [
            Line(_name(int(each.row[-1])), _points(each, done))
            for each in played
            if each.row.startswith(f"cluster-{kind}-") and not each.failed
        ]
        picture = chart(
            f"{unit} that are done, of posts/s that are asked for", lines, Scale("posts/s"), Scale("", "")
        )
        if len(lines) > 1 and picture:
            drawn[f"cluster-{kind}.svg"] = picture
    return drawn


def _points(played: Played, done: str) -> list[tuple[float, float]]:
    return [(load["offered_per_second"], load[done]) for load in played.told["loads"]]


def ratios(played: Sequence[Played]) -> dict[str, dict[str, dict[str, float]]]:
    """What each number of nodes does, divided by what one node on SQLite does: in all, and for each core that
    was used, which other work on the machine leaves as it is."""
    told = {each.row: each.told["loads"] for each in played if each.told.get("loads")}
    found: dict[str, dict[str, dict[str, float]]] = {}
    for kind, done in (("posts", "acknowledged_per_second"), ("fanout", "deliveries_per_second")):
        if base := told.get(f"cluster-{kind}-0"):
            found[done] = {
                _name(nodes): {
                    "in_all": _best(told[row], done) / _best(base, done),
                    "for_each_core": _for_each_core(told[row], done) / _for_each_core(base, done),
                }
                for nodes in (1, 2, 3)
                if (row := f"cluster-{kind}-{nodes}") in told
            }
    return found


def _best(loads: Sequence[dict[str, Any]], done: str) -> float:
    return max(float(load[done]) for load in loads)


def _for_each_core(loads: Sequence[dict[str, Any]], done: str) -> float:
    """In the load in which most was done; a core is a second of CPU time a second, of all parts together."""
    best = max(loads, key=lambda load: float(load[done]))
    return float(best[done]) / float(best["server_cpu"])


def costs(played: Sequence[Played]) -> str:
    """The CPU time of each part for a post, by load."""
    lines = [
        "| row | offered/s | acknowledged/s | deliveries/s | ack p50, p99 ms | delivery p50, p99 ms"
        " | CPU of nodes | PostgreSQL | NATS | WAL bytes a post | posts a commit |",
        "| --- |" + " ---: |" * 10,
    ]
    lines += [
        f"| {each.row} | {' | '.join(_cells(load))} |"
        for each in played
        for load in each.told.get("loads", ())
    ]
    return "\n".join(lines) + "\n"


def _cells(load: dict[str, Any]) -> list[str]:
    cpu, counted = load["server_cpu_of"], load["counted_per_second"]
    nodes = sum(cores for name, cores in cpu.items() if name not in ("PostgreSQL", "NATS"))
    posts = load["acknowledged_per_second"]
    commits = counted.get("commits")
    return [
        f"{load['offered_per_second']:,.0f}",
        f"{posts:,.0f}",
        f"{load['deliveries_per_second']:,.0f}",
        _both(load["acknowledgement_ms"]),
        _both(load["delivery_ms"]),
        f"{nodes:.2f}",
        f"{cpu['PostgreSQL']:.2f}" if "PostgreSQL" in cpu else "–",
        f"{cpu['NATS']:.2f}" if "NATS" in cpu else "–",
        f"{counted['wal_bytes'] / posts:,.0f}" if "wal_bytes" in counted and posts else "–",
        f"{posts / commits:,.1f}" if commits else "–",
    ]


def _both(latency: dict[str, Any]) -> str:
    return "–" if latency["p50"] is None else f"{latency['p50']:,.1f}, {latency['p99']:,.1f}"


def main() -> int:
    names = [row.name for row in ROWS] + [ALONE]
    asked = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    asked.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="gets a JSON a row, and a table"
    )
    asked.add_argument(
        "--only", default="", metavar="ROW,ROW", help=f"by default all: {', '.join(names)}; or how they begin"
    )
    given = asked.parse_args()
    wanted = tuple(f"cluster-{name.removeprefix('cluster-')}" for name in given.only.split(",") if name)
    given.out.mkdir(parents=True, exist_ok=True)
    described = machine.described() | {"command": " ".join([os.path.basename(sys.argv[0]), *sys.argv[1:]])}
    played: list[Played] = []
    for name in names:
        if wanted and not name.startswith(wanted):
            continue
        row = next((row for row in ROWS if row.name == name), None)
        print(name, flush=True)
        played.append(alone() if row is None else play(row))
        _write(given.out / f"{name}.json", {**described, **msgspec.to_builtins(played[-1])})
        print("\n".join(table(played[-1:]).splitlines()[2:]).partition("\n\n")[0], flush=True)
    _sum_up(given.out, names, described)
    return 0 if all(each.kept and not each.failed for each in played) else 1


def _sum_up(out: Path, names: Sequence[str], described: dict[str, Any]) -> None:
    """Of all rows that lie there, those of earlier runs too."""
    files = [file for name in names if (file := out / f"{name}.json").exists()]
    played = [msgspec.convert(msgspec.json.decode(file.read_bytes()), Played) for file in files]
    summary = [
        {name: value for name, value in msgspec.to_builtins(each).items() if name != "told"}
        for each in played
    ]
    _write(out / "cluster.json", {**described, "rows": summary, "against_one_node_on_sqlite": ratios(played)})
    (out / "cluster.md").write_text(f"{table(played)}\n{costs(played)}", "utf-8")
    for name, picture in pictures(played).items():
        (out / name).write_text(picture, "utf-8")


def _write(file: Path, what: dict[str, Any]) -> None:
    file.write_bytes(msgspec.json.format(msgspec.json.encode(what), indent=1) + b"\n")


if __name__ == "__main__":
    sys.exit(main())
