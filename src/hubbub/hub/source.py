"""The store, as far as live delivery needs it."""

from collections.abc import Awaitable, Mapping, Sequence
from typing import Protocol

from hubbub.domain.events import Event, Gap
from hubbub.domain.ids import LogId


class Past(Protocol):
    """What was read of a log: `storage.base.Page`, as far as the hub needs it."""

    @property
    def events(self) -> Sequence[Event]: ...
    @property
    def head(self) -> int: ...
    @property
    def gap(self) -> Gap | None: ...
    @property
    def more(self) -> bool: ...


class Source(Protocol):
    """Where the past is read."""

    def head(self, log: LogId) -> Awaitable[int | None]: ...
    def heads(self, logs: Sequence[LogId]) -> Awaitable[Mapping[LogId, int]]: ...
    def page(self, log: LogId, *, after: int) -> Awaitable[Past]: ...
