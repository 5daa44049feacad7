"""Everything hubbub refuses on purpose.

    HubbubError
    ├── Refused                  the caller has to change something
    │   ├── BadInput             .field
    │   ├── NotSignedIn · WrongCredentials
    │   ├── NotAllowed · ForeignOrigin · SignUpClosed
    │   ├── NotFound             NoSuchRoom · NoSuchUser · NoSuchMessage · NoSuchSession · NoSuchPage
    │   ├── MethodNotAllowed · UpgradeRequired · UnsupportedMediaType
    │   ├── Conflict             NameTaken · KeyReused · StaleCursor   .conflicts_with
    │   ├── HeadMoved            .head
    │   ├── TooLarge · HeadTooLarge   .limit_bytes
    │   └── TooMuch              TooFast · TooMany   .retry_after_seconds
    ├── Unavailable              our fault; the same call may work later
    │   └── StorageFull · StorageAway · ShuttingDown · StorageFailed · Overloaded
    └── Damaged                  our fault; the same call will fail again   .log .seq

A bug is none of these: it stays a plain exception and is told to the client as "internal".

`code` is the stable name of the kind: the last part of its `/problems/CODE` page. Which status or close
code a transport uses for it is not known here.
"""

from typing import ClassVar


class HubbubError(Exception):
    """`detail` is one sentence for the person who has to act on it; nothing secret goes in it."""

    code: ClassVar[str]
    title: ClassVar[str]

    def __init__(self, detail: str = "", **members: object) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.members = members
        """Facts for programs, sent beside the text."""


class Refused(HubbubError):
    """The caller has to change something."""


class BadInput(Refused):
    code = "bad-input"
    title = "The request is not well formed"

    def __init__(self, detail: str, *, field: str | None = None) -> None:
        super().__init__(detail, **({"field": field} if field else {}))


class NotSignedIn(Refused):
    code = "not-signed-in"
    title = "You are not signed in"


class WrongCredentials(Refused):
    code = "wrong-credentials"
    title = "The name or the password is wrong"


class NotAllowed(Refused):
    code = "not-allowed"
    title = "You may not do this"


class ForeignOrigin(Refused):
    code = "foreign-origin"
    title = "The request comes from another site"


class SignUpClosed(Refused):
    code = "sign-up-closed"
    title = "This server does not take sign-ups"


class NotFound(Refused):
    """Something the request names does not exist."""


class NoSuchRoom(NotFound):
    code = "no-such-room"
    title = "There is no such room"


class NoSuchUser(NotFound):
    code = "no-such-user"
    title = "There is no such user"


class NoSuchMessage(NotFound):
    code = "no-such-message"
    title = "There is no such message"


class NoSuchSession(NotFound):
    code = "no-such-session"
    title = "There is no such session"


class NoSuchPage(NotFound):
    code = "no-such-page"
    title = "There is nothing at this address"


class MethodNotAllowed(Refused):
    code = "method-not-allowed"
    title = "This address does not take that method"


class UpgradeRequired(Refused):
    code = "upgrade-required"
    title = "This address speaks WebSocket only"


class UnsupportedMediaType(Refused):
    code = "unsupported-media-type"
    title = "The body has to be JSON"


class Conflict(Refused):
    """The request is well formed but does not fit what is already there."""


class NameTaken(Conflict):
    """`conflicts_with` is the address, relative to the server, of what has the name."""

    code = "name-taken"
    title = "The name is taken"

    def __init__(self, detail: str, *, conflicts_with: str) -> None:
        super().__init__(detail, conflicts_with=conflicts_with)


class KeyReused(Conflict):
    """The same key came before with another text. `conflicts_with` is that message's id."""

    code = "key-reused"
    title = "The idempotency key was used for another message"

    def __init__(self, detail: str = "", *, conflicts_with: str) -> None:
        super().__init__(detail, conflicts_with=conflicts_with)


class StaleCursor(Conflict):
    """A cursor of another epoch, or from the future. `head` is where the log really ends."""

    code = "stale-cursor"
    title = "The cursor does not belong to this history"


class HeadMoved(Refused):
    code = "head-moved"
    title = "Something was posted in between"

    def __init__(self, *, head: int) -> None:
        super().__init__(f"The room's last message is number {head} now.", head=head)
        self.head = head


class TooLarge(Refused):
    code = "too-large"
    title = "The message is too large"

    def __init__(self, detail: str, *, limit_bytes: int) -> None:
        super().__init__(detail, limit_bytes=limit_bytes)


class HeadTooLarge(Refused):
    """`limit_bytes` is what it may have."""

    code = "head-too-large"
    title = "The request's head is too large"


class TooMuch(Refused):
    """The caller has to wait or to hold less at once."""

    def __init__(self, detail: str = "", *, retry_after_seconds: float = 1.0, **members: object) -> None:
        super().__init__(detail, retry_after=retry_after_seconds, **members)
        self.retry_after_seconds = retry_after_seconds


class TooFast(TooMuch):
    """A rate limit. `policy` names it, `quota` and `window_seconds` say what it allows."""

    code = "too-fast"
    title = "Too many requests"

    def __init__(
        self, detail: str = "", *, retry_after_seconds: float, policy: str, quota: int, window_seconds: int
    ) -> None:
        super().__init__(detail, retry_after_seconds=retry_after_seconds, policy=policy)
        self.policy = policy
        self.quota = quota
        self.window_seconds = window_seconds


class TooMany(TooMuch):
    """A bound on what one may hold at the same time: streams, sockets, subscriptions."""

    code = "too-many"
    title = "Too many at once"


class Unavailable(HubbubError):
    """Not the caller's fault; the same call may work later."""

    def __init__(self, detail: str = "", *, retry_after_seconds: float = 5.0) -> None:
        super().__init__(detail, retry_after=retry_after_seconds)
        self.retry_after_seconds = retry_after_seconds


class StorageFull(Unavailable):
    code = "storage-full"
    title = "The server's disk is full"


class StorageAway(Unavailable):
    """The database cannot be reached. What was being posted may be stored or not: its key tells."""

    code = "storage-away"
    title = "The server's database cannot be reached"


class StorageFailed(Unavailable):
    """The store broke. Nothing more is acknowledged; the process ends and recovers from disk."""

    code = "storage-failed"
    title = "The server's storage failed"


class ShuttingDown(Unavailable):
    code = "shutting-down"
    title = "The server is going away"


class Overloaded(Unavailable):
    code = "overloaded"
    title = "The server has too much to do"


class Damaged(HubbubError):
    """What the disk gives back is not what was stored there: it is not given out. `log` and `seq` say what,
    as far as that is known; they are for the operator and not sent."""

    code = "damaged"
    title = "Something that was stored is damaged"

    def __init__(self, detail: str = "", *, log: str | None = None, seq: int | None = None) -> None:
        super().__init__(detail)
        self.log = log
        self.seq = seq
