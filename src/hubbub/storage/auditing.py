"""What a store shows of itself to whoever checks it (`hubbub.verify`): everything as it lies there, believed
to be nothing yet.

It is read in batches, each of one short look, so that a server goes on writing meanwhile and nobody waits.
What a batch shows was so at one moment; the next may show a later one.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Literal, Protocol

import msgspec

from hubbub.domain.events import Event
from hubbub.domain.ids import LogId, UserId
from hubbub.storage.base import StoreInfo

What = Literal["users", "rooms", "sessions", "marks"]


class LogFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One log, as far as it can be told without reading it."""

    name: LogId
    floor: int
    head: int
    """The last seq at this moment, found from the end."""
    owned: bool
    """Whether the room, or the user, whose log it is exists and says so too."""


class Entry(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An event as it is stored. A damaged disk may have changed the type of anything in it."""

    seq: int
    event: Event | None
    """None when it cannot even be read."""
    salt: object
    digest: object
    link: object
    key_seq: object
    """The seq that its key is written down with; None when the key is not, or when it needs none."""


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """Some entries of a log that follow one another, and how the log began at that moment."""

    floor: int
    link: object
    """Of the event at `floor`; None where the chain begins with the log's name."""
    oldest_ms: object
    """When retention believes the event after `floor` was sent."""
    entries: Sequence[Entry]


class Found(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What lies where a key says its event is."""

    id: str
    kind: str
    sender: str
    key: str | None


class KeyFacts(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One idempotency key with what it leads to."""

    log: LogId | None
    """Where it was used; None when there is no such log."""
    sender: str
    key: str
    seq: int
    floor: int
    event: Found | None
    kept: bool
    """Whether it holds what a retry needs of a removed event."""
    copy_seq: int | None
    copy_floor: int | None
    """Of the sender's inbox; None when there is none."""
    copy: Found | None


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """Two people who wrote to each other, or one of whose inboxes says so."""

    one: UserId
    other: UserId


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """What two inboxes hold of one conversation, newest first; None for what cannot be read."""

    floors: tuple[int, int]
    one: Sequence[tuple[int, Event | None]]
    other: Sequence[tuple[int, Event | None]]


class Stray(msgspec.Struct, frozen=True, kw_only=True):
    """Something that hangs on nothing, or contradicts what it hangs on."""

    text: str
    log: str | None = None
    seq: int | None = None
    kind: Literal["orphan", "name", "unlinked"] = "orphan"


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """So many more users, rooms, sessions or marks, and those of them that are stray."""

    what: What
    count: int
    strays: Sequence[Stray]


class Auditing(Protocol):
    """A store that is being looked at. Raises StorageFailed where the database itself cannot go on."""

    @property
    def info(self) -> StoreInfo: ...

    @property
    def form(self) -> int:
        """Which of the backend's forms the database has."""
        ...

    async def close(self) -> None: ...

    async def structure(self) -> Sequence[str]:
        """What the database finds wrong with itself, in its own words. May take as long as reading all of it,
        and holds up nobody."""
        ...

    def logs(self) -> AsyncIterator[Sequence[LogFacts]]:
        """Every log once; those that are made meanwhile may be left out."""
        ...

    def entries(self, log: LogId, upto: int) -> AsyncIterator[Part]:
        """All that is stored under the log's name up to that seq, in order, also what should not be there.
        One part at least, while there is such a log."""
        ...

    def keys(self) -> AsyncIterator[Sequence[KeyFacts]]: ...

    def pairs(self) -> AsyncIterator[Sequence[Pair]]:
        """Every two people who have direct messages from each other, once."""
        ...

    async def exchange(self, pair: Pair, before: tuple[int, int] | None, limit: int) -> Exchange:
        """What both inboxes hold of the conversation below these seqs, up to `limit` of each, of one moment;
        with None from the newest."""
        ...

    def strays(self) -> AsyncIterator[Sequence[Stray]]:
        """Events of no log."""
        ...

    def people(self) -> AsyncIterator[Checked]:
        """Users, rooms, sessions and marks."""
        ...
