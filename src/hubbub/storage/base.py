"""What a store promises, whichever database is behind it.

The contract suite (`tests/storage/test_contract.py`) holds every backend to the docstrings below.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import msgspec

from hubbub.domain.errors import HubbubError
from hubbub.domain.events import Draft, Event, Gap, Posted
from hubbub.domain.ids import LogId, RoomId, SessionId, UserId
from hubbub.domain.model import Conversation, Followed, Room, Session, User

Outcome = Posted | HubbubError

MAX_PAGE = 500
"""The most events one read gives."""

MAX_PAGE_BYTES = 256 * 1024
"""A read stops after the event with which its texts, as JSON has them, pass this: so much may wait on each of
hundreds of connections whose other side reads nothing. JSON writes some characters with six bytes for one."""

MOST_UNREAD = 1000
"""How much of what two people wrote after a mark is looked at, newest first, to count what is unread."""


class Everything(msgspec.Struct, frozen=True):
    """All events of a log."""


class Received(msgspec.Struct, frozen=True):
    """Of an inbox: what was posted to its owner (`message`, not `sent`)."""


class Between(msgspec.Struct, frozen=True):
    """Of an inbox: what its owner and `peer` wrote to each other, both ways."""

    peer: UserId


View = Everything | Received | Between
EVERYTHING = Everything()
RECEIVED = Received()


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Some events of one log, oldest first."""

    events: Sequence[Event]
    head: int
    """The log's last seq when this was read."""
    gap: Gap | None = None
    """The removed range before `events`, when the read reached into one."""
    more: bool = False
    """Whether the view holds further events in the direction of reading."""


class StoreInfo(msgspec.Struct, frozen=True, kw_only=True):
    backend: str
    version: str
    """Of the database library or server."""
    epoch: str
    """Changes when the store is restored from a backup: cursors of another epoch are not of this history."""
    durability: str
    """What stands between an acknowledgement and a power cut, in the backend's words, read back from it."""


class Credential(msgspec.Struct, frozen=True, kw_only=True):
    """What sign-in needs to know of a user."""

    user: UserId
    password_hash: str
    disabled: bool

    def __repr__(self) -> str:
        return f"Credential(user={self.user!r})"


class Endings(msgspec.Struct, frozen=True):
    """Sessions that were ended by others than the one who asks: a command, or another node."""

    upto: int
    """What to ask with the next time."""
    sessions: Sequence[SessionId] | None
    """None where it cannot be told which: any may have ended."""


