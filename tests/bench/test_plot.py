"""The picture of latency over load."""

import xml.etree.ElementTree as ElementTree
from itertools import pairwise

from bench.loads import load
from hubbub.bench.chart import HEIGHT, WIDTH, Line, Scale, chart
from hubbub.bench.plot import latency_over_load


def drawn(*loads):
    return ElementTree.fromstring(latency_over_load("a < title", loads) or "")


def places(picture, tag="{http://www.w3.org/2000/svg}circle"):
    return [(float(each.get("cx")), float(each.get("cy"))) for each in picture.iter(tag)]


def test_every_load_has_a_point_for_each_percentile():
    assert len(places(drawn(load(500, 1, 5), load(5000, 100, 250)))) == 2 * 4


def test_all_of_it_is_inside_the_picture():
    picture = drawn(load(1, 0), load(100_000, 30_000))
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in places(picture))


def test_more_load_is_further_right_and_more_latency_further_up():
    low, high = places(drawn(load(5000, 200), load(500, 2)))[:2]  # whatever their order
    assert low[0] < high[0]
    assert low[1] > high[1]


def test_where_nothing_was_measured_there_is_no_picture():
    assert latency_over_load("idle", []) is None
    assert latency_over_load("silent", [load(10)]) is None


def test_names_of_lines_that_end_close_together_do_not_cover_each_other():
    lines = [Line(name, [(1, 10.0), (2, 10.0 + number)]) for number, name in enumerate("abcde")]
    picture = ElementTree.fromstring(chart("five", lines, Scale("clients"), Scale("", doubling=True)))
    names = [each for each in picture.iter("{http://www.w3.org/2000/svg}text") if each.get("class")]
    heights = sorted(float(each.get("y")) for each in names)
    assert [each.text for each in names] == list("edcba")
    assert all(below - above >= 17 for above, below in pairwise(heights))
    assert heights[-1] <= HEIGHT


def test_a_line_without_a_point_is_not_named():
    picture = chart("one", [Line("some", [(1, 1)]), Line("none", [])], Scale("clients"), Scale("ms"))
    assert "some" in picture
    assert "none<" not in picture


def test_large_numbers_are_told_short():
    picture = chart(
        "many", [Line("a", [(10, 1), (1_000_000, 5)])], Scale("users", doubling=True), Scale("ms")
    )
    assert all(f">{mark}<" in picture for mark in ("10", "100", "1 k", "10 k", "100 k", "1 M"))


def test_it_reads_on_light_and_on_dark():
    assert "prefers-color-scheme:dark" in latency_over_load("a title", [load(10, 5)])
