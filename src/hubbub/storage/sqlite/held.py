"""Up to where readers may see a log whose newest events are committed, and not yet on disk. Pure."""

from collections.abc import Sequence

from hubbub.domain.events import Event
from hubbub.domain.ids import LogId


class Held:
    """Always true: a log stands here exactly while it has events that no ended sync has covered."""

    def __init__(self) -> None:
        self._logs: dict[LogId, tuple[int, int]] = {}  # the last seq that is on disk, and the last there is

    def __contains__(self, log: LogId) -> bool:
        return log in self._logs

    def hold(self, events: Sequence[Event]) -> dict[LogId, int]:
        """Hide what was just added; what `release` is to be given when it is on disk."""
        grown: dict[LogId, int] = {}
        for event in events:
            on_disk, _ = self._logs.get(event.log, (event.seq - 1, 0))
            self._logs[event.log] = (on_disk, event.seq)
            grown[event.log] = event.seq
        return grown

    def release(self, grown: dict[LogId, int]) -> None:
        """Show what was held, and all before it."""
        for log, seq in grown.items():
            last = self._logs[log][1]
            if last == seq:
                del self._logs[log]
            else:
                self._logs[log] = (seq, last)

    def visible(self, log: LogId, head: int) -> int:
        """The last seq of `log` that may be told, which has `head`."""
        held = self._logs.get(log)
        return head if held is None else held[0]
