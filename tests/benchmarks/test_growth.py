"""Figures over sizes, and the stores they are read from."""

import asyncio
import os

import filling
import stored
from curves import Curve, Grown, Picture, draw, table
from growth import Sized
from hubbub.domain.ids import RoomId, room_log
from hubbub.storage.sqlite import SqliteStore

PICTURE = Picture(
    name="page",
    title="A page",
    unit=" ms",
    curves=[
        Curve(name="p50", points=[(1000, 1.0), (10_000, None)], drawn=False),
        Curve(name="p99", points=[(1000, 2.0), (10_000, 250.0)]),
    ],
)


def test_the_table_has_a_column_for_each_size_and_a_dash_where_nothing_was_found():
    assert table(Grown(name="messages", along="messages", pictures=[PICTURE])).splitlines() == [
        "| | 1,000 messages | 10,000 messages |",
        "| --- | ---: | ---: |",
        "| A page, p50, ms | 1.00 | – |",
        "| A page, p99, ms | 2.00 | 250 |",
    ]


def test_what_is_for_the_table_only_is_not_drawn():
    drawn = draw(PICTURE, "messages")
    assert ">p99<" in drawn
    assert ">p50<" not in drawn


def test_a_load_is_a_command():
    words = Sized(size=1, clients=100, rooms=1, per_second=2.5).words(True)
    assert words == ("fanout", "--clients", 100, "--rooms", 1, "--rate", "2.5", "--seconds", 2)


async def test_half_of_what_a_store_is_filled_with_is_in_one_long_room(tmp_path):
    def fill():
        inside = filling.people(tmp_path / "data", users=3, rooms=5)
        for begin, end in ((0, 30), (30, 100)):
            filling.fill(tmp_path / "data", inside, begin=begin, end=end)
        return inside

    inside = await asyncio.to_thread(fill)
    store = SqliteStore.open(tmp_path / "data", now_ms=lambda: 1, randomness=os.urandom, on_broken=print)
    heads = [await store.head(room_log(RoomId(room.id))) for room in inside.rooms]
    await store.close()
    assert heads == [60, 10, 10, 10, 10]


async def test_a_request_after_the_other_is_timed():
    async def nothing():
        pass

    assert (await stored.timed([nothing] * 7)).count == 7
