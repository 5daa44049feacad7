"""What stands in a log, and what is asked to be put there."""

from typing import Literal

import msgspec

from hubbub.domain.ids import LogId, MessageId, UserId

Kind = Literal["message", "sent"]
GapReason = Literal["retention", "erasure"]


class Event(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One numbered entry of a log.

    A post to a room is one event. A direct message is two: `message` in the inbox of the one it is
    for, and `sent` in the inbox of the one who wrote it; both carry the same `id`.
    """

    log: LogId
    seq: int
    id: MessageId
    kind: Kind
    sender: UserId
    to: UserId | None
    """Whom a direct message is for; None in a room."""
    text: str
    key: str | None
    sent_at_ms: int
    """Milliseconds since 1970 UTC. For display: the order is `seq`."""


class Gap(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The events `first` to `last`, both included, which a log once had and has no more."""

    log: LogId
    first: int
    last: int
    reason: GapReason


class Draft(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A message before it has a place in the order."""

    place: LogId
    """A room's log, or the inbox of the user it is for."""
    sender: UserId
    id: MessageId
    text: str
    key: str | None
    sent_at_ms: int
    expected_head: int | None = None
    """Post only if this is still the last seq of `place`."""


class Posted(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a draft that was accepted.

    Always true: `receipt` is on disk. `events` are the entries this post added, `receipt` among them,
    or nothing when its key had been used before and `receipt` is what it stored then.
    """

    receipt: Event
    """The message as its sender sees it: in the room, or in the sender's own inbox."""
    events: tuple[Event, ...]

    @property
    def repeated(self) -> bool:
        return not self.events
