"""The main view: the list at the side, the open place, and where one writes."""

from collections.abc import Callable
from datetime import datetime, tzinfo
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from hubbub.chat import words
from hubbub.chat.state.connection import Ended
from hubbub.chat.state.places import PersonPlace, Place, RoomPlace
from hubbub.chat.state.rows import rows
from hubbub.chat.state.side import unread_at
from hubbub.chat.state.state import State
from hubbub.chat.talk import Talk
from hubbub.chat.ui.chooser import Choice, Chooser, Find
from hubbub.chat.ui.composer import Composer
from hubbub.chat.ui.finding import everything, people, rooms_or_new
from hubbub.chat.ui.help import HelpScreen
from hubbub.chat.ui.history import History
from hubbub.chat.ui.row_view import PendingView
from hubbub.chat.ui.side_list import SideList, places
from hubbub.chat.ui.status import Status
from hubbub.client import ClientError, Problem
from hubbub.terminal import harmless_line, in_words

TICK_SECONDS = 1.0
"""How often the countdown to the next try is shown anew."""


class PlaceScreen(Screen[str]):
    """Dismissed with the reason when the session is over."""

    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012 - as textual declares it
        (0, "-narrow"),
        (81, "-wide"),
    ]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+k", "switch", show=False, priority=True),
        Binding("ctrl+r", "rooms", show=False, priority=True),
        Binding("ctrl+n", "people", show=False, priority=True),
        Binding("ctrl+b", "side", show=False, priority=True),
        Binding("ctrl+x", "unfollow", show=False, priority=True),
        Binding("ctrl+l", "reconnect", show=False, priority=True),
        Binding("alt+up", "neighbour(-1)", show=False, priority=True),
        Binding("alt+down", "neighbour(1)", show=False, priority=True),
        Binding("alt+u", "unread", show=False, priority=True),
        Binding("f1", "help", show=False, priority=True),
        Binding("question_mark", "help", show=False),
        Binding("escape", "newest", show=False),
        Binding("tab", "app.focus_next", show=False, priority=True),
        Binding("shift+tab", "app.focus_previous", show=False, priority=True),
    ]

    def __init__(self, talk: Talk, *, zone: tzinfo | None, monotonic: Callable[[], float]) -> None:
        super().__init__()
        self._talk = talk
        self._zone = zone
        self._monotonic = monotonic
        self._drawn: State | None = None
        self._drawing = False
        self._composing: Place | None = None

    def compose(self) -> ComposeResult:
        with Horizontal():
            with Vertical(id="side"):
                yield Static(Content(words.BRAND), id="side-brand", markup=False)
                yield SideList()
                yield Static(_hints(), id="side-hint", markup=False)
            with Vertical(id="place"):
                yield Static("", id="header", markup=False)
                yield Static(Content(words.NOTHING_OPEN_MORE), id="welcome", markup=False)
                yield History()
                yield Static("", id="below", markup=False)
                yield Composer()
        yield Status()

    def on_mount(self) -> None:
        self.set_interval(TICK_SECONDS, self._show_status)
        self.query_one(SideList).focus()
        self.changed()

    # -- showing -------------------------------------------------------------

    def changed(self) -> None:
        """The state is another one: draw it soon, once for all that comes meanwhile."""
        if not self._drawing and self.is_attached:
            self._drawing = True
            self.call_next(self._draw)

    async def _draw(self) -> None:
        self._drawing = False
        state = self._talk.state
        if state is self._drawn or not self.query(Status):  # not yet there, or about to go
            return
        self._drawn = state
        if isinstance(state.connection, Ended):
            self.dismiss(state.connection.reason)
            return
        self.query_one(SideList).show(state)
        self._show_status()
        self._show_place(state)
        if state.open is not None:
            today = datetime.now(self._zone).date()
            shown = rows(state.open, state.pending, state.me, self._zone)
            await self.query_one(History).show(state.place, shown, today)
        else:
            await self.query_one(History).show(None, (), datetime.now(self._zone).date())
        self._see()

    def _show_place(self, state: State) -> None:
        is_open = state.open is not None
        self.query_one("#welcome").display = not is_open
        self.query_one(History).display = is_open
        composer = self.query_one(Composer)
        composer.display = is_open
        if state.place != self._composing:
            self._composing = state.place
            composer.hold(state.draft)
            composer.placeholder = Content(words.placeholder(harmless_line(state.name)))
            if is_open:
                composer.focus()
        self.query_one("#header", Static).update(_header(state))
        below = self.query_one("#below", Static)
        below.update(_below(state))
        self.app.titled(words.title(state.name, state.side.unread))  # type: ignore[attr-defined]

    def _show_status(self) -> None:
        state = self._talk.state
        self.query_one(Status).show(state.connection, self._monotonic(), state.me, self._talk.server)

    def on_resize(self) -> None:
        self.call_after_refresh(self._show_status)

    def on_screen_resume(self) -> None:
        self._see()

    def look(self) -> None:
        """The reader is back at the terminal."""
        self._see()

    def _see(self) -> None:
        """Mark as read what is before the reader's eyes, when the reader is there."""
        window = self._talk.state.open
        if window and window.following and window.reaches_end and self.app.app_focus and self.is_current:
            self._talk.seen()

    # -- the history ---------------------------------------------------------

    @on(History.NearStart)
    def _near_start(self) -> None:
        window = self._talk.state.open
        if window is not None and not window.trouble and not self.query_one(History).settling:
            self._talk.load_older()

    @on(History.NearEnd)
    def _near_end(self) -> None:
        if not self.query_one(History).settling:
            self._talk.load_newer()

    @on(History.Moved)
    def _moved(self, event: History.Moved) -> None:
        self._talk.scrolled(at_end=event.at_end)
        self._see()

    def action_newest(self) -> None:
        self._talk.jump_to_newest()
        self.query_one(History).to_end()
        self.query_one(Composer).focus()
        self.remove_class("-side")

    # -- writing -------------------------------------------------------------

    @on(Composer.Changed)
    def _drafted(self, event: Composer.Changed) -> None:
        if self._composing == self._talk.state.place:
            self._talk.draft(event.text_area.text)

    @on(Composer.Sent)
    def _sent(self, event: Composer.Sent) -> None:
        self._talk.post(event.text)
        self._talk.jump_to_newest()
        self.query_one(History).to_end()

    @on(Composer.Paged)
    def _paged(self, event: Composer.Paged) -> None:
        history = self.query_one(History)
        history.scroll_relative(y=event.pages * max(1, history.size.height - 2), animate=False)

    @on(PendingView.Retry)
    def _retry(self, event: PendingView.Retry) -> None:
        self._talk.retry(event.key)
        self.query_one(Composer).focus()

    @on(PendingView.Discard)
    def _discard(self, event: PendingView.Discard) -> None:
        self._talk.discard(event.key)
        self.query_one(Composer).focus()

    # -- going somewhere -----------------------------------------------------

    @on(SideList.Chosen)
    def _chosen(self, event: SideList.Chosen) -> None:
        self._go(event.place, event.name)

    def _go(self, place: Place, name: str) -> None:
        self.remove_class("-side")
        self._talk.open(place, name)
        self.query_one(Composer).focus()

    def action_switch(self) -> None:
        self._choose(words.SWITCHER, words.GO_TO, everything(self._talk))

    def action_rooms(self) -> None:
        self._choose(words.ALL_ROOMS, words.FIND_ROOM, rooms_or_new(self._talk))

    def action_people(self) -> None:
        self._choose(words.NEW_DIRECT, words.FIND_PERSON, people(self._talk))

    def _choose(self, title: str, placeholder: str, find: Find) -> None:
        if self.is_current:
            self.app.push_screen(Chooser(title, placeholder, find, self._talk.server), self._found)

    def _found(self, choice: Choice | None) -> None:
        if choice is None:
            return
        if choice.place is None:
            self.run_worker(self._create(choice.name))
        else:
            self._go(choice.place, choice.name)

    async def _create(self, name: str) -> None:
        try:
            room = await self._talk.create_room(name)
        except Problem as problem:
            taken = str(problem.members.get("conflicts_with", "")).rpartition("/room/")[2]
            if problem.code == "name-taken" and taken:
                self._go(RoomPlace(taken), name)
                return
            self._tell(in_words(problem, self._talk.server))
        except ClientError as error:
            self._tell(in_words(error, self._talk.server))
        else:
            self._go(RoomPlace(room.id), room.name)

    def action_neighbour(self, by: int) -> None:
        there = places(self._talk.state)
        at = next((i for i, each in enumerate(there) if each[0] == self._talk.state.place), None)
        if there:
            place, name, _ = there[0 if at is None else (at + by) % len(there)]
            self._go(place, name)

    def action_unread(self) -> None:
        here = self._talk.state.place
        for place, name, unread in places(self._talk.state):
            if unread and place != here:
                self._go(place, name)
                return

    def action_unfollow(self) -> None:
        place = self._talk.state.place
        if isinstance(place, RoomPlace):
            self.run_worker(self._unfollow(place.id))

    async def _unfollow(self, room: str) -> None:
        try:
            await self._talk.unfollow(room)
        except ClientError as error:
            self._tell(in_words(error, self._talk.server))
        else:
            self.query_one(SideList).focus()

    # -- else ----------------------------------------------------------------

    def action_side(self) -> None:
        """On a narrow terminal it lies over the messages while it is wanted; on a wide one it is there."""
        if self.has_class("-narrow"):
            self.toggle_class("-side")
            shown = self.has_class("-side")
        else:
            self.toggle_class("-no-side")
            shown = not self.has_class("-no-side")
        (self.query_one(SideList) if shown else self.query_one(Composer)).focus()

    def action_reconnect(self) -> None:
        self._talk.reconnect()

    def action_help(self) -> None:
        if self.is_current:
            self.app.push_screen(HelpScreen())

    def _tell(self, what: str) -> None:
        self.notify(what, severity="error", markup=False)


