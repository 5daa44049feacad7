"""How hubbub's figures grow with what it holds: clients, rooms, messages, users.

    python benchmarks/growth.py --out DIR [--quick] [--only clients,rooms]

What stays level is what a design promises; what bends shows where it ends.
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any

import httpx2
import msgspec

import filling
import runs
import stored
from curves import Curve, Grown, Picture, draw, table
from hubbub.bench import machine
from hubbub.bench.seats import People

# -- clients and rooms: under load ------------------------------------------

Read = Callable[[dict[str, Any]], float | None]


class _Part(msgspec.Struct, frozen=True, kw_only=True):
    """One picture of what a load tells."""

    name: str
    title: str
    unit: str = ""
    doubling: bool = True
    curves: dict[str, Read]


_PARTS = (
    _Part(
        name="latency",
        title="delivery",
        unit=" ms",
        curves={
            "p50": lambda load: load["delivery_ms"]["p50"],
            "p99": lambda load: load["delivery_ms"]["p99"],
        },
    ),
    _Part(
        name="deliveries",
        title="deliveries/s",
        curves={
            "asked for": lambda load: load["deliveries_asked_for"],
            "told": lambda load: load["deliveries_per_second"],
        },
    ),
    _Part(
        name="cpu",
        title="CPU, cores",
        doubling=False,
        curves={
            "server": lambda load: load["server_cpu"],
            "clients": lambda load: sum(load["generator_cpu"]),
        },
    ),
    _Part(
        name="memory",
        title="server memory, MiB",
        doubling=False,
        curves={"at most": lambda load: _mib(load["server_rss_most_bytes"])},
    ),
)


def _mib(size_bytes: float | None) -> float | None:
    return None if size_bytes is None else size_bytes / (1 << 20)


class Sized(msgspec.Struct, frozen=True, kw_only=True):
    """A load for `hubbub bench`."""

    size: int
    clients: int
    rooms: int
    per_second: float

    def words(self, quick: bool) -> tuple[object, ...]:
        return (
            *("fanout", "--clients", self.clients, "--rooms", self.rooms, "--rate", f"{self.per_second:g}"),
            *("--seconds", 2 if quick else 6),
        )


def _under_load(name: str, along: str, what: str, loads: Sequence[Sized], *, quick: bool) -> Grown:
    """A run of `hubbub bench` for each size."""
    told: list[tuple[int, dict[str, Any]]] = []
    commands = []
    for each in loads:
        print(f"  {name}: {each.size:,} {along}", flush=True)
        words = each.words(quick)
        commands.append(runs.command(words))
        due = {"deliveries_asked_for": each.per_second * each.clients / each.rooms}
        try:
            told += [(each.size, load | due) for load in runs.bench(*words).loads]
        except runs.RunFailed as error:
            print(f"    failed: {error}", file=sys.stderr, flush=True)
    pictures = [
        Picture(
            name=f"{name}-{part.name}",
            title=f"{part.title}: {what}",
            unit=part.unit,
            doubling=part.doubling,
            curves=[
                Curve(name=curve, points=[(size, read(load)) for size, load in told])
                for curve, read in part.curves.items()
            ],
        )
        for part in _PARTS
    ]
    return Grown(name=name, along=along, pictures=pictures, commands=commands)


POSTS_A_ROOM = {"clients-steady": 5, "clients-full": 100}
"""Posts a second in each room of 100: 50,000 deliveries a second to 10,000 clients, and a million."""


def clients(name: str, quick: bool) -> Grown:
    sizes = (1_000, 2_000) if quick else (1_000, 2_000, 5_000, 10_000, 15_000)
    each = POSTS_A_ROOM[name]
    loads = [
        Sized(size=size, clients=size, rooms=size // 100, per_second=each * size / 100) for size in sizes
    ]
    return _under_load(name, "clients", f"rooms of 100, {each} posts/s in each", loads, quick=quick)


def rooms(name: str, quick: bool) -> Grown:
    crowd, deliveries_per_second = (1_000, 2_000) if quick else (10_000, 10_000)
    loads = [
        Sized(size=size, clients=crowd, rooms=size, per_second=deliveries_per_second * size / crowd)
        for size in (1, 10, 100, 1_000, 10_000)
        if size <= crowd
    ]
    what = f"{crowd:,} clients, {deliveries_per_second:,} deliveries/s"
    return _under_load(name, "rooms", what, loads, quick=quick)


# -- messages and users: one request after the other ------------------------

PAGE = "limit=50"
NEAR = 50
"""How far before the head one comes back who was away for a moment. Who comes from afar waits for as many."""

PAUSE_SECONDS = 0.02


def messages(name: str, quick: bool) -> Grown:
    sizes = (1_000, 10_000) if quick else (1_000, 10_000, 100_000, 1_000_000)
    asks = 50 if quick else 300
    points: dict[str, list[tuple[float, float | None]]] = {}
    with stored.scratch() as directory:
        data = Path(directory) / "data"
        inside = filling.people(data, users=100, rooms=100)
        before = 0
        for size in sizes:
            print(f"  {name}: {size:,} messages", flush=True)
            filling.fill(data, inside, begin=before, end=size)
            before = size
            starting = stored.run(stored.seconds_to_accept(data)) * 1000
            points.setdefault("start accepting", []).append((size, starting))
            for curve, value in stored.run(_read(data, inside, asks)):
                points.setdefault(curve, []).append((size, value))
    return Grown(
        name=name,
        along="messages",
        pictures=[
            _picture(f"{name}-start", "From the command until it accepts", points, "start"),
            _picture(f"{name}-page", "A page of 50, one after the other", points, "page"),
            _picture(f"{name}-resume", "Coming back, until 50 events are there", points, "resume"),
        ],
    )


async def _read(data: Path, inside: People, asks: int) -> list[tuple[str, float | None]]:
    found: list[tuple[str, float | None]] = []
    room = f"/room/{inside.rooms[0].id}"
    async with stored.visiting(data, inside.users[0]) as http:
        head = await _head(http, room)
        for where, path in (
            ("at the end", f"{room}/messages?{PAGE}"),
            ("amid", f"{room}/messages?{PAGE}&after={head // 2}"),
            ("at the beginning", f"{room}/messages?{PAGE}&after=0"),
        ):
            taken = await stored.timed(stored.get(http, path) for _ in range(asks))
            found += [(f"page {where}, p50", taken.p50), (f"page {where}, p99", taken.p99)]
        for where, after in (("from near", head - NEAR), ("from far", 0)):
            path = f"{room}/subscribe?after={max(0, after)}"
            taken = await stored.timed(
                (stored.resume(http, path, NEAR) for _ in range(asks // 5)), pause_seconds=PAUSE_SECONDS
            )
            found += [(f"resume {where}, p50", taken.p50), (f"resume {where}, p99", taken.p99)]
    return found


async def _head(http: httpx2.AsyncClient, room: str) -> int:
    answer = await http.get(room)
    return int(answer.raise_for_status().json()["head"])


def users(name: str, quick: bool) -> Grown:
    sizes = (1_000, 5_000) if quick else (1_000, 10_000, 100_000)
    asks = 50 if quick else 300
    points: dict[str, list[tuple[float, float | None]]] = {}
    for size in sizes:
        print(f"  {name}: {size:,} users", flush=True)
        with stored.scratch() as directory:
            data = Path(directory) / "data"
            inside = filling.people(data, users=size, rooms=10)
            for curve, value in stored.run(_look_up(data, inside, asks)):
                points.setdefault(curve, []).append((size, value))
    return Grown(
        name=name,
        along="users",
        pictures=[_picture(f"{name}-requests", "Requests, one after the other", points, "")],
    )


async def _look_up(data: Path, inside: People, asks: int) -> list[tuple[str, float | None]]:
    chance = Random(len(inside.users))  # noqa: S311 - the same people in every run
    some = [chance.choice(inside.users) for _ in range(asks)]
    newcomer = {"name": "newcomer", "password": "correct horse"}
    found: list[tuple[str, float | None]] = []
    async with stored.visiting(data, inside.users[0]) as http:
        (await http.post("/users", json=newcomer)).raise_for_status()
        room = f"/room/{inside.rooms[0].id}/messages"
        for curve, work in (
            ("sign-in", [stored.post(http, "/sessions", newcomer) for _ in range(min(asks, 50))]),
            ("users", [stored.get(http, f"/users?{PAGE}&prefix={one.name[:8]}") for one in some]),
            ("post", [stored.post(http, room, {"text": "hello"}) for _ in some]),
            ("to one", [stored.post(http, f"/user/{one.name}/messages", {"text": "hello"}) for one in some]),
        ):
            taken = await stored.timed(work)
            found += [(f"{curve}, p50", taken.p50), (f"{curve}, p99", taken.p99)]
    return found


def _picture(
    name: str, title: str, points: dict[str, list[tuple[float, float | None]]], first: str
) -> Picture:
    """Of the curves whose name begins so; of their percentiles the highest is drawn."""
    curves = [
        Curve(name=curve.removeprefix(first).strip(), points=found, drawn="p50" not in curve)
        for curve, found in points.items()
        if curve.startswith(first)
    ]
    return Picture(name=name, title=title, unit=" ms", curves=curves)


DIMENSIONS: dict[str, Callable[[str, bool], Grown]] = {
    "clients-steady": clients,
    "clients-full": clients,
    "rooms": rooms,
    "messages": messages,
    "users": users,
}


def _asked() -> argparse.Namespace:
    asked = argparse.ArgumentParser(
        description=(__doc__ or "").partition("\n\n")[0], epilog="Dimensions: " + ", ".join(DIMENSIONS)
    )
    asked.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="gets JSON, pictures and tables"
    )
    asked.add_argument("--only", default="", metavar="NAME,NAME", help="by default all of them")
    asked.add_argument("--quick", action="store_true", help="small sizes, to see that it works")
    return asked.parse_args()


def main() -> int:
    asked = _asked()
    wanted = [name for name in asked.only.split(",") if name]
    if unknown := set(wanted) - set(DIMENSIONS):
        print(f"there is no dimension {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    asked.out.mkdir(parents=True, exist_ok=True)
    described = machine.described() | {"command": " ".join([os.path.basename(sys.argv[0]), *sys.argv[1:]])}
    for name, measure in DIMENSIONS.items():
        if wanted and name not in wanted:
            continue
        grown = measure(name, asked.quick)
        whole = msgspec.json.encode({**described, **msgspec.to_builtins(grown)})
        (asked.out / f"{name}.json").write_bytes(msgspec.json.format(whole, indent=1) + b"\n")
        (asked.out / f"{name}.md").write_text(table(grown), "utf-8")
        for picture in grown.pictures:
            drawn = draw(picture, grown.along)
            if drawn is not None:
                (asked.out / f"{picture.name}.svg").write_text(drawn, "utf-8")
        print(table(grown), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
