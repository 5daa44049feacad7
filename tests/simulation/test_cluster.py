"""Many worlds of several nodes, what they have to meet, and the bugs that have to be found in them."""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from simulation.cluster_bugs import BUGS
from simulation.cluster_world import simulate
from simulation.command import main, told
from simulation.kept import KEPT_OF_CLUSTERS

SEEDS = range(1, 91)

WITHIN = 25
"""A planted bug is found in one of so many worlds, from the one that found it first."""

SITUATIONS = (
    "a WebSocket went on from a cursor",
    "a batch was stored, and its posters were told that the database is away",
    "a batch whose answer was lost was found to be stored",
    "a gap was told to a socket",
    "a key answered",
    "a long poll brought something",
    "a long poll was answered 503",
    "a mark was told",
    "a message was for a node that was apart",
    "a message was sent to a bus that was away",
    "a node could not start without the database",
    "a node died while an answer was on its way to it",
    "a node found the bus again",
    "a node found the database again",
    "a node lost the bus",
    "a node lost the database",
    "a node was frozen",
    "a post was answered storage-away",
    "a post was answered storage-full",
    "a post was sent again after the server had died, and acknowledged",
    "a reader caught up from the store",
    "a reader fell behind",
    "an event came before its turn",
    "an event was heard of again",
    "somebody signed out",
    "the bus doubled a message",
    "the bus lost a message",
    "the server died amid its answers",
    "the server left in peace",
    "what a node had not heard of was read",
    "what a reader had not read yet was removed",
    "what was acknowledged was read back",
)
"""Without these a simulation of several nodes would prove little."""


@pytest.fixture(scope="module")
def outcomes():
    return [simulate(seed) for seed in SEEDS]


def test_every_promise_is_kept_by_all_nodes_together(outcomes):
    assert not "\n".join(line for outcome in outcomes for line in told(outcome))


@pytest.mark.parametrize("seed", KEPT_OF_CLUSTERS)
def test_what_a_seed_found_is_not_there_again(seed):
    assert not "\n".join(told(simulate(seed)))


def test_the_places_where_things_go_wrong_are_reached(outcomes):
    met = sum((outcome.situations for outcome in outcomes), Counter())
    assert not [what for what in SITUATIONS if not met[what]]
    assert sum(outcome.deliveries for outcome in outcomes) > 10_000


def test_a_seed_is_the_same_world_in_every_process():
    here = simulate(7)
    there = subprocess.run(
        [sys.executable, "-m", "simulation", "--cluster", "--seed", "7"],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1]), "PYTHONHASHSEED": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert here.digest in there.stdout
    assert simulate(8).digest != here.digest


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_planted_bug_is_found(bug):
    with bug.planted():
        assert any(simulate(seed, first=True).faults for seed in range(bug.seed, bug.seed + WITHIN))


def test_a_seed_that_fails_says_how_to_see_it_again(capsys):
    (bug,) = (bug for bug in BUGS if bug.name == "a gap is skipped")
    with bug.planted():
        assert main(["--cluster", "--seeds", f"{bug.seed}-{bug.seed}"]) == 1
    assert f"-m simulation --cluster --seed {bug.seed} --trace" in capsys.readouterr().out
