"""Which live streams hang on which session, so that they end when it does.

Pure: no clock, no store. Ten thousand streams are watched, so each costs little memory, and a second in
which nothing expires costs no walk over them.
"""

from collections.abc import Iterable
from typing import Protocol

import structlog

from hubbub.domain.ids import SessionId
from hubbub.domain.model import Session, SessionEnd


class Stream(Protocol):
    """What hangs on a session."""

    def end(self, reason: SessionEnd, /) -> None:
        """The session is over. Must neither wait nor raise."""
        ...


_log = structlog.get_logger("hubbub.service")


class _Watched:
    __slots__ = ("session", "streams")

    def __init__(self, session: Session) -> None:
        self.session = session
        self.streams: tuple[Stream, ...] = ()


class Watchers:
    """Always true:
    * each stream is ended once at most, and never after its `unwatch`;
    * a session stands here exactly while some stream hangs on it;
    * no session here expires before `_earliest_ms`.
    """

    def __init__(self) -> None:
        self._watched: dict[SessionId, _Watched] = {}
        self._unconfirmed: dict[SessionId, None] = {}  # for a set: they are looked at in the order they came
        self._earliest_ms: float = float("inf")

    def __len__(self) -> int:
        return len(self._watched)

    def watch(self, session: Session, stream: Stream) -> None:
        """Have `stream` ended when `session` is, until `unwatch`.

        The session counts as unconfirmed: it may have ended while the stream was being opened.
        """
        watched = self._watched.get(session.id)
        if watched is None:
            watched = self._watched[session.id] = _Watched(session)
        watched.streams += (stream,)
        self._unconfirmed[session.id] = None
        self._earliest_ms = min(self._earliest_ms, watched.session.expires_at_ms)

    def unwatch(self, id: SessionId, stream: Stream) -> None:
        """Take a `watch` back, if it still stands."""
        watched = self._watched.get(id)
        if watched is None:
            return
        for place, other in enumerate(watched.streams):
            if other is stream:
                watched.streams = watched.streams[:place] + watched.streams[place + 1 :]
                break
        if not watched.streams:
            del self._watched[id]
            self._unconfirmed.pop(id, None)

    def session(self, id: SessionId) -> Session | None:
        """The watched session as it was last known."""
        watched = self._watched.get(id)
        return None if watched is None else watched.session

    def update(self, session: Session) -> None:
        """Take the new state of a session, if it is one that is watched."""
        watched = self._watched.get(session.id)
        if watched is not None:
            watched.session = session
            self._earliest_ms = min(self._earliest_ms, session.expires_at_ms)

    def everyone(self) -> Iterable[SessionId]:
        """All that are watched, as of now."""
        return tuple(self._watched)

    def doubtful(self, now_ms: int) -> Iterable[SessionId]:
        """Those that seem to have expired, and those unconfirmed."""
        expired: list[SessionId] = []
        if now_ms >= self._earliest_ms:
            sessions = [watched.session for watched in self._watched.values()]
            expired = [session.id for session in sessions if not session.alive(now_ms)]
            self._earliest_ms = min((s.expires_at_ms for s in sessions), default=float("inf"))
        return dict.fromkeys((*expired, *self._unconfirmed))

    def confirm(self, id: SessionId) -> None:
        """It was looked up, and is alive."""
        self._unconfirmed.pop(id, None)

    def end(self, id: SessionId, reason: SessionEnd) -> None:
        """Tell all that hang on the session, and let go of them."""
        self._unconfirmed.pop(id, None)
        watched = self._watched.pop(id, None)
        for stream in watched.streams if watched else ():
            try:
                stream.end(reason)
            except Exception:
                _log.exception("a stream did not take the end of its session")  # the others still have to
