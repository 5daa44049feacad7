"""One row of the history: a message, a day, the separator before what is unread, a gap."""

from datetime import date
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from hubbub.chat import words
from hubbub.chat.state.rows import DayRow, NewRow, PendingRow, RemovedRow, Row, SaidRow, StartRow
from hubbub.chat.ui.themes import person
from hubbub.chat.ui.written import written
from hubbub.terminal import harmless_line


class RowView(Static):
    def __init__(self, row: Row, today: date) -> None:
        super().__init__(_content(row, today), markup=False, classes=_classes(row))
        self.row = row
        if isinstance(row, NewRow):
            self.border_title = words.NEW_MESSAGES

    def show(self, row: Row, today: date) -> None:
        """In its place, the same row as it is now."""
        if row != self.row:
            self.row = row
            self.set_classes(_classes(row))
            self.update(_content(row, today))


class PendingView(RowView, can_focus=True):
    """What I wrote and have not heard back; one that failed can be tried again, or discarded."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r,enter", "retry", show=False),
        Binding("d,delete", "discard", show=False),
    ]

    class Retry(Message):
        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    class Discard(Message):
        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    def __init__(self, row: PendingRow, today: date) -> None:
        super().__init__(row, today)
        self.can_focus = row.pending.fate == "failed"

    def show(self, row: Row, today: date) -> None:
        super().show(row, today)
        assert isinstance(row, PendingRow)
        self.can_focus = row.pending.fate == "failed"

    def action_retry(self) -> None:
        self.post_message(self.Retry(self._key))

    def action_discard(self) -> None:
        self.post_message(self.Discard(self._key))

    @property
    def _key(self) -> str:
        assert isinstance(self.row, PendingRow)
        return self.row.pending.key


def view(row: Row, today: date) -> RowView:
    return PendingView(row, today) if isinstance(row, PendingRow) else RowView(row, today)


def _classes(row: Row) -> str:
    match row:
        case DayRow():
            return "day"
        case NewRow():
            return "new"
        case StartRow():
            return "start"
        case RemovedRow():
            return "removed"
        case SaidRow(headed=headed):
            return "said headed" if headed else "said"
        case PendingRow(pending=pending, headed=headed):
            return f"said pending {pending.fate}" + (" headed" if headed else "")


def _content(row: Row, today: date) -> Content:
    match row:
        case DayRow(day=day):
            return Content(words.day(day, today))
        case NewRow():
            return Content()  # it is a line with a title
        case StartRow():
            return Content(words.BEGINNING)
        case RemovedRow(count=count):
            return Content(words.removed(count))
        case SaidRow(sender=sender, text=text, at=at, headed=headed):
            said = written(text)
            return _head(sender, f"{at:%H:%M}") + said if headed else said
        case PendingRow(pending=pending, at=at, headed=headed, sender=sender):
            said = _head(sender, f"{at:%H:%M}") + written(pending.text) if headed else written(pending.text)
            return said + _fate(row)


def _head(sender: str, time: str) -> Content:
    name = harmless_line(sender)
    return Content.assemble((name, f"bold {person(sender)}"), "  ", (time, "$quiet"), "\n")


def _fate(row: PendingRow) -> Content:
    match row.pending.fate:
        case "sending":
            return Content.styled(f"  ◌ {words.SENDING}", "$quiet italic")
        case "waiting":
            return Content.styled(f"\n◷ {words.WAITING}", "$warning")
        case "failed":
            why = f": {harmless_line(row.pending.trouble)}" if row.pending.trouble else ""
            return Content.assemble(
                (f"\n✗ {words.NOT_SENT}{why}  ", "$error"),
                (words.TRY_AGAIN, "bold $error @click=retry()"),
                (" · ", "$error"),
                (words.DISCARD, "bold $error @click=discard()"),
            )
        case "stored":
            return Content()
