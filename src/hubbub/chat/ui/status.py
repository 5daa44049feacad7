"""The line at the bottom: how the connection is, who I am, where help is."""

from textual.content import Content
from textual.widgets import Static

from hubbub.chat import words
from hubbub.chat.state.connection import Connecting, Connection, Ended, Live, Waiting
from hubbub.terminal import harmless_line


class Status(Static):
    def __init__(self) -> None:
        super().__init__(id="status", markup=False)

    def show(self, connection: Connection, monotonic_seconds: float, me: str, server: str) -> None:
        sign, style = _sign(connection)
        left = Content.assemble(
            (f"{sign} {words.connection(connection, monotonic_seconds)}", style),
        )
        host = harmless_line(server.partition("://")[2])
        right = Content.assemble(
            (f"{harmless_line(me)}@{host}", "$quiet"), ("  F1 ", "bold"), ("keys", "$quiet")
        )
        space = self.size.width - 2 - left.cell_length - right.cell_length
        if space < 1:
            right = Content.assemble(("F1 ", "bold"), ("keys", "$quiet"))
            space = max(1, self.size.width - 2 - left.cell_length - right.cell_length)
        self.update(left + Content(" " * space) + right)


def _sign(connection: Connection) -> tuple[str, str]:
    match connection:
        case Live():
            return "●", "$success"
        case Connecting():
            return "◌", "$quiet"
        case Waiting(offline=False):
            return "○", "bold $warning"
        case Waiting() | Ended():
            return "×", "bold $error"
