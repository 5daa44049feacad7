"""The other nodes, as far as a hub needs them: who is told of what was stored here, and heard of what was
stored there."""

from typing import Protocol

from hubbub.domain.ids import LogId
from hubbub.protocol.framing import Entry


class Others(Protocol):
    """What a hub says here is told to the others soon, or lost: they compare heads with the store.

    Nothing here raises.
    """

    async def follow(self, log: LogId) -> None:
        """Hear what happens to this log elsewhere from now on, until `unfollow`. Asking again is no harm."""
        ...

    def unfollow(self, log: LogId) -> None: ...

    def grew(self, log: LogId, entry: Entry) -> None:
        """An event was stored here."""
        ...

    def cut(self, log: LogId, last: int) -> None:
        """The events up to `last` were removed here."""
        ...

    def told(self, log: LogId, kind: str, json: bytes) -> None:
        """Something was said in passing to whoever listens to the log."""
        ...

    def flush(self) -> None:
        """Pass on all of that now."""
        ...


class NoOthers:
    """Of a server that has its store for itself."""

    async def follow(self, log: LogId) -> None:
        pass

    def unfollow(self, log: LogId) -> None:
        pass

    def grew(self, log: LogId, entry: Entry) -> None:
        pass

    def cut(self, log: LogId, last: int) -> None:
        pass

    def told(self, log: LogId, kind: str, json: bytes) -> None:
        pass

    def flush(self) -> None:
        pass
