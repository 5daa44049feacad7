"""All keys, on one page."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from hubbub.chat import words


class HelpScreen(ModalScreen[None]):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,f1,question_mark,q", "dismiss(None)", show=False),
    ]

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="dialog") as dialog:
            dialog.border_title = Content(words.HELP)
            dialog.border_subtitle = Content(words.CLOSE)
            for heading, keys in words.KEYS:
                yield Static(heading, classes="heading", markup=False)
                for key, does in keys:
                    with Horizontal():
                        yield Static(key, classes="key", markup=False)
                        yield Static(does, markup=False)
