"""Where a named reader ended, from one run to the next: a cursor for each log, per server and user.

Kept in the user's state directory. A cursor that cannot be read is told, never taken for none: reading would
start at the head then, and leave out what came meanwhile.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec
from msgspec import Struct
from platformdirs import user_state_path

from hubbub.terminal import files
from hubbub.terminal.errors import InUse, Spoiled

Log = str | None
"""A room's id, or None for the reader's own inbox."""

_SHOWN_CHARACTERS = 40


class _Kept(Struct, frozen=True, kw_only=True, omit_defaults=True):
    server: str
    user: str
    inbox: str | None = None
    rooms: dict[str, str] = {}


class Cursors:
    """The cursors of one named reader."""

    def __init__(self, server: str, user: str, name: str = "default", directory: Path | None = None) -> None:
        """`name`: of the reader, for there may be several.

        `directory`: by default the user's own for state.
        """
        state = directory or user_state_path("hubbub", appauthor=False)
        self._server = server
        self._user = user
        self._name = name
        self._file = state / "cursors" / _named(server) / _named(user) / f"{_named(name)}.json"

    def load(self) -> dict[Log, str]:
        """Where each log is to be read on; a log that was never read is not in it. Raises Spoiled."""
        content = files.read(self._file)
        if content is None:
            return {}
        try:
            kept = msgspec.json.decode(content, type=_Kept)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise Spoiled(f"{self._file} cannot be understood; remove it to start anew") from None
        inbox: dict[Log, str] = {} if kept.inbox is None else {None: kept.inbox}
        return inbox | dict(kept.rooms.items())

    def save(self, cursors: Mapping[Log, str | None], *, lasting: bool = True) -> None:
        """Keep exactly these. Raises Spoiled. `lasting`: also beyond the machine's fall."""
        rooms = {log: cursor for log, cursor in cursors.items() if log is not None and cursor is not None}
        kept = _Kept(server=self._server, user=self._user, inbox=cursors.get(None), rooms=rooms)
        files.write(self._file, msgspec.json.encode(kept) + b"\n", lasting=lasting)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Let no other run go on from here meanwhile: each would be told half. Raises InUse."""
        try:
            with files.locked(self._file.with_suffix(".lock"), wait=False):
                yield
        except InUse:
            raise InUse(f"another run goes on from the cursor {self._name!r} already") from None


def _named(text: str) -> str:
    """For a file: readable, and different for what is different."""
    shown = re.sub(r"[^A-Za-z0-9_-]+", "-", text).strip("-")[:_SHOWN_CHARACTERS]
    return f"{shown}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"
