"""Whether a failed sign-in takes the same time whatever was wrong: measured, with figures.

    cd tests && ../.venv/bin/python -m security.timing --tries 400

Signs in against a server on the loopback, a wrong password, a name nobody has, a disabled user and a password
too long to be one in turns, so that what else the machine does falls on all alike. Prints the median and the
spread of each, and how sure one could be of telling two apart (the area under the ROC curve: 0.5 is not at
all, 1 is always). Ends with 1 when some pair can be told apart by more than `--most`.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from itertools import combinations
from pathlib import Path

from conformance.wire import wire
from hubbub.domain.ids import UserId
from security.proofs import body, now_ms
from support.seeded import PASSWORD, seed
from support.serving import serving

KINDS = {
    "wrong": ("ada", "wrong horse battery"),
    "unknown": ("nobody", "wrong horse battery"),
    "disabled": ("bob", PASSWORD),
    "too long": ("ada", "x" * 1100),
}


def told_apart(one: list[float], other: list[float]) -> float:
    """The chance that a time of `other` is longer than one of `one` (Mann and Whitney's U over its most)."""
    ranked = sorted([(each, 0) for each in one] + [(each, 1) for each in other])
    ranks = sum(rank for rank, (_, which) in enumerate(ranked, 1) if which)
    return (ranks - len(other) * (len(other) + 1) / 2) / (len(one) * len(other))


async def measure(tries: int) -> dict[str, list[float]]:
    taken: dict[str, list[float]] = {kind: [] for kind in KINDS}
    with tempfile.TemporaryDirectory() as directory:
        data = Path(directory) / "data"
        await seed(data)
        async with serving(data) as server, wire(server.address) as way:
            await server.store.disable(UserId("bob"), now_ms())
            for number in range(tries + 5):
                for kind, (name, password) in KINDS.items():
                    content = body(name=name, password=password)
                    began = time.perf_counter()
                    answer = await way.asks("POST", "/sessions", None, content)
                    if number >= 5:  # the first are for the caches
                        taken[kind].append(time.perf_counter() - began)
                    assert answer.status == 401
    return taken


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--tries", type=int, default=400)
    parser.add_argument(
        "--most", type=float, default=0.65, help="how far from not at all to always a pair may be"
    )
    given = parser.parse_args()
    taken = asyncio.run(measure(given.tries))
    for kind, times in taken.items():
        first, *_, last = (1e3 * each for each in statistics.quantiles(times, n=10))
        print(
            f"{kind:10} median {1e3 * statistics.median(times):7.2f} ms   p10 {first:7.2f}   p90 {last:7.2f}"
        )
    worst = 0.5
    for one, other in combinations(taken, 2):
        area = told_apart(taken[one], taken[other])
        worst = max(worst, area, 1 - area)
        print(f"{one} / {other}: {area:.3f}")
    print(f"the surest: {worst:.3f}, of {given.tries} tries each")
    return 1 if worst > given.most else 0


if __name__ == "__main__":
    raise SystemExit(main())
