"""Many seeds, or one to look at."""

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from multiprocessing import get_context
from pathlib import Path

import msgspec

from simulation.alone_world import simulate as simulate_alone
from simulation.cluster_world import ClusterWorld
from simulation.cluster_world import simulate as simulate_cluster
from simulation.world import Outcome

_TESTS = Path(__file__).resolve().parents[1]


Simulate = Callable[..., Outcome]

CLUSTER = ClusterWorld.KIND


class Total(msgspec.Struct):
    """Over all the seeds so far."""

    seeds: int = 0
    actions: int = 0
    deliveries: int = 0
    acknowledged: int = 0
    virtual_seconds: float = 0.0
    situations: Counter[str] = msgspec.field(default_factory=Counter)
    failed: list[int] = []

    def add(self, outcome: Outcome) -> None:
        self.seeds += 1
        self.actions += outcome.actions
        self.deliveries += outcome.deliveries
        self.acknowledged += outcome.acknowledged
        self.virtual_seconds += outcome.virtual_seconds
        self.situations += outcome.situations
        if outcome.faults:
            self.failed.append(outcome.seed)


def replay(outcome: Outcome) -> str:
    """The command that shows it again."""
    which = f"--{CLUSTER} " if outcome.kind == CLUSTER else ""
    tests = os.path.relpath(_TESTS)
    return f"PYTHONPATH={tests} {sys.executable} -m simulation {which}--seed {outcome.seed} --trace"


def told(outcome: Outcome) -> Iterator[str]:
    """What went wrong in a seed, in lines."""
    if outcome.faults:
        yield f"seed {outcome.seed}: {len(outcome.faults)} promises broken"
        yield from (f"  {fault}" for fault in outcome.faults)
        yield f"  again: {replay(outcome)}"


def main(given: Sequence[str] | None = None) -> int:
    asked = _asked(given)
    simulate = simulate_cluster if asked.cluster else simulate_alone
    if asked.seed is not None:
        outcome = simulate(asked.seed, trace=asked.trace)
        _say("\n".join(told(outcome)) or f"seed {asked.seed}: every promise was kept ({outcome.digest})")
        return 1 if outcome.faults else 0
    total = Total()
    began = time.monotonic()
    for outcome in _outcomes(simulate, asked.seeds, asked.jobs):
        total.add(outcome)
        for line in told(outcome):
            _say(line)
    _say("\n".join(_summary(total, time.monotonic() - began)))
    return 1 if total.failed else 0


def _outcomes(simulate: Simulate, seeds: range, jobs: int) -> Iterator[Outcome]:
    if jobs == 1:
        yield from map(simulate, seeds)
        return
    with get_context("spawn").Pool(jobs) as pool:
        yield from pool.imap_unordered(simulate, seeds, chunksize=20)


def _summary(total: Total, seconds: float) -> Iterator[str]:
    yield f"{'situation':70} times"
    for what, times in sorted(total.situations.items()):
        yield f"{what:70} {times}"
    yield (
        f"{total.seeds:,} seeds in {seconds:.0f} s ({60 * total.seeds / max(seconds, 0.001):,.0f} a minute), "
        f"{total.virtual_seconds / 3600:,.1f} simulated hours: {total.actions:,} actions, "
        f"{total.acknowledged:,} acknowledgements and {total.deliveries:,} deliveries checked"
    )
    if total.failed:
        yield f"{len(total.failed)} seeds failed: {' '.join(map(str, sorted(total.failed)))}"
    else:
        yield "every promise was kept"


def _asked(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m simulation", description=__doc__)
    parser.add_argument("--seeds", type=_seeds, default=range(1, 1001), metavar="FIRST-LAST")
    parser.add_argument(
        "--cluster", action="store_true", help="several nodes on one store, over a faulty bus"
    )
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--seed", type=int, help="this one alone")
    parser.add_argument("--trace", action="store_true", help="with --seed: say all that happens")
    return parser.parse_args(given)


def _seeds(text: str) -> range:
    first, dash, last = text.partition("-")
    return range(int(first), int(last) + 1) if dash else range(1, int(first) + 1)


def _say(text: str) -> None:
    if text:
        print(text, flush=True)
