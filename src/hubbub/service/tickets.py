"""Tickets: what may stand in a URL in place of a token.

A browser's EventSource and WebSocket cannot send an Authorization header. A ticket lets one session read
some logs, is good for half a minute, and is not stored: it is what it says, signed with the store's secret.
It is checked when a stream is opened; the stream then lives as long as its session.
"""

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Collection

import msgspec

from hubbub.domain.errors import NotSignedIn
from hubbub.domain.ids import LogId, SessionId, UserId

_PURPOSE = b"hubbub ticket 1\0"  # whatever else the secret may sign one day is no ticket


class Ticket(msgspec.Struct, frozen=True, array_like=True):
    session: SessionId
    user: UserId
    logs: frozenset[LogId]
    """All that it admits to."""
    expires_at_ms: int


_decode = msgspec.msgpack.Decoder(Ticket).decode


class Tickets:
    def __init__(self, secret: bytes, now_ms: Callable[[], int], seconds: int = 30) -> None:
        self._secret = secret
        self._now_ms = now_ms
        self._seconds = seconds

    def issue(self, session: SessionId, user: UserId, logs: Collection[LogId]) -> tuple[str, int]:
        """The ticket, safe in a URL as it is, and when it expires (milliseconds since 1970)."""
        expires_at_ms = self._now_ms() + self._seconds * 1000
        said = _text(msgspec.msgpack.encode((session, user, sorted(logs), expires_at_ms)))
        return f"{said}.{self._signature(said)}", expires_at_ms

    def redeem(self, text: str) -> Ticket:
        """Raises NotSignedIn, with the same words whatever is wrong with it.

        Whether the session is still alive is not known here.
        """
        said, _, signature = text.partition(".")
        if text.isascii() and hmac.compare_digest(self._signature(said), signature):
            ticket = _decode(urlsafe_b64decode(said + "=" * (-len(said) % 4)))
            # One that has far longer than any is given was issued before the clock was set back, and would
            # live for that much longer. As long again is allowed, for clocks that are put right by seconds.
            if 0 < ticket.expires_at_ms - self._now_ms() <= 2 * self._seconds * 1000:
                return ticket
        raise NotSignedIn("The ticket is not valid any more; ask for a new one.")

    def _signature(self, said: str) -> str:
        return _text(hmac.digest(self._secret, _PURPOSE + said.encode(), hashlib.sha256))


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
