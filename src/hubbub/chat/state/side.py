"""The rooms I follow and the people I write with, and how much is unread in each."""

from collections.abc import Callable, Iterable
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from hubbub.chat.state.places import Place, RoomPlace
from hubbub.domain.policy import folded

_JUST_NOW = 1 << 53  # somebody who was chosen to be written to, and to whom nothing was written yet


class Followed(Struct, frozen=True, kw_only=True):
    """A room with a mark."""

    id: str
    name: str
    seq: int
    """How far I have read, on whatever device."""
    head: int

    @property
    def unread(self) -> int:
        return max(0, self.head - self.seq)


class Conversation(Struct, frozen=True, kw_only=True):
    user: str
    seq: int
    """My mark, in my own inbox."""
    unread: int
    last_seq: int
    """Of the newest event, in either direction; 0 when nothing was written yet."""
    last_at: datetime | None = None


class Side(Struct, frozen=True, kw_only=True):
    """Always true: rooms are in the order of their names, conversations in that of what was said last."""

    rooms: tuple[Followed, ...] = ()
    people: tuple[Conversation, ...] = ()

    def room(self, id: str) -> Followed | None:
        return next((each for each in self.rooms if each.id == id), None)

    def person(self, name: str) -> Conversation | None:
        return next((each for each in self.people if each.user == name), None)

    @property
    def unread(self) -> int:
        return sum(room.unread for room in self.rooms) + sum(person.unread for person in self.people)


def unread_at(side: Side, place: Place) -> int:
    row = side.room(place.id) if isinstance(place, RoomPlace) else side.person(place.name)
    return row.unread if row else 0


def mark_at(side: Side, place: Place) -> int | None:
    """How far I have read there; None where I have no mark."""
    row = side.room(place.id) if isinstance(place, RoomPlace) else side.person(place.name)
    return row.seq if row else None


def with_rooms(side: Side, told: Iterable[Followed], *, keep: str | None) -> Side:
    """As the server tells them. What was heard or marked meanwhile is newer, so the larger number stands.

    `keep`: a room that stays though it was not told of: it has just been opened.
    """
    known = {each.id: each for each in side.rooms}
    rooms = {each.id: _newer(known.get(each.id), each) for each in told}
    if keep is not None and keep in known:
        rooms.setdefault(keep, known[keep])
    return replace(side, rooms=_by_name(rooms.values()))


def with_room(side: Side, room: Followed) -> Side:
    others = [each for each in side.rooms if each.id != room.id]
    return replace(side, rooms=_by_name([*others, _newer(side.room(room.id), room)]))


def without_room(side: Side, id: str) -> Side:
    return replace(side, rooms=tuple(each for each in side.rooms if each.id != id))


def with_people(side: Side, told: Iterable[Conversation]) -> Side:
    """As the server tells them, but for those of whom more was heard meanwhile."""
    people = {each.user: each for each in side.people}
    for each in told:
        known = people.get(each.user)
        if known is None or known.last_seq <= each.last_seq:
            people[each.user] = each if known is None or known.seq <= each.seq else known
    return replace(side, people=_by_last(people.values()))


def with_person(side: Side, name: str) -> Side:
    """With a row for somebody nothing was written with yet."""
    if side.person(name) is not None:
        return side
    new = Conversation(user=name, seq=0, unread=0, last_seq=0)
    return replace(side, people=_by_last([*side.people, new]))


def heard_in_room(side: Side, id: str, seq: int) -> Side:
    return _room_changed(side, id, lambda room: replace(room, head=max(room.head, seq)))


def heard_of_person(side: Side, name: str, seq: int, at: datetime, *, theirs: bool) -> Side:
    """Each event counts once, however often it is heard."""
    side = with_person(side, name)
    row = side.person(name)
    assert row is not None
    if seq <= row.last_seq:
        return side
    counts = theirs and seq > row.seq
    row = replace(row, last_seq=seq, last_at=at, unread=row.unread + counts)
    return replace(side, people=_by_last([row, *(each for each in side.people if each.user != name)]))


def marked_room(side: Side, id: str, seq: int) -> Side:
    """Marks only move forward."""
    return _room_changed(
        side, id, lambda room: replace(room, seq=max(room.seq, seq), head=max(room.head, seq))
    )


def marked_person(side: Side, name: str, seq: int) -> Side:
    """All is read when the mark is at the newest; how much is, before it, only the server can tell."""

    def change(row: Conversation) -> Conversation:
        if seq <= row.seq:
            return row
        return replace(row, seq=seq, unread=0 if seq >= row.last_seq else row.unread)

    return replace(side, people=tuple(change(each) if each.user == name else each for each in side.people))


def _room_changed(side: Side, id: str, change: Callable[[Followed], Followed]) -> Side:
    return replace(side, rooms=tuple(change(each) if each.id == id else each for each in side.rooms))


def _newer(known: Followed | None, told: Followed) -> Followed:
    if known is None:
        return told
    return replace(told, seq=max(known.seq, told.seq), head=max(known.head, told.head))


def _by_name(rooms: Iterable[Followed]) -> tuple[Followed, ...]:
    return tuple(sorted(rooms, key=lambda room: (folded(room.name), room.id)))


def _by_last(people: Iterable[Conversation]) -> tuple[Conversation, ...]:
    return tuple(sorted(people, key=lambda row: (-(row.last_seq or _JUST_NOW), row.user)))
