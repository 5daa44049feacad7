"""What I wrote and have not yet heard back."""

from datetime import datetime
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from hubbub.chat.state.places import Place
from hubbub.chat.state.timeline import Entry, Said

Fate = Literal["sending", "waiting", "failed", "stored"]
"""`waiting`: for the connection, or as long as the server asked to. `stored`: on the server's disk, and the
log has not brought it yet."""


class Pending(Struct, frozen=True, kw_only=True):
    key: str
    """The idempotency key, from before it is first sent."""
    place: Place
    text: str
    at: datetime
    fate: Fate = "sending"
    trouble: str = ""
    """Why it failed."""
    seq: int = 0
    """Its number, once it is stored."""


Outbox = tuple[Pending, ...]
"""In the order of writing."""


def of_place(outbox: Outbox, place: Place) -> Outbox:
    return tuple(each for each in outbox if each.place == place)


def moved(outbox: Outbox, key: str, fate: Fate, *, trouble: str = "", seq: int = 0) -> Outbox:
    return tuple(
        replace(each, fate=fate, trouble=trouble, seq=seq or each.seq) if each.key == key else each
        for each in outbox
    )


def without(outbox: Outbox, key: str) -> Outbox:
    return tuple(each for each in outbox if each.key != key)


def settled(outbox: Outbox, place: Place, me: str, entries: tuple[Entry, ...]) -> Outbox:
    """Without what is among `entries` of `place` now: it is shown there."""
    if not outbox:
        return outbox
    mine = {entry.key for entry in entries if isinstance(entry, Said) and entry.sender == me}
    return tuple(each for each in outbox if each.place != place or each.key not in mine)
