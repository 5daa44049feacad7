"""Some hundred worlds, what they have to meet, and the bugs that have to be found in them."""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from simulation.alone_world import simulate
from simulation.bugs import BUGS
from simulation.command import main, told
from simulation.kept import KEPT

SEEDS = range(1, 101)

WITHIN = 25
"""A planted bug is found in one of so many worlds, from the one that found it first."""

SITUATIONS = (
    "a WebSocket was told bye: shutting-down",
    "a WebSocket was told bye: signed-out",
    "a WebSocket was told bye: expired",
    "a WebSocket went on from a cursor",
    "a checkpoint wrote to the database",
    "a client was not listened to for a while",
    "a connection broke amid a frame",
    "a connection was read on in the next turn",
    "a cursor from the future was refused",
    "a gap was told to a polling",
    "a gap was told to a socket",
    "a gap was told to a stream",
    "a key answered",
    "a key answered for a message that was removed",
    "a log was unsubscribed",
    "a long poll brought something",
    "a long poll came to its end",
    "a message came in fragments",
    "a page of the past was read",
    "a post was answered head-moved",
    "a post was answered storage-failed",
    "a post was answered storage-full",
    "a post was sent again after the server had died, and acknowledged",
    "a reader caught up from memory",
    "a reader caught up from the store",
    "a reader fell behind",
    "a reader joined the head",
    "a request was sent before the answer to another",
    "a stream (ndjson) went on from a cursor",
    "a stream (sse) went on from a cursor",
    "a stream was opened with a ticket",
    "a stream was told bye: shutting-down",
    "a stream was told bye: signed-out",
    "a sync failed",
    "a sync was made apart",
    "a sync was slow",
    "a write failed",
    "an event stream came back with its Last-Event-ID",
    "another text under a used key was refused",
    "nobody listened",
    "posting was full",
    "somebody signed out",
    "the clock was put back",
    "the clock was put forward",
    "the disk was full",
    "the server died amid a commit",
    "the server died amid its answers",
    "the server died between a commit and its acknowledgement",
    "the server died while it was starting",
    "the server left in peace",
    "the store broke, and the server left",
    "the system gave a peer up",
    "what a reader had not read yet was removed",
    "what was acknowledged was read back",
)
"""Without these a simulation would prove little."""


@pytest.fixture(scope="module")
def outcomes():
    return [simulate(seed) for seed in SEEDS]


def test_every_promise_is_kept(outcomes):
    assert not "\n".join(line for outcome in outcomes for line in told(outcome))


@pytest.mark.parametrize("seed", KEPT)
def test_what_a_seed_found_is_not_there_again(seed):
    assert not "\n".join(told(simulate(seed)))


def test_the_places_where_things_go_wrong_are_reached(outcomes):
    met = sum((outcome.situations for outcome in outcomes), Counter())
    power_cuts = [what for what in met if what.startswith("power was lost with writes unsynced")]
    assert not [what for what in SITUATIONS if not met[what]]
    assert len(power_cuts) == 4, "of what was not synced nothing, some, the first or all may be there"
    assert sum(outcome.deliveries for outcome in outcomes) > 10_000


def test_a_seed_is_the_same_world_in_every_process():
    here = simulate(7)
    there = subprocess.run(
        [sys.executable, "-m", "simulation", "--seed", "7"],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1]), "PYTHONHASHSEED": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert here.digest in there.stdout
    assert simulate(7).digest == here.digest
    assert simulate(8).digest != here.digest


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_planted_bug_is_found(bug):
    with bug.planted():
        assert any(simulate(seed, first=True).faults for seed in range(bug.seed, bug.seed + WITHIN))


def test_a_seed_that_fails_says_how_to_see_it_again(capsys):
    (bug,) = (bug for bug in BUGS if bug.name == "a key is not written down")
    with bug.planted():
        assert main(["--seeds", f"{bug.seed}-{bug.seed}"]) == 1
    said = capsys.readouterr().out
    assert f"-m simulation --seed {bug.seed} --trace" in said
    assert "1 seeds failed" in said
