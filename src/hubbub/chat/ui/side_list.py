"""The rooms I follow and the people I write with, and what is unread in each."""

from collections.abc import Iterator

from rich.cells import cell_len, set_cell_size
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from hubbub.chat import words
from hubbub.chat.state.places import PersonPlace, Place, RoomPlace
from hubbub.chat.state.state import State
from hubbub.terminal import harmless_line

WIDTH = 28
_INNER = WIDTH - 4

Line = tuple[Place | None, str, int, bool]
"""A place, or None for a heading; its name; how much is unread; whether a draft waits there."""


class SideList(OptionList):
    class Chosen(Message):
        def __init__(self, place: Place, name: str) -> None:
            super().__init__()
            self.place = place
            self.name = name

    def __init__(self) -> None:
        super().__init__(id="side-list", compact=True, markup=False)
        self._shown: tuple[tuple[Line, ...], Place | None] | None = None
        self._places: list[tuple[Place, str] | None] = []

    def show(self, state: State) -> None:
        lines = tuple(_lines(state))
        if (lines, state.place) == self._shown:
            return
        self._shown = (lines, state.place)
        kept = self._place_at(self.highlighted)
        self._places = [(place, name) if place else None for place, name, _, _ in lines]
        self.set_options(Option(_prompt(*line, state), disabled=line[0] is None) for line in lines)
        wanted = kept if self.has_focus and kept else state.place
        for index, each in enumerate(self._places):
            if each is not None and each[0] == wanted:
                self.highlighted = index

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        chosen = self._places[event.option_index]
        if chosen is not None:
            self.post_message(self.Chosen(*chosen))

    def _place_at(self, index: int | None) -> Place | None:
        chosen = self._places[index] if index is not None and index < len(self._places) else None
        return chosen[0] if chosen else None


def places(state: State) -> list[tuple[Place, str, int]]:
    """All of them from top to bottom: place, name, unread."""
    return [(place, name, unread) for place, name, unread, _ in _lines(state) if place is not None]


def _lines(state: State) -> Iterator[Line]:
    yield None, words.ROOMS, 0, False
    for room in state.side.rooms:
        yield _line(state, RoomPlace(room.id), room.name, room.unread)
    if not state.side.rooms:
        yield None, f"  {words.NO_ROOMS}", 0, False
    yield None, "", 0, False
    yield None, words.PEOPLE, 0, False
    for person in state.side.people:
        yield _line(state, PersonPlace(person.user), person.user, person.unread)
    if not state.side.people:
        yield None, f"  {words.NO_PEOPLE}", 0, False


def _line(state: State, place: Place, name: str, unread: int) -> Line:
    drafted = place in state.drafts and place != state.place
    return place, name, unread, drafted


def _prompt(place: Place | None, name: str, unread: int, drafted: bool, state: State) -> Content:
    if place is None:
        return Content.styled(name, "$quiet" if name.startswith(" ") else "bold $accent")
    sign = "#" if isinstance(place, RoomPlace) else "@"
    count = words.unread_count(unread) if unread else "✎" if drafted else ""
    room = _INNER - 2 - (cell_len(count) + 1 if count else 0)
    shown = harmless_line(name)
    if cell_len(shown) > room:
        shown = set_cell_size(shown, room - 1) + "…"
    open_here = place == state.place
    return Content.assemble(
        (f"{sign} ", "$primary" if open_here else "$quiet"),
        (set_cell_size(shown, room), "bold" if unread or open_here else ""),
        (f" {count}" if count else "", "bold $primary" if unread else "$quiet"),
    )
