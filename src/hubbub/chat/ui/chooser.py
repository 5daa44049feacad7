"""A dialog in which one of many is found by typing: rooms, people, or both."""

from collections.abc import Awaitable, Callable
from typing import ClassVar

from msgspec import Struct
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from hubbub.chat import words
from hubbub.chat.state.places import Place
from hubbub.client import ClientError
from hubbub.terminal import harmless_line, in_words


class Choice(Struct, frozen=True):
    sign: str
    name: str
    place: Place | None
    """None: a room of that name is to be made."""
    note: str = ""


Find = Callable[[str], Awaitable[list[Choice]]]


class Chooser(ModalScreen[Choice | None]):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", show=False),
        Binding("down", "move(1)", show=False, priority=True),
        Binding("up", "move(-1)", show=False, priority=True),
        Binding("pagedown", "move(8)", show=False, priority=True),
        Binding("pageup", "move(-8)", show=False, priority=True),
    ]

    def __init__(self, title: str, placeholder: str, find: Find, server: str) -> None:
        super().__init__()
        self._title = title
        self._placeholder = placeholder
        self._find = find
        self._server = server
        self._choices: list[Choice] = []

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = Content(self._title)
            dialog.border_subtitle = Content(words.HINT_CHOOSE)
            yield Input(placeholder=self._placeholder, id="find", compact=True)
            yield OptionList(id="found", compact=True, markup=False)
            yield Static("", id="none", markup=False)

    def on_mount(self) -> None:
        self._search("")

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        self._search(event.value.strip())

    def _search(self, words_typed: str) -> None:
        self._look(words_typed)

    @work(exclusive=True)  # what was typed before is looked for no more
    async def _look(self, words_typed: str) -> None:
        try:
            self._choices = await self._find(words_typed)
            trouble = "" if self._choices else words.NONE_FOUND
        except ClientError as error:
            self._choices, trouble = [], in_words(error, self._server)
        found = self.query_one("#found", OptionList)
        found.set_options(Option(_prompt(each)) for each in self._choices)
        found.highlighted = 0 if self._choices else None
        self.query_one("#none", Static).update(trouble)
        self.query_one("#none", Static).display = bool(trouble)

    def action_move(self, by: int) -> None:
        found = self.query_one("#found", OptionList)
        if self._choices:
            at = found.highlighted or 0
            found.highlighted = min(max(at + by, 0), len(self._choices) - 1)

    @on(Input.Submitted)
    def _entered(self) -> None:
        at = self.query_one("#found", OptionList).highlighted
        if at is not None and at < len(self._choices):
            self.dismiss(self._choices[at])

    @on(OptionList.OptionSelected)
    def _clicked(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._choices[event.option_index])


def _prompt(choice: Choice) -> Content:
    name = harmless_line(choice.name)
    if choice.place is None:
        return Content.styled(f"+ {words.create_room(name)}", "$secondary")
    return Content.assemble(
        (f"{choice.sign} ", "$quiet"), name, (f"  {choice.note}" if choice.note else "", "bold $primary")
    )