def _hints() -> Content:
    go, rooms_, write, keys = (
        Content.styled(text, f"@click=screen.{action}()") for text, action in words.SIDE_HINTS
    )
    return Content.assemble(go, "   ", rooms_, "\n", write, "   ", keys)


def _header(state: State) -> Content:
    if state.open is None:
        return Content.styled(words.NOTHING_OPEN, "bold")
    sign = "@" if isinstance(state.place, PersonPlace) else "#"
    elsewhere = state.side.unread - unread_at(state.side, state.open.place)
    return Content.assemble(
        (f"{sign} ", "$primary"),
        (harmless_line(state.name), "bold"),
        (f"   {words.unread_elsewhere(elsewhere)}" if elsewhere else "", "$quiet"),
    )


def _below(state: State) -> Content:
    """What is to be said between the messages and what one writes."""
    window = state.open
    if window is None:
        return Content()
    if window.trouble:
        return Content.styled(harmless_line(window.trouble), "$error")
    if window.loading == "first" and not window.entries:
        return Content.styled(words.LOADING, "$quiet italic")
    if not window.entries and not state.pending:
        return Content.styled(words.EMPTY_PLACE, "$quiet italic")
    if not window.following or not window.reaches_end:
        return Content.styled(words.new_below(unread_at(state.side, window.place)), "bold $primary")
    return Content()
