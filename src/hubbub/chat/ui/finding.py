"""What the dialogs find for what is typed."""

from hubbub.chat import words
from hubbub.chat.state.places import PersonPlace, RoomPlace
from hubbub.chat.talk import Talk
from hubbub.chat.ui.chooser import Choice, Find
from hubbub.chat.ui.side_list import places
from hubbub.client import ConnectionLost
from hubbub.domain.policy import folded

MOST_SHOWN = 100


def everything(talk: Talk) -> Find:
    """What is at the side first, then all rooms and people of the server."""

    async def find(typed: str) -> list[Choice]:
        known = [
            _of_place(place, name, words.unread_count(unread) if unread else "")
            for place, name, unread in places(talk.state)
            if folded(typed) in folded(name)
        ]
        if not typed:
            return sorted(known, key=lambda each: not each.note)
        try:
            others = [Choice("#", room.name, RoomPlace(room.id)) for room in await talk.find_rooms(typed)]
            others += [Choice("@", name, PersonPlace(name)) for name in await talk.find_people(typed)]
        except ConnectionLost:
            others = []
        there = {each.place for each in known}
        return [*known, *(each for each in others if each.place not in there)][:MOST_SHOWN]

    return find


def rooms_or_new(talk: Talk) -> Find:
    async def find(typed: str) -> list[Choice]:
        found = [Choice("#", room.name, RoomPlace(room.id)) for room in await talk.find_rooms(typed)]
        if typed and all(folded(each.name) != folded(typed) for each in found):
            found.append(Choice("+", typed, None))
        return found

    return find


def people(talk: Talk) -> Find:
    async def find(typed: str) -> list[Choice]:
        return [Choice("@", name, PersonPlace(name)) for name in await talk.find_people(typed)]

    return find


def _of_place(place: RoomPlace | PersonPlace, name: str, note: str) -> Choice:
    return Choice("#" if isinstance(place, RoomPlace) else "@", name, place, note)