class Store(Protocol):
    """The logs, durably.

    Promises:
      * a log counts 1, 2, 3 … without holes, in commit order, also under concurrent writers;
      * what an outcome of `append` says was posted is on disk before the outcome is told;
      * the same (sender, place, key) is stored once and answers with the first event for ever; another
        text under it is `KeyReused`;
      * a reader never sees an event that is not on disk;
      * `page(after=)` answers oldest first, leaves nothing out without a `gap`, and stops at `limit` or
        MAX_PAGE_BYTES;
      * what the disk gives back and is not what was stored is never given out: it is `Damaged`, told to the
        `on_damaged` that the store was opened with. `page` ends before such an event, or where one is
        missing, and is `Damaged` when that is the first; other events and other logs go on;
      * no call costs more for a larger store, but for a logarithm.

    When the disk is full, writes end in `StorageFull` and reads go on. When a commit or a sync fails
    otherwise, the store breaks: it answers `StorageFailed` from then on, is never retried, and calls the
    `on_broken` it was opened with, once.
    """

    @property
    def info(self) -> StoreInfo: ...

    @property
    def ticket_secret(self) -> bytes:
        """32 random bytes, made with the store: what signs this server's short-lived tickets."""
        ...

    async def close(self) -> None: ...

    # -- logs ---------------------------------------------------------------

    def append(self, drafts: Sequence[Draft], done: Callable[[Sequence[Outcome]], None]) -> None:
        """Store `drafts` in this order under one commit and one sync, then tell `done` what became of each.

        One outcome a draft: `Posted`, or `NoSuchRoom`, `NoSuchUser`, `KeyReused`, `HeadMoved`, `Damaged` for
        that draft alone, or the same `Unavailable` for all. A draft to an inbox also puts a `sent` event in
        the sender's inbox, unless the sender is its owner. A known key answers before `expected_head` is
        looked at. `done` may be called before this returns; calls of `done` come in the order of `append`.
        """
        ...

    async def head(self, log: LogId) -> int | None:
        """The last seq, 0 for an empty log, None when there is no such room or user."""
        ...

    async def heads(self, logs: Sequence[LogId]) -> Mapping[LogId, int]:
        """The last seq of each of these logs that there is."""
        ...

    async def page(
        self,
        log: LogId,
        *,
        view: View = EVERYTHING,
        after: int | None = None,
        before: int | None = None,
        limit: int = MAX_PAGE,
    ) -> Page:
        """Oldest first: with `after` the oldest events past that seq; with `before` the newest below it;
        with neither the newest. A log that does not exist reads as empty with head 0."""
        ...

    async def event(self, log: LogId, seq: int) -> Event | None: ...

    async def trim(self, *, sent_before_ms: int, limit: int) -> Sequence[Gap]:
        """Remove up to `limit` of the oldest events sent before that moment, from the start of their logs.

        Answers the ranges removed, reason `retention`; nothing when there is nothing left to remove. Seqs
        and keys are never used again.
        """
        ...

    # -- rooms --------------------------------------------------------------

    async def create_room(self, room: Room, folded: str) -> Room:
        """Raises NameTaken (`conflicts_with` "/room/ID") when a room's name folds alike."""
        ...

    async def room(self, id: RoomId) -> Room | None: ...

    async def rooms(self, *, prefix: str, after: RoomId | None, limit: int) -> tuple[Sequence[Room], bool]:
        """Rooms whose folded name starts with `prefix` (already folded), in the order of folded names,
        after that of the room `after`; and whether there are more. An unknown `after` is `NoSuchRoom`."""
        ...

    # -- people -------------------------------------------------------------

    async def create_user(self, user: User, password_hash: str) -> None:
        """Raises NameTaken (`conflicts_with` "/user/NAME")."""
        ...

    async def user(self, name: UserId) -> User | None: ...

    async def users(self, *, prefix: str, after: UserId | None, limit: int) -> tuple[Sequence[User], bool]:
        """Users not disabled whose name starts with `prefix`, in the order of names; and whether there
        are more."""
        ...

    async def credential(self, name: UserId) -> Credential | None: ...

    async def set_password(self, name: UserId, password_hash: str) -> Sequence[SessionId]:
        """Give the user another password and end all its sessions; those that were. Raises NoSuchUser."""
        ...

    async def disable(self, name: UserId, now_ms: int | None) -> None:
        """Disable the user and end all its sessions; with None, enable it again."""
        ...

    # -- what was read ------------------------------------------------------

    async def mark(self, user: UserId, place: LogId, seq: int) -> tuple[int, bool]:
        """Note that `user` has read up to `seq`: in a room's log, or where `place` is a peer's inbox, in
        their own of what the two wrote to each other. A mark never goes back.

        The mark as it is now, and whether it is new or moved; callers are told in the order in which marks
        moved. Raises NoSuchUser."""
        ...

    async def unmark(self, user: UserId, place: LogId) -> bool:
        """Forget a mark; whether there was one. Raises NoSuchUser."""
        ...

    async def followed(
        self, user: UserId, *, after: RoomId | None, limit: int
    ) -> tuple[Sequence[Followed], bool]:
        """The rooms in which `user` has a mark, in the order of their ids; and whether there are more.
        Raises NoSuchUser."""
        ...

    async def conversations(
        self, user: UserId, *, after: UserId | None, limit: int
    ) -> tuple[Sequence[Conversation], bool]:
        """Those with whom `user` has exchanged direct messages of which any is left, in the order of names;
        and whether there are more, which a page that was dear may say before its `limit`.

        Costs a few look-ups for each, however much the two wrote, and the counting, up to MOST_UNREAD. A
        conversation whose newest event is damaged is listed without it. Raises NoSuchUser.
        """
        ...

    # -- sessions -----------------------------------------------------------

    async def create_session(
        self, session: Session, token_hash: bytes, *, password_hash: str | None = None
    ) -> None:
        """Raises WrongCredentials for a user who is not there, who has been disabled meanwhile, or whose
        password is not, or no longer, that of `password_hash` where one is given."""
        ...

    async def session_by_token(self, token_hash: bytes) -> Session | None: ...

    async def session(self, id: SessionId) -> Session | None: ...

    async def those(self, ids: Sequence[SessionId]) -> Mapping[SessionId, Session]:
        """Of these sessions those that there are, expired or not."""
        ...

    async def sessions(self, user: UserId) -> Sequence[Session]:
        """Oldest first, expired ones included until they are swept."""
        ...

    async def extend_session(self, id: SessionId, expires_at_ms: int) -> None: ...

    async def end_session(self, id: SessionId) -> bool:
        """Whether there was one."""
        ...

    async def end_sessions(self, user: UserId) -> Sequence[SessionId]:
        """End all sessions of `user`; those that were."""
        ...

    async def sweep_sessions(self, now_ms: int) -> int:
        """Remove sessions that have expired; how many."""
        ...

    async def endings(self, since: int | None) -> Endings:
        """What others ended since the `upto` of an earlier answer; None the first time. What was ended
        through this store may be among it."""
        ...


class Seed(msgspec.Struct, frozen=True, kw_only=True):
    """Users with ready sessions and rooms, to be put in a store at once."""

    users: Sequence[tuple[User, str]]
    """With the password hash."""
    sessions: Sequence[tuple[Session, bytes]]
    """With the token hash."""
    rooms: Sequence[tuple[Room, str]]
    """With the folded name."""
