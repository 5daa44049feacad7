"""All that a chat client knows, and what each happening makes of it."""

from collections.abc import Callable

from msgspec import Struct
from msgspec.structs import replace

from hubbub.chat.state import events, outbox, side, timeline
from hubbub.chat.state.connection import Connecting, Connection
from hubbub.chat.state.events import Happening
from hubbub.chat.state.outbox import Outbox
from hubbub.chat.state.places import PersonPlace, Place, RoomPlace
from hubbub.chat.state.side import Side
from hubbub.chat.state.timeline import Removed, Said, Timeline


class State(Struct, frozen=True, kw_only=True):
    """Always true: nothing that I wrote is both in `outbox` and among the open place's entries."""

    me: str
    connection: Connection = Connecting()
    side: Side = Side()
    open: Timeline | None = None
    name: str = ""
    """Of the open place."""
    outbox: Outbox = ()
    drafts: dict[Place, str] = {}

    @property
    def place(self) -> Place | None:
        return self.open.place if self.open else None

    @property
    def draft(self) -> str:
        return self.drafts.get(self.open.place, "") if self.open else ""

    @property
    def pending(self) -> Outbox:
        """Of the open place."""
        return outbox.of_place(self.outbox, self.open.place) if self.open else ()


def after(state: State, happening: Happening) -> State:
    """`state` after `happening`; the same value when it changed nothing of what is seen."""
    match happening:
        case events.Heard(place=place, entry=entry):
            return _heard(state, place, entry)
        case events.NewestCame(place=place, page=page, reaches_start=start):
            return _paged(
                state, place, "first", lambda window: timeline.came_newest(window, page, reaches_start=start)
            )
        case events.OlderCame(place=place, before=before, page=page, reaches_start=start):
            if state.open is None or state.open.first != before:
                return state
            return _paged(
                state, place, "older", lambda window: timeline.came_older(window, page, reaches_start=start)
            )
        case events.NewerCame(place=place, after=last, page=page, reaches_end=end):
            if state.open is None or state.open.last != last:
                return state
            return _paged(
                state, place, "newer", lambda window: timeline.came_newer(window, page, reaches_end=end)
            )
        case events.NothingCame(place=place, trouble=trouble):
            return _window(state, place, lambda window: timeline.failed(window, trouble))
        case events.Asked(what=what):
            return _window(state, state.place, lambda window: timeline.loading(window, what))
        case events.Scrolled(at_end=at_end):
            return _window(
                state,
                state.place,
                lambda window: window if window.following == at_end else replace(window, following=at_end),
            )
        case events.Opened(place=place, name=name):
            return _opened(state, place, name)
        case events.Closed():
            return replace(state, open=None, name="")
        case events.ConnectionMoved(connection=connection):
            return replace(state, connection=connection)
        case events.Drafted(place=place, text=text):
            drafts = {each: draft for each, draft in state.drafts.items() if each != place}
            return replace(state, drafts=drafts | {place: text} if text else drafts)
        case events.Wrote() | events.Moved() | events.Discarded():
            return replace(state, outbox=_outbox(state.outbox, happening))
        case _:
            return _side(state, happening)


def _heard(state: State, place: Place | None, entry: timeline.Entry) -> State:
    if place is None:  # the inbox's gap may have been in any conversation
        open_place = state.place
        if isinstance(open_place, PersonPlace):
            return _window(state, open_place, lambda window: timeline.heard(window, entry))
        return state
    match place, entry:
        case RoomPlace(id=id), _:
            told = side.heard_in_room(state.side, id, timeline.last_of(entry))
        case PersonPlace(name=name), Said(seq=seq, at=at, sender=sender):
            theirs = sender != state.me
            told = side.heard_of_person(state.side, name, seq, at, theirs=theirs)
        case _:
            told = state.side
    state = replace(state, side=told)
    state = _window(state, place, lambda window: timeline.heard(window, entry))
    if isinstance(entry, Removed):
        return state
    return replace(state, outbox=outbox.settled(state.outbox, place, state.me, (entry,)))


def _window(state: State, place: Place | None, change: Callable[[Timeline], Timeline]) -> State:
    if state.open is None or state.open.place != place:
        return state
    window = change(state.open)
    return state if window is state.open else replace(state, open=window)


def _paged(state: State, place: Place, what: str, change: Callable[[Timeline], Timeline]) -> State:
    """With a page, unless another place was opened, or another page asked for, in the meantime."""
    if state.open is None or state.open.place != place or state.open.loading != what:
        return state
    window = change(state.open)
    return replace(state, open=window, outbox=outbox.settled(state.outbox, place, state.me, window.entries))


def _opened(state: State, place: Place, name: str) -> State:
    with_row = side.with_person(state.side, place.name) if isinstance(place, PersonPlace) else state.side
    read_before = side.mark_at(state.side, place)
    unread = side.unread_at(state.side, place)
    window = Timeline(place=place, read_before=read_before if unread else None)
    return replace(state, side=with_row, open=window, name=name)


def _outbox(held: Outbox, happening: events.Wrote | events.Moved | events.Discarded) -> Outbox:
    match happening:
        case events.Wrote(pending=pending):
            return (*held, pending)
        case events.Moved(key=key, fate=fate, trouble=trouble, seq=seq):
            return outbox.moved(held, key, fate, trouble=trouble, seq=seq)
        case events.Discarded(key=key):
            return outbox.without(held, key)


def _side(state: State, happening: Happening) -> State:
    match happening:
        case events.RoomsTold(rooms=rooms):
            keep = state.place.id if isinstance(state.place, RoomPlace) else None
            told = side.with_rooms(state.side, rooms, keep=keep)
        case events.PeopleTold(people=people):
            told = side.with_people(state.side, people)
        case events.RoomFollowed(room=room):
            told = side.with_room(state.side, room)
        case events.RoomMarked(id=id, seq=seq):
            told = side.marked_room(state.side, id, seq)
        case events.RoomLeft(id=id):
            told = side.without_room(state.side, id)
        case events.PersonMarked(name=name, seq=seq):
            told = side.marked_person(state.side, name, seq)
        case _:
            return state
    return replace(state, side=told)
