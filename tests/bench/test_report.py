"""What a person and a program are told at the end."""

import io
import json

import pytest
from rich.console import Console

from bench.loads import load
from hubbub.bench.asked import Asked
from hubbub.bench.outcome import Outcome
from hubbub.bench.report import BROKEN, as_json, show
from hubbub.bench.verdict import Verdict


def shown(verdict=None, loads=()):
    console = Console(file=io.StringIO(), width=200)
    show(console, Asked(), Outcome(loads=list(loads), verdict=verdict or Verdict(), facts={"rooms_found": 3}))
    return console.file.getvalue()


def test_kept_promises_are_told_in_one_line():
    assert "each once, in order, none missing, none unknown" in shown()


@pytest.mark.parametrize("promise", BROKEN)
def test_a_broken_promise_is_told_by_what_it_was(promise):
    verdict = Verdict(**{promise: 10})
    told = shown(verdict)
    assert f"10 {promise.replace('_', ' ')}" in told
    assert "each once" not in told
    assert verdict.broken == 10
    assert not verdict.as_dict()["kept"]


def test_what_was_refused_and_what_was_never_answered_is_told():
    told = shown(Verdict(unanswered=2, refused={"/problems/too-fast": 7}, lost_connections=1))
    assert "2 posts were not answered" in told
    assert "7 posts were refused: /problems/too-fast" in told
    assert "1 connections were lost" in told


def test_figures_of_a_generator_that_was_busy_come_with_a_warning():
    assert "may be what was measured" in " ".join(shown(loads=[load(10, 5, cpu_seconds=0.95)]).split())
    assert "may be what was measured" not in " ".join(shown(loads=[load(10, 5, cpu_seconds=0.5)]).split())


def test_many_loads_fit_a_narrow_terminal_whole():
    console = Console(file=io.StringIO(), width=80)
    loads = [load(1_000_000, 5)] * 7
    show(console, Asked(), Outcome(loads=loads, verdict=Verdict(), facts={}))
    told = console.file.getvalue()
    assert "…" not in told
    rows = [line for line in told.splitlines() if line.startswith("deliveries/s ")]
    assert [len(row.split()) - 1 for row in rows] == [4, 3]


def test_what_was_shed_stands_beside_what_was_taken():
    told = shown(Verdict(posted=100, acknowledged=60, shed=40), [load(60, 5, shed=40)])
    assert [line.split() for line in told.splitlines() if "/s" in line.split("  ")[0]] == [
        ["posts/s", "100"],
        ["acknowledged/s", "60"],
        ["shed/s", "40"],
        ["deliveries/s", "6,000"],
    ]
    assert "40 posts were shed" in told


def test_a_row_that_nothing_was_measured_of_is_left_out():
    told = shown(loads=[load(10, 5)])
    assert "delivery p99.9, ms" in told
    assert not {"shed", "health", "page", "memory"} & set(told.split())


def test_a_program_is_told_the_same():
    outcome = Outcome(loads=[load(10, 5)], verdict=Verdict(posted=10), facts={"rooms_found": 3})
    told = json.loads(as_json(Asked(), outcome, {"commit": "abc"}))
    assert told["commit"] == "abc"
    assert told["asked"]["scenario"] == "fanout"
    assert told["verdict"]["kept"]
    assert told["facts"] == {"rooms_found": 3}
    assert told["loads"][0]["generator_cpu"] == [0.5]
    assert 5.0 <= told["loads"][0]["delivery_ms"]["p99"] <= 5.04
