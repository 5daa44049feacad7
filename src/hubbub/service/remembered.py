"""Sessions looked up lately, so that most requests cost no look-up in the store.

Pure. What is remembered is never more than a copy: whoever ends a session says so here.
"""

from collections import OrderedDict

from hubbub.domain.ids import SessionId
from hubbub.domain.model import Session


class Remembered:
    """Always true: at most `most` sessions, each with one token; the least recently used go first."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._by_token: OrderedDict[bytes, Session] = OrderedDict()
        self._token_of: dict[SessionId, bytes] = {}
        self.forgettings = 0
        """Grows when something is forgotten on purpose: what the store answered before may be stale."""

    def __len__(self) -> int:
        return len(self._by_token)

    def by_token(self, token_hash: bytes) -> Session | None:
        session = self._by_token.get(token_hash)
        if session is not None:
            self._by_token.move_to_end(token_hash)
        return session

    def by_id(self, id: SessionId) -> Session | None:
        token_hash = self._token_of.get(id)
        return None if token_hash is None else self._by_token[token_hash]

    def keep(self, session: Session, token_hash: bytes) -> None:
        self._by_token[token_hash] = session
        self._token_of[session.id] = token_hash
        if len(self._by_token) > self._most:
            _, oldest = self._by_token.popitem(last=False)
            del self._token_of[oldest.id]

    def update(self, session: Session) -> None:
        """Take the new state of a session, if it is one that is remembered."""
        token_hash = self._token_of.get(session.id)
        if token_hash is not None:
            self._by_token[token_hash] = session

    def forget(self, id: SessionId) -> None:
        self.forgettings += 1
        token_hash = self._token_of.pop(id, None)
        if token_hash is not None:
            del self._by_token[token_hash]

    def forget_all(self) -> None:
        self.forgettings += 1
        self._by_token.clear()
        self._token_of.clear()
