"""Who sits where."""

import pytest

from hubbub.bench.seats import (
    CLIENTS_PER_SOURCE,
    People,
    Person,
    Place,
    one_room_each,
    read_people,
    shares,
    source,
)

PEOPLE = People(
    users=[Person(f"user-{number}", f"hb_{number}") for number in range(10)],
    rooms=[Place(f"room{number}") for number in range(3)],
)


def test_clients_are_spread_evenly_over_the_rooms():
    seats = one_room_each(PEOPLE, 9, 3, "127.0.0.1")
    assert [seat.rooms for seat in seats] == [("room0",)] * 3 + [("room1",)] * 3 + [("room2",)] * 3


def test_with_more_clients_than_people_some_people_have_several():
    seats = one_room_each(PEOPLE, 12, 1, "127.0.0.1")
    assert seats[11].user == "user-1"


def test_neighbours_stay_in_one_process():
    assert shares(list(range(10)), 3) == [[0, 1, 2], [3, 4, 5], [6, 7, 8, 9]]


def test_no_address_of_the_loopback_has_more_clients_than_a_server_admits():
    sources = [source(number, "127.0.0.1") for number in range(200_000)]
    assert max(sources.count(each) for each in set(sources[:2000])) == CLIENTS_PER_SOURCE
    assert len(set(sources)) == 200_000 // CLIENTS_PER_SOURCE
    assert "127.0.0.1" not in sources


def test_elsewhere_the_system_chooses_the_address():
    assert source(5, "192.0.2.1") is None


def test_a_file_that_is_not_a_seed_says_so(tmp_path):
    (tmp_path / "seed.json").write_text('{"users": 3}')
    with pytest.raises(ValueError, match="hubbub seed"):
        read_people(tmp_path / "seed.json")
