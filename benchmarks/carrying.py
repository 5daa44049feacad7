"""What it would take for more users than one machine can play: the measured costs, multiplied. Arithmetic, no
measurement: what else would get in the way at such sizes is in docs/scaling.md.

    python benchmarks/carrying.py benchmarks/results/2026-11-25
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from hubbub.bench.chart import Line, Scale, chart

USERS = (10**5, 10**6, 10**7, 10**8)
CONNECTIONS_A_NODE = 50_000
"""Far below what memory allows, so that the end of one node is not the end of all."""
BUSY = 0.6
"""Of a core, what a node is to use: the rest is for the moments when another has just ended."""
COMMIT_SECONDS = 0.004
"""How long a node's commit takes: what is posted meanwhile is the next one's."""
HEADS_SECONDS = 3.0
LOGS_EACH = 10
"""Rooms of a person who is connected, and the inbox."""


class People(msgspec.Struct, frozen=True, kw_only=True):
    """How people are, in the busiest hour."""

    name: str
    connected: float
    """Of all users."""
    posts_a_second: float
    """Of each user, connected or not."""
    listeners: int
    """Who are connected, of a post."""


QUIET = People(name="quiet", connected=0.05, posts_a_second=0.0003, listeners=3)
USUAL = People(name="usual", connected=0.15, posts_a_second=0.0015, listeners=10)
BUSTLING = People(name="bustling", connected=0.4, posts_a_second=0.0075, listeners=50)


class Costs(msgspec.Struct, frozen=True, kw_only=True):
    """CPU microseconds, and bytes."""

    node_post: float
    node_commit: float
    node_delivery: float
    node_heard: float
    node_connection_second: float
    database_post: float
    database_commit: float
    database_head: float
    bus_sent: float
    bus_heard: float
    wal_post: float
    wal_commit: float
    memory_connection: float


def costs(directory: Path) -> Costs:
    found = json.loads((directory / "cluster-capacity.json").read_bytes())
    alone = json.loads((directory / "cluster-alone.json").read_bytes())["told"]
    held = json.loads((directory / "cluster-held.json").read_bytes())["told"]["facts"]
    nodes, database, bus = (found[f"cpu_us_of_{name}"] for name in ("nodes", "the_database", "the_bus"))
    return Costs(
        node_post=nodes.get("posts", 0.0),
        node_commit=nodes.get("commits", 0.0),
        node_delivery=nodes.get("deliveries", 0.0),
        node_heard=nodes.get("messages_heard", 0.0),
        node_connection_second=held["server_cpu_microseconds_a_connection_and_second"],
        database_post=database.get("posts", 0.0),
        database_commit=database.get("commits", 0.0),
        database_head=alone["comparing_heads"]["database_cpu_us_a_log"],
        bus_sent=bus.get("messages_sent", 0.0),
        bus_heard=bus.get("messages_heard", 0.0),
        wal_post=found["wal_bytes"].get("posts", 0.0),
        wal_commit=found["wal_bytes"].get("commits", 0.0),
        memory_connection=held["rss_bytes_a_connection"],
    )


def carried(users: float, people: People, costs: Costs) -> dict[str, Any]:
    """What that many of them need, when every node hears of every post; `nodes` is None where no number of
    nodes is enough, because hearing alone is more than a node may use."""
    connections = users * people.connected
    posts = users * people.posts_a_second
    deliveries = posts * people.listeners
    hearing = posts * costs.node_heard / 1e6
    nodes: float | None = max(2.0, connections / CONNECTIONS_A_NODE)
    for _ in range(50):  # commits depend on the number of nodes, and that on commits
        commits = posts / max(1.0, posts / (nodes or 1.0) * COMMIT_SECONDS)
        work = (
            posts * costs.node_post
            + commits * costs.node_commit
            + deliveries * costs.node_delivery
            + connections * costs.node_connection_second
        ) / 1e6
        if hearing >= BUSY:
            nodes = None
            break
        nodes = max(2.0, connections / CONNECTIONS_A_NODE, work / (BUSY - hearing))
    count = nodes or connections / CONNECTIONS_A_NODE
    heads = count * min(connections / count * LOGS_EACH, users * LOGS_EACH) / HEADS_SECONDS
    return {
        "users": users,
        "people": people.name,
        "connections": connections,
        "posts_per_second": posts,
        "deliveries_per_second": deliveries,
        "nodes": None if nodes is None else -(-nodes // 1),
        "cores_a_node_hears_with": hearing,
        "database_cores_for_posts": (posts * costs.database_post + commits * costs.database_commit) / 1e6,
        "database_cores_for_heads": heads * costs.database_head / 1e6,
        "bus_cores": (posts * costs.bus_sent + posts * count * costs.bus_heard) / 1e6,
        "wal_mb_per_second": (posts * costs.wal_post + commits * costs.wal_commit) / 1e6,
        "memory_gb": connections * costs.memory_connection / 1e9,
    }


def table(rows: list[dict[str, Any]]) -> str:
    lines = [
        "| users | people | connected | posts/s | deliveries/s | nodes | of a core, to hear all"
        " | PostgreSQL cores: posts | heads | NATS cores | WAL MB/s | memory GB |",
        "| ---: | --- |" + " ---: |" * 10,
    ]
    for each in rows:
        nodes = "–" if each["nodes"] is None else f"{each['nodes']:,.0f}"
        lines.append(
            f"| {each['users']:,.0f} | {each['people']} | {each['connections']:,.0f} | "
            f"{each['posts_per_second']:,.0f} | {each['deliveries_per_second']:,.0f} | {nodes} | "
            f"{each['cores_a_node_hears_with']:.2f} | {each['database_cores_for_posts']:.2f} | "
            f"{each['database_cores_for_heads']:.2f} | {each['bus_cores']:.2f} | "
            f"{each['wal_mb_per_second']:.1f} | {each['memory_gb']:.1f} |"
        )
    return "\n".join(lines) + "\n"


def picture(costs: Costs) -> str | None:
    """Cores over users, as people usually are."""
    sizes = [10 ** (each / 4) for each in range(18, 33)]
    lines: Mapping[str, str] = {
        "hearing, a node": "cores_a_node_hears_with",
        "posts, database": "database_cores_for_posts",
        "heads, database": "database_cores_for_heads",
        "the bus": "bus_cores",
    }
    return chart(
        "What is needed by how many users, in cores",
        [
            Line(name, [(size, carried(size, USUAL, costs)[figure]) for size in sizes])
            for name, figure in lines.items()
        ],
        Scale("users", doubling=True),
        Scale("", "", doubling=True),
    )


def main() -> int:
    if len(sys.argv) != 2:
        print((__doc__ or "").strip(), file=sys.stderr)
        return 2
    directory = Path(sys.argv[1])
    measured = costs(directory)
    rows = [carried(users, people, measured) for users in USERS for people in (QUIET, USUAL, BUSTLING)]
    written = {"costs": msgspec.to_builtins(measured), "carried": rows}
    (directory / "cluster-carried.json").write_text(json.dumps(written, indent=1) + "\n", "utf-8")
    (directory / "cluster-carried.md").write_text(table(rows), "utf-8")
    drawn = picture(measured)
    if drawn:
        (directory / "cluster-carried.svg").write_text(drawn, "utf-8")
    print(table(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
