"""What was acknowledged and what was read, held against what is stored."""

from collections import Counter
from collections.abc import Iterable, Sequence

from hubbub.client import Event
from hubbub.protocol.frames import Message


class Ledger:
    """Kept by clients while the server is being ill-treated; checked when the dust has settled."""

    def __init__(self) -> None:
        self.acknowledged: dict[str, set[int]] = {}
        """By key, every seq a post with it was acknowledged with."""
        self.read: dict[str, list[Event]] = {}
        """By reader, all that was handed to it."""

    def acknowledge(self, key: str, seq: int) -> None:
        self.acknowledged.setdefault(key, set()).add(seq)

    def reads(self, reader: str, event: Event) -> None:
        self.read.setdefault(reader, []).append(event)

    def check(self, stored: Sequence[Event]) -> None:
        """`stored`: the whole log, oldest first. Raises AssertionError with the first thing that is wrong."""
        check_order("the store", stored)
        keys = Counter(event.key for event in _messages(stored) if event.key is not None)
        assert not [key for key, count in keys.items() if count > 1], "a key is stored twice"
        by_key = {event.key: event.seq for event in _messages(stored)}
        for key, seqs in self.acknowledged.items():
            assert len(seqs) == 1, f"{key} was acknowledged with several numbers: {sorted(seqs)}"
            assert by_key.get(key) == min(seqs), f"{key} was acknowledged as {seqs} and is {by_key.get(key)}"
        by_seq = {event.seq: event for event in _messages(stored)}
        for reader, events in self.read.items():
            check_order(reader, events)
            for event in _messages(events):
                assert by_seq.get(event.seq) == event, f"{reader} saw what is not stored: {event}"


def check_order(whose: str, events: Iterable[Event]) -> None:
    """No hole, no repeat, nothing out of order."""
    last = None
    for event in _messages(events):
        assert last is None or event.seq == last + 1, f"{whose}: {event.seq} came after {last}"
        last = event.seq


def _messages(events: Iterable[Event]) -> Iterable[Message]:
    return (event for event in events if isinstance(event, Message))
