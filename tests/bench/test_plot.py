"""The picture of latency over load."""

import xml.etree.ElementTree as ElementTree

from bench.loads import load
from hubbub.bench.plot import HEIGHT, WIDTH, latency_over_load


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
    low, high = places(drawn(load(500, 2), load(5000, 200)))[:2]
    assert low[0] < high[0]
    assert low[1] > high[1]


def test_where_nothing_was_measured_there_is_no_picture():
    assert latency_over_load("idle", []) is None
    assert latency_over_load("silent", [load(10)]) is None
