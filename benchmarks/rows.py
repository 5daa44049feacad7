"""What hubbub is held to: each figure, what it is to reach, and how it is measured."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

STORED_MESSAGES = 1_000_000

Told = dict[str, Any]
"""What a run has to tell: `loads` and `facts`, as `hubbub bench` writes them."""


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """One figure, and what it is to reach."""

    what: str
    read: Callable[[Told], float | None]
    reach: float
    at_least: bool = False
    """Else at most."""

    def reached_by(self, value: float | None) -> bool:
        return value is not None and (value >= self.reach if self.at_least else value <= self.reach)


class Row(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    what: str
    words: Sequence[object] = ()
    """For `hubbub bench`."""
    targets: Sequence[Target]
    reference: Sequence[object] = ()
    """For `reference.py`: the same load."""


# -- reading figures --------------------------------------------------------


def of_load(number: int, *names: str) -> Callable[[Told], float | None]:
    def read(told: Told) -> float | None:
        value: Any = told["loads"][number]
        for name in names:
            value = value[name]
        return None if value is None else float(value)

    return read


def of_facts(name: str, per: float = 1.0) -> Callable[[Told], float | None]:
    def read(told: Told) -> float | None:
        value = told["facts"].get(name)
        return None if value is None else value / per

    return read


def deliveries(reach: float, load: int = 0) -> Target:
    return Target(
        what="deliveries/s", read=of_load(load, "deliveries_per_second"), reach=reach, at_least=True
    )


def delivery(percentile: str, reach_ms: float, load: int = 0) -> Target:
    return Target(
        what=f"delivery {percentile}, ms", read=of_load(load, "delivery_ms", percentile), reach=reach_ms
    )


def acknowledged(reach: float) -> list[Target]:
    return [
        Target(what="posts/s", read=of_load(0, "acknowledged_per_second"), reach=reach, at_least=True),
        Target(what="acknowledged p99, ms", read=of_load(0, "acknowledgement_ms", "p99"), reach=50.0),
    ]


def _memory_grown_mib(told: Told) -> float | None:
    """In the last load."""
    load = told["loads"][-1]
    before, most = load["server_rss_before_bytes"], load["server_rss_most_bytes"]
    return None if before is None or most is None else (most - before) / (1 << 20)


# -- the table --------------------------------------------------------------

CROWD = ("--clients", 10_000)
ROOMS = ("--rooms", 100)
# More than is to be reached, so that a server that keeps up reaches it in spite of the noise.
FANOUT_1M = ("fanout", *CROWD, *ROOMS, "--rate", 10_500)
FANOUT_1M5 = ("fanout", *CROWD, *ROOMS, "--rate", 15_750)
HALF_EACH = ("--rate", "5050,7600")
SETTLED = ("--warm-up", 3)
"""Until a load that begins all at once has found its pace."""
ENOUGH = 45_000
"""Posts a second, each to one listener: about what the server can take."""
TWICE = f"{ENOUGH},{2 * ENOUGH}"

ROWS = (
    Row(
        name="fanout-10000",
        what="10,000 readers in 100 rooms, 10,000 posts/s",
        words=(*FANOUT_1M, *SETTLED, "--seconds", 8),
        targets=[deliveries(1_000_000), delivery("p99", 300.0)],
        reference=FANOUT_1M,
    ),
    Row(
        name="fanout-15000",
        what="10,000 readers in 100 rooms, 15,000 posts/s",
        words=(*FANOUT_1M5, *SETTLED, "--seconds", 8),
        targets=[deliveries(1_500_000), delivery("p99", 450.0)],
        reference=FANOUT_1M5,
    ),
    Row(
        name="room",
        what="one room of 10,000 under load",
        words=("room", *CROWD, "--rate", 105, "--seconds", 8),
        targets=[deliveries(1_000_000)],
        reference=("fanout", *CROWD, "--rooms", 1, "--rate", 105),
    ),
    Row(
        name="lone-post",
        what="one room of 10,000, a post every half second",
        words=("room", *CROWD, "--rate", 2, "--seconds", 10),
        targets=[delivery("longest", 100.0)],
        reference=("fanout", *CROWD, "--rooms", 1, "--rate", 2),
    ),
    Row(
        name="latency",
        what="10,000 readers in 100 rooms, 500 posts/s",
        words=("fanout", *CROWD, *ROOMS, "--rate", 500, *SETTLED, "--seconds", 10),
        targets=[delivery("p50", 2.0), delivery("p99", 20.0)],
        reference=("fanout", *CROWD, *ROOMS, "--rate", 500),
    ),
    Row(
        name="posts-ws",
        what="durable posts over WebSocket",
        words=("posts", "--clients", 200, *ROOMS, "--rate", 15_150, "--seconds", 8),
        targets=acknowledged(15_000),
        reference=("posts", "--mode", "durable", "--clients", 200, "--rate", 15_150),
    ),
    Row(
        name="posts-rest",
        what="durable posts over REST, connections kept alive",
        words=("posts", "--transport", "rest", "--clients", 200, *ROOMS, "--rate", 7_070, "--seconds", 8),
        targets=acknowledged(7_000),
        reference=("posts", "--mode", "durable", "--clients", 200, "--rate", 7_070),
    ),
    Row(
        name="idle",
        what="an idle connection, signed in and subscribed",
        words=("idle", *CROWD, *ROOMS, "--seconds", 5),
        targets=[
            Target(what="resident bytes", read=of_facts("rss_bytes_a_connection"), reach=4096.0),
            Target(what="resident bytes, then", read=of_facts("rss_bytes_a_connection"), reach=3072.0),
        ],
    ),
    Row(
        name="storm",
        what="kill -9 and restart, 10,000 come back and resume",
        words=("storm", *CROWD, *ROOMS, "--rate", 500, "--seconds", 4),
        targets=[Target(what="all caught up, s", read=of_facts("all_caught_up_seconds_later"), reach=3.0)],
    ),
    *(
        Row(
            name=transport,
            what=f"10,000 readers over {name}, 5,000 and 7,500 posts/s",
            words=("fanout", *CROWD, *ROOMS, "--transport", transport, *HALF_EACH, "--seconds", 6),
            targets=[
                deliveries(500_000),
                delivery("p99", 300.0),
                deliveries(750_000, load=1),
                delivery("p99", 450.0, load=1),
            ],
            reference=("fanout", *CROWD, *ROOMS, *HALF_EACH),
        )
        for transport, name in (("sse", "event streams"), ("ndjson", "lines of JSON"))
    ),
    Row(
        name="start",
        what=f"start with {STORED_MESSAGES:,} stored messages",
        targets=[Target(what="accepting, s", read=of_facts("accepting_seconds"), reach=1.0)],
    ),
    Row(
        name="slow",
        what="5 % of 10,000 readers take 1 KiB/s",
        # At so many posts a second they fall behind within a second or two.
        words=("slow", *CROWD, *ROOMS, "--rate", 5000, *SETTLED, "--seconds", 8),
        targets=[
            Target(what="p99 of the others", read=of_facts("p99_of_the_others_against_without"), reach=1.2),
            # For each of 500 slow readers what may wait, which is 64 KiB, and one flush; and no more.
            Target(what="memory grown, MiB", read=of_facts("rss_growth_bytes", 1 << 20), reach=64.0),
        ],
    ),
    Row(
        name="overload",
        what="as many posts as the server can take, then twice as many",
        # Few clients, each in a room of its own: the generator has to offer twice of what the server takes.
        words=("overload", "--clients", 100, "--rooms", 100, "--rate", TWICE, *SETTLED, "--seconds", 8),
        targets=[
            Target(
                what="taken/s", read=of_load(0, "acknowledged_per_second"), reach=0.97 * ENOUGH, at_least=True
            ),
            Target(
                what="twice: acknowledged p99, ms", read=of_load(1, "acknowledgement_ms", "p99"), reach=1000.0
            ),
            Target(what="twice: health p99, ms", read=of_load(1, "health_ms", "p99"), reach=1000.0),
            Target(what="twice: memory grown, MiB", read=_memory_grown_mib, reach=64.0),
        ],
    ),
)
