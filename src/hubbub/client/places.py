"""Where a reader stands in each log it follows. Pure: no socket, no task.

A log is named by its room's id; the reader's own inbox is `None`.
"""

from collections.abc import Iterator, Mapping

from hubbub.client.errors import Hole
from hubbub.domain.ids import UserId, room_of
from hubbub.protocol.cursor import parse_cursors
from hubbub.protocol.frames import After, GapFrame, LogFrame, Sent

Log = str | None
"""A room's id, or None for the inbox."""

Event = LogFrame
"""What a subscription brings."""

_ME = UserId("me")  # an inbox in a cursor has no name; it is the reader's


class Places:
    """A position in each of some logs.

    Always true, once a log's position is known:
      * every event up to it was taken, once and in order, and none after it;
      * it never moves back.
    """

    def __init__(self, wanted: Mapping[Log, After | None]) -> None:
        """`wanted`: the cursor or seq to go on from; None: from the head, wherever that will be.

        Raises ValueError for what cannot be a cursor.
        """
        if not wanted:
            raise ValueError("name a room, or the inbox")
        self._seqs: dict[Log, int] = {}
        self._epochs: dict[Log, str] = {}
        self._logs = tuple(wanted)
        self.repeats = 0
        """Events that came again and were dropped. A correct server never sends one."""
        for log, after in wanted.items():
            if after is not None:
                epoch, _, seq = str(after).rpartition(":")
                self.start(log, int(seq), epoch or None)

    def __iter__(self) -> Iterator[Log]:
        return iter(self._logs)

    def __len__(self) -> int:
        return len(self._logs)

    @property
    def unknown(self) -> list[Log]:
        """The logs of which it is not known yet where reading starts."""
        return [log for log in self._logs if log not in self._seqs]

    @property
    def anchored(self) -> bool:
        """Whether every position is known together with its epoch: such cursors are never misread."""
        return all(log in self._epochs for log in self._logs)

    def cursor(self, log: Log) -> str | None:
        """What to ask the server with; None: from the head."""
        if log not in self._seqs:
            return None
        seq = str(self._seqs[log])
        epoch = self._epochs.get(log)
        return f"{epoch}:{seq}" if epoch else seq

    def cursors(self) -> dict[Log, str | None]:
        """To keep, and to go on from another day."""
        return {log: self.cursor(log) for log in self._logs}

    def start(self, log: Log, seq: int, epoch: str | None) -> None:
        """Where reading starts, unless that is known already."""
        self._seqs.setdefault(log, seq)
        if epoch:
            self._epochs.setdefault(log, epoch)

    def in_epoch(self, epoch: str) -> None:
        for log in self._seqs:
            self._epochs.setdefault(log, epoch)

    def start_at(self, cursor: str) -> None:
        """Where reading starts, as a server's cursor over all the logs says it."""
        epoch, _, rest = cursor.rpartition(":")
        if "=" not in rest:
            self.start(self._logs[0], int(rest), epoch)
            return
        for log, seq in parse_cursors(cursor, epoch, _ME).items():
            self.start(room_of(log), seq, epoch)

    def take(self, event: Event) -> bool:
        """Whether `event` is new. Raises Hole when something is missing before it."""
        log = log_of(event)
        first, last = (event.first, event.last) if isinstance(event, GapFrame) else (event.seq, event.seq)
        seq = self._seqs.get(log)
        if seq is not None:
            if last <= seq:
                self.repeats += 1
                return False
            if first > seq + 1:
                raise Hole(room=log, expected=seq + 1, found=first)
        self._seqs[log] = last
        return True


def log_of(event: Event) -> Log:
    return None if isinstance(event, Sent) else event.room
