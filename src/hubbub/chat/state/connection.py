"""What can honestly be said of the live connection."""

from msgspec import Struct

AWAY_TRIES = 3
"""After so many tries in vain it is called offline: a server that restarts is back by then."""


class Connecting(Struct, frozen=True):
    pass


class Live(Struct, frozen=True):
    pass


class Waiting(Struct, frozen=True):
    """Tried again at `at_seconds` on the monotonic clock."""

    at_seconds: float
    tries: int
    """How often it was tried in vain since it was live."""

    @property
    def offline(self) -> bool:
        return self.tries >= AWAY_TRIES


class Ended(Struct, frozen=True):
    """The session is over: "signed-out", "expired" or "disabled"."""

    reason: str


Connection = Connecting | Live | Waiting | Ended


def lost(before: Connection, at_seconds: float) -> Waiting:
    return Waiting(at_seconds, before.tries + 1 if isinstance(before, Waiting) else 1)
