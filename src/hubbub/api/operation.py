"""What there is to know of one thing that can be asked over HTTP: a row of the table in `operations`."""

from collections.abc import Awaitable, Callable
from typing import Any, Literal

import msgspec
from starlette.types import ASGIApp

from hubbub.domain import errors as e

Handler = Callable[..., Awaitable[ASGIApp]]
"""`async (call)`, or `async (call, given)` with the Struct of the body, or else of the query."""


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """What one method does at one path."""

    name: str
    """Stable, for generated clients."""
    method: Literal["GET", "POST", "PUT", "DELETE"]
    path: str
    summary: str
    """One sentence for people."""
    topic: str
    """Under what it stands in the documents."""
    handler: Handler
    body: type[msgspec.Struct] | None = None
    query: type[msgspec.Struct] | None = None
    fields: tuple[str, ...] = ()
    """Request fields it heeds."""
    status: int = 200
    """Of success."""
    gives: Any = None
    """The type of the answer's JSON; None when there is none."""
    media_type: str = "application/json"
    answers: tuple[str, ...] = ()
    """Fields of a successful answer worth knowing."""
    refuses: tuple[type[e.HubbubError], ...] = ()
    """Beside what follows from the rest of the row: see `errors`."""
    access: Literal["anyone", "signed-in", "ticket"] = "signed-in"
    """Who may; with "ticket" a ticket will do in place of a token."""
    streams: bool = False
    """Whether the answer may go on for ever: then there is no HEAD."""
    limited: bool = True
    """Whether it counts against the limit on requests."""

    @property
    def errors(self) -> tuple[type[e.HubbubError], ...]:
        """Everything it refuses on purpose, but for what any request may meet."""
        implied: list[type[e.HubbubError]] = []
        if self.access != "anyone":
            implied += [e.NotSignedIn]
            if self.method != "GET":
                implied += [e.ForeignOrigin]
        if self.body is not None:
            implied += [e.BadInput, e.TooLarge, e.UnsupportedMediaType]
        if self.query is not None:
            implied += [e.BadInput]
        if self.limited:
            implied += [e.TooFast]
        return tuple(dict.fromkeys((*implied, *self.refuses)))
