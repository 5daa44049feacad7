"""The page of peers: each is played by the same rules, and what could not be played is said."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from contender import Crowd
from contenders import CONTENDERS
from peers_table import FAULTS, tables

ROOT = Path(__file__).parents[2]

HERE = ["c-joined", "hubbub-keyed"]
"""What can be measured without anything being installed."""


def load(rate, deliveries_per_second, **changes):
    return {
        "offered_per_second": rate,
        "deliveries_per_second": deliveries_per_second,
        "delivery_ms": {"p99": 12.3},
        "behind": False,
        **dict.fromkeys(FAULTS, 0),
        **changes,
    }


def result(*loads, **changes):
    return {
        "title": "a server",
        "keeps": "nothing",
        "version": "1.0",
        "crowd": {"clients": 1000},
        "resident_bytes_a_connection": 2048.0,
        "loads": list(loads),
        **changes,
    }


def test_a_smaller_crowd_is_in_rooms_of_the_same_size():
    crowd = Crowd(clients=10_000, rooms=100, payload_bytes=80)

    assert crowd.at_most(2000) == Crowd(clients=2000, rooms=20, payload_bytes=80)
    assert crowd.at_most(None) is crowd
    assert crowd.at_most(10_001) is crowd


def test_every_contender_has_a_name_of_its_own():
    assert (
        len({each.name for each in CONTENDERS}) == len({each.title for each in CONTENDERS}) == len(CONTENDERS)
    )


def test_the_table_has_a_column_for_each_load():
    table = tables([result(load(100, 10_000), load(200, 20_000))], [100, 200])

    assert "| a server | 10 k, 12 ms | 20 k, 12 ms | 2.0 KB |" in table


def test_the_table_says_who_has_fallen_behind_and_was_not_given_more():
    table = tables([result(load(100, 5000, behind=True, missing=1234))], [100, 200])

    assert "| a server | 5 k, 12 ms; behind; 1,234 not arrived |  | 2.0 KB |" in table


def test_the_table_says_who_was_not_measured():
    table = tables([{"title": "a server", "keeps": "nothing", "failed": "it did\nnot start"}], [100])

    assert "| a server | not measured: it did not start |  |" in table


@pytest.mark.usefixtures("programs")
def test_the_reference_and_hubbub_are_measured_by_the_same_rules(tmp_path):
    command = [sys.executable, str(ROOT / "benchmarks" / "peers.py"), "--only", ",".join(HERE)]
    command += ["--clients", "20", "--room-size", "10", "--rates", "20", "--seconds", "0.3"]
    command += ["--warm-up", "0.2", "--quiet", "0.1", "--out", str(tmp_path)]

    subprocess.run(command, check=True, capture_output=True)

    told = json.loads((tmp_path / "peers.json").read_bytes())
    assert [server["name"] for server in told["servers"]] == HERE
    for server in told["servers"]:
        (told_by_server,) = server["loads"]
        assert told_by_server["delivered"] == 100
        assert not any(told_by_server[fault] for fault in FAULTS)
    assert "| C reference, joined | " in (tmp_path / "peers.md").read_text("utf-8")
