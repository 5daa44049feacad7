"""All keys, on one page."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from hubbub.chat import words

_KEY_CELLS = 21


class HelpScreen(ModalScreen[None]):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,f1,question_mark,q", "dismiss(None)", show=False),
    ]

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="dialog") as dialog:
            dialog.border_title = Content(words.HELP)
            dialog.border_subtitle = Content(words.CLOSE)
            yield Static(_keys(), markup=False)


def _keys() -> Content:
    lines: list[Content] = []
    for heading, keys in words.KEYS:
        lines.append(Content.styled(heading, "bold $accent"))
        lines += [Content.assemble((f"  {key:<{_KEY_CELLS}}", "bold $primary"), does) for key, does in keys]
    return Content("\n").join(lines)
