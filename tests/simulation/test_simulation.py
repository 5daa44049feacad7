"""Some hundred worlds of one node, and of several: what they have to meet, and bugs that have to be found."""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import pytest

from simulation import alone_world, bugs, cluster_bugs, cluster_world, kept, situations
from simulation.bugs import Bug
from simulation.command import Simulate, main, told

WITHIN = 25
"""A planted bug is found in one of so many worlds, from the one that found it first."""


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """Of worlds."""

    simulate: Simulate
    seeds: range
    words: Sequence[str]
    """For the command."""
    situations: Sequence[str]
    kept: Mapping[int, str]
    bugs: Sequence[Bug]
    shown: str
    """The name of a bug that nearly every world shows."""


KINDS = {
    "alone": Kind(
        simulate=alone_world.simulate,
        seeds=range(1, 101),
        words=(),
        situations=situations.OF_ONE_NODE,
        kept=kept.KEPT,
        bugs=bugs.BUGS,
        shown="a key is not written down",
    ),
    "cluster": Kind(
        simulate=cluster_world.simulate,
        seeds=range(1, 91),
        words=("--cluster",),
        situations=situations.OF_A_CLUSTER,
        kept=kept.KEPT_OF_CLUSTERS,
        bugs=cluster_bugs.BUGS,
        shown="a gap is skipped",
    ),
}


@pytest.fixture(scope="module", params=KINDS.values(), ids=KINDS)
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def outcomes(kind):
    return [kind.simulate(seed) for seed in kind.seeds]


def of_each(what):
    """Each kind with each of what it has of these."""
    return [
        pytest.param(kind, each, id=f"{name}-{getattr(each, 'name', each)}")
        for name, kind in KINDS.items()
        for each in getattr(kind, what)
    ]


def test_every_promise_is_kept(outcomes):
    assert not "\n".join(line for outcome in outcomes for line in told(outcome))


@pytest.mark.parametrize(("kind", "seed"), of_each("kept"))
def test_what_a_seed_found_is_not_there_again(kind, seed):
    assert not "\n".join(told(kind.simulate(seed)))


def test_the_places_where_things_go_wrong_are_reached(kind, outcomes):
    met = sum((outcome.situations for outcome in outcomes), Counter())
    assert not [what for what in kind.situations if not met[what]]
    assert sum(outcome.deliveries for outcome in outcomes) > 10_000


def test_a_seed_is_the_same_world_in_every_process(kind):
    here = kind.simulate(7)
    there = subprocess.run(
        [sys.executable, "-m", "simulation", *kind.words, "--seed", "7"],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1]), "PYTHONHASHSEED": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert here.digest in there.stdout
    assert kind.simulate(7).digest == here.digest
    assert kind.simulate(8).digest != here.digest


@pytest.mark.parametrize(("kind", "bug"), of_each("bugs"))
def test_a_planted_bug_is_found(kind, bug):
    with bug.planted():
        assert any(kind.simulate(seed, first=True).faults for seed in range(bug.seed, bug.seed + WITHIN))


def test_a_seed_that_fails_says_how_to_see_it_again(kind, capsys):
    (bug,) = (bug for bug in kind.bugs if bug.name == kind.shown)
    with bug.planted():
        assert main([*kind.words, "--seeds", f"{bug.seed}-{bug.seed}"]) == 1
    said = capsys.readouterr().out
    assert " ".join(["-m simulation", *kind.words, f"--seed {bug.seed} --trace"]) in said
    assert "1 seeds failed" in said
