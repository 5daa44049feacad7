"""An event as a person reads it: when, who, what; wrapped to the width there is.

Everything that others chose goes through `harmless` here. A text's lines stand indented, so that none can be
taken for the beginning of another message. Pure but for the time zone, which is the machine's or handed in.
"""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, tzinfo

from rich.console import Console
from rich.text import Text

from hubbub.protocol.frames import GapFrame, LogFrame, Message, Sent
from hubbub.terminal.texts import colour_of, harmless, harmless_line

_INDENT = 4
_LEAST_COLUMNS = 20
"""Below this no text is worth wrapping behind its author's name."""

UNREAD = "●"


class Shown:
    """Shows events one after the other.

    Always true: on a terminal a day is told before its first event; elsewhere each line carries its date.
    """

    def __init__(
        self,
        console: Console,
        *,
        wrapped: bool,
        rooms: Mapping[str, str] | None = None,
        me: str = "",
        zone: tzinfo | None = None,
    ) -> None:
        """`wrapped`: for a terminal. `rooms`: names by id, when it has to be told where an event is from."""
        self._console = console
        self._wrapped = wrapped
        self._rooms = rooms or {}
        self._me = me
        self._zone = zone
        self._day: date | None = None

    def show(self, event: LogFrame, *, unread: bool = False) -> str:
        """The lines for it, with an end of line each."""
        with self._console.capture() as captured:
            for line in self._lines(event, unread):
                self._console.print(line, soft_wrap=True, highlight=False)
        return captured.get()

    def _lines(self, event: LogFrame, unread: bool) -> Iterator[Text]:
        if isinstance(event, GapFrame):
            yield self._gap(event)
            return
        when = datetime.fromisoformat(event.sent_at).astimezone(self._zone)
        if self._wrapped and when.date() != self._day:
            self._day = when.date()
            yield Text(f"── {when:%A} {when.day} {when:%B %Y} ──", style="dim")
        head = Text()
        if unread:
            head.append(f"{UNREAD} ", style="bold")
        head.append(f"{when:%H:%M} " if self._wrapped else f"{when:%Y-%m-%d %H:%M:%S} ", style="dim")
        head.append_text(self._who(event))
        head.append(": ", style="dim")
        yield from self._with_text(head, harmless(event.text))

    def _who(self, event: Message | Sent) -> Text:
        who = Text()
        room = self._rooms.get(event.room or "") if isinstance(event, Message) else None
        if room is not None:
            who.append(f"{harmless_line(room)} · ", style="dim")
        who.append_text(self._name(event.sender))
        if event.to is not None:
            who.append(" → ", style="dim")
            who.append_text(self._name(event.to))
        return who

    def _name(self, name: str) -> Text:
        shown = "you" if name == self._me else harmless_line(name)
        return Text(shown, style=f"bold {colour_of(name)}")

    def _with_text(self, head: Text, text: str) -> Iterator[Text]:
        first, *rest = text.split("\n")
        if not self._wrapped:
            yield head + Text(first)
            yield from (Text(" " * _INDENT + line) for line in rest)
            return
        indent = head.cell_len
        if self._console.width - indent < _LEAST_COLUMNS:
            indent = _INDENT
            yield head
            head = Text(" " * indent)
        for line in (first, *rest):
            for part in Text(line).wrap(self._console, max(1, self._console.width - indent)):
                part.rstrip()
                yield head + part
                head = Text(" " * indent)

    def _gap(self, gap: GapFrame) -> Text:
        count = gap.last - gap.first + 1
        room = self._rooms.get(gap.room or "")
        where = f" in {harmless_line(room)}" if room else ""
        what = "1 message was" if count == 1 else f"{count:,} messages were"
        return Text(f"── {what} removed{where} ({gap.reason}) ──", style="dim")
