"""Who the clients are, where they connect from, and which of the processes each belongs to."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import msgspec

CLIENTS_PER_SOURCE = 500
"""How many clients share an address of the loopback. An address has 28,000 ports, and a server admits 512
connections from each unless its operator has set something else."""

POSTERS = 16

_FIRST_SOURCE = 2
"""127.0.0.1 is left to everybody else."""


class Person(msgspec.Struct, frozen=True):
    name: str
    token: str


class Place(msgspec.Struct, frozen=True):
    """A room."""

    id: str
    name: str = ""


class People(msgspec.Struct, frozen=True):
    """What `hubbub seed` writes."""

    users: list[Person]
    rooms: list[Place]

    def __repr__(self) -> str:
        return f"People({len(self.users)} users, {len(self.rooms)} rooms)"


class Seat(msgspec.Struct, frozen=True, kw_only=True):
    """One client."""

    number: int
    user: str
    token: str
    source: str | None
    """The address it connects from; None for whichever the system takes."""
    rooms: tuple[str, ...] = ()
    hears_inbox: bool = False

    def __repr__(self) -> str:
        return f"Seat({self.number})"


def read_people(file: Path) -> People:
    """Raises OSError, or ValueError for what `hubbub seed` did not write."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=People)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise ValueError(f"{file} is not what `hubbub seed` writes: {error}") from error


def source(number: int, host: str) -> str | None:
    """Where client `number` connects from: only the loopback has addresses to choose from."""
    if not host.startswith("127."):
        return None
    place = _FIRST_SOURCE + number // CLIENTS_PER_SOURCE
    return f"127.0.{place // 250}.{place % 250}" if place >= 250 else f"127.0.0.{place}"


def seat(number: int, people: People, host: str, *, rooms: Sequence[str], inbox: bool = False) -> Seat:
    person = people.users[number % len(people.users)]
    return Seat(
        number=number,
        user=person.name,
        token=person.token,
        source=source(number, host),
        rooms=tuple(rooms),
        hears_inbox=inbox,
    )


def one_room_each(people: People, clients: int, rooms: int, host: str) -> list[Seat]:
    """Clients spread evenly over the first `rooms` rooms, those of one room next to each other."""
    return [
        seat(number, people, host, rooms=[people.rooms[number * rooms // clients].id])
        for number in range(clients)
    ]


def posters_beside(people: People, readers: Sequence[Seat], host: str) -> list[Seat]:
    """Clients that only post: one for each room of the readers, and POSTERS at least."""
    rooms = list(dict.fromkeys(room for each in readers for room in each.rooms))
    return [
        seat(len(readers) + number, people, host, rooms=[rooms[number % len(rooms)]])
        for number in range(max(POSTERS, len(rooms)))
    ]


def shares(seats: Sequence[Seat], processes: int) -> list[list[Seat]]:
    """The seats of each process: neighbours stay together, so that as few rooms as possible are heard, and
    parsed, by more than one."""
    bounds = [len(seats) * index // processes for index in range(processes + 1)]
    return [list(seats[begin:end]) for begin, end in pairwise(bounds)]
