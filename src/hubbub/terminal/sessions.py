"""Who is signed in where, from one command to the next.

A file in the user's configuration directory holds a token for each server, and which server is meant when
nobody says. A token is as good as a password: the file is its owner's alone, and nothing here shows one.
"""

from collections.abc import Callable
from pathlib import Path

import msgspec
from msgspec import Struct
from platformdirs import user_config_path

from hubbub.terminal import files
from hubbub.terminal.errors import Spoiled

FILE = "sessions.json"


class Session(Struct, frozen=True, kw_only=True):
    """One person at one server."""

    server: str
    """As `server_address` spells it."""
    user: str
    """Empty when it is not known yet: a token came without a name."""
    token: str

    def __repr__(self) -> str:
        return f"Session(server={self.server!r}, user={self.user!r})"


class _Kept(Struct, frozen=True, kw_only=True):
    current: str | None = None
    sessions: tuple[Session, ...] = ()

    def find(self, server: str | None) -> Session | None:
        return next((each for each in self.sessions if each.server == server), None)


class Sessions:
    """All that are kept.

    Always true:
      * there is one session at most for each server;
      * the current server is one of them, unless there are none;
      * processes that change the file at the same time lose nothing of each other.
    """

    def __init__(self, directory: Path | None = None) -> None:
        """`directory`: by default the user's own for configuration."""
        self._file = (directory or user_config_path("hubbub", appauthor=False)) / FILE

    def all(self) -> tuple[Session, ...]:
        """In the order of signing in. Raises Spoiled."""
        return self._read().sessions

    def current(self) -> Session | None:
        """Where one signed in last, or chose to be since. Raises Spoiled."""
        kept = self._read()
        return kept.find(kept.current)

    def at(self, server: str) -> Session | None:
        return self._read().find(server)

    def keep(self, session: Session) -> Session | None:
        """Keep it, and make its server the current one; what was kept for that server until now."""

        def change(kept: _Kept) -> _Kept:
            others = tuple(each for each in kept.sessions if each.server != session.server)
            return _Kept(current=session.server, sessions=(*others, session))

        return self._change(change).find(session.server)

    def use(self, server: str) -> None:
        """Make a server the current one; without a session there, nothing happens."""
        self._change(
            lambda kept: _Kept(current=server, sessions=kept.sessions) if kept.find(server) else kept
        )

    def forget(self, session: Session) -> None:
        """Forget it, unless another has taken its place; the one before it is current then."""

        def change(kept: _Kept) -> _Kept:
            left = tuple(each for each in kept.sessions if each != session)
            current = kept.current if any(each.server == kept.current for each in left) else None
            return _Kept(current=current or (left[-1].server if left else None), sessions=left)

        self._change(change)

    def _change(self, change: Callable[[_Kept], _Kept]) -> _Kept:
        """What was kept before."""
        with files.locked(self._file.with_name(".sessions.lock"), wait=True):
            before = self._read()
            after = change(before)
            if after != before:
                content = msgspec.json.format(msgspec.json.encode(after)) + b"\n"
                files.write(self._file, content)
        return before

    def _read(self) -> _Kept:
        content = files.read(self._file)
        if content is None:
            return _Kept()
        try:
            return msgspec.json.decode(content, type=_Kept)
        except (msgspec.DecodeError, UnicodeDecodeError):
            # No cause: its words could quote what is in the file.
            raise Spoiled(f"{self._file} cannot be understood; remove it and sign in again") from None
