"""Where one writes: Enter sends, Ctrl-J makes a new line."""

from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import TextArea

from hubbub.terminal import harmless

# Shift and Alt with Enter are told apart only by terminals that speak Kitty's protocol for keys.
_NEW_LINE = frozenset(("shift+enter", "alt+enter", "ctrl+j"))


class Composer(TextArea):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("pageup", "page(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
    ]

    class Sent(Message):
        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Paged(Message):
        """The history is to be scrolled: by so many pages."""

        def __init__(self, pages: int) -> None:
            super().__init__()
            self.pages = pages

    def __init__(self) -> None:
        super().__init__(id="composer", soft_wrap=True, highlight_cursor_line=False, show_line_numbers=False)

    def hold(self, text: str) -> None:
        """`text` in place of what was there, without an end to undo to."""
        if text != self.text:
            self.load_text(text)
            self.move_cursor(self.document.end)

    def action_page(self, pages: int) -> None:
        self.post_message(self.Paged(pages))

    async def _on_key(self, event: events.Key) -> None:
        if event.key == "enter":
            event.stop()
            event.prevent_default()
            if text := self.text.strip("\n").rstrip():
                self.hold("")  # at once: what is typed next belongs to the next message
                self.post_message(self.Sent(text))
        elif event.key in _NEW_LINE:
            event.stop()
            event.prevent_default()
            self.insert("\n")
        else:
            await super()._on_key(event)

    async def _on_paste(self, event: events.Paste) -> None:
        """What is pasted may have been copied from anywhere."""
        event.stop()
        event.prevent_default()
        self.insert(harmless(event.text.replace("\r", "\n")))
