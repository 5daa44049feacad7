"""What hubbub is held to: every row can be played, and what it told is judged as it should be."""

import pytest
from cyclopts import App

from figures import Played, ratios, table
from hubbub.cli.bench import bench
from rows import ROWS, Target, deliveries, delivery

TOLD = {
    "loads": [
        {
            "deliveries_per_second": 900_000.0,
            "delivery_ms": {"p99": 250.0},
            "acknowledged_per_second": 9000.0,
            "acknowledgement_ms": {"p99": 30.0},
        }
    ],
    "facts": {},
}
REFERENCE = [{"deliveries_per_second": 1_000_000.0, "delivery_ms": {"p99": 500.0}}]


def played(*targets: Target, **more):
    figures = [
        {
            "what": each.what,
            "reach": each.reach,
            "at_least": each.at_least,
            "value": each.read(TOLD),
            "reached": each.reached_by(each.read(TOLD)),
        }
        for each in targets
    ]
    return Played(row="r", what="a row", command="hubbub bench", figures=figures, told=TOLD, **more)


def lines(*rows):
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in table(rows).splitlines()[2:]]


def test_rows_have_names_of_their_own():
    assert len({row.name for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize("row", [row for row in ROWS if row.words], ids=lambda row: row.name)
def test_every_row_is_a_command_that_is_understood(row):
    app = App()
    app.command(bench)
    command, _, left, _ = app.parse_known_args(["bench", *map(str, row.words)])
    assert command is bench
    assert not left


def test_what_is_reached_stands_beside_what_is_not():
    told = lines(played(deliveries(1_000_000), delivery("p99", 300.0)))
    assert told[0][:5] == ["a row", "deliveries/s", "≥ 1,000,000", "900,000", "no"]
    assert told[1][:5] == ["", "delivery p99, ms", "≤ 300", "250", "yes"]


def test_a_broken_promise_reaches_nothing():
    assert lines(played(delivery("p99", 300.0), kept=False))[0][4].startswith("no: a promise")


def test_a_figure_of_a_generator_that_was_busy_says_so():
    assert "generator" in lines(played(deliveries(1_000_000), generator_was_busy=True))[0][4]


def test_a_row_that_failed_says_why():
    assert "no server" in lines(Played(row="r", what="a row", command="c", failed="no server"))[0][3]


def test_hubbub_is_put_beside_the_reference():
    assert ratios(TOLD, REFERENCE, posts=False) == {"rate": 0.9, "p99": 0.5}
    assert ratios(TOLD, REFERENCE, posts=True) == {"rate": 0.009, "p99": 0.06}
    assert ratios(TOLD, [], posts=False) == {}
