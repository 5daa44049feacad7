"""The promises of the wire as invariants over ledgers and the store: `INVARIANTS` says which.

Pure. What is stored is handed in, whoever read it: a test from the store itself, others over the API.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from hubbub.check.ledger import Ledger, Reading
from hubbub.domain.ids import LogId, UserId, inbox_log, owner_of, room_log
from hubbub.protocol.frames import GapFrame, LogFrame, Message, Sent

Stored = Mapping[LogId, Sequence[LogFrame]]
"""Every log, from its beginning, as a reader of it would be told: oldest first, with what was removed named
by a gap."""


INVARIANTS = {
    "I1": "every acknowledged message is stored, once",
    "I2": "each reader's sequence in a log has no hole, no repeat and nothing out of order",
    "I3": "nothing was seen that is not stored, and nothing is stored that was not posted",
    "I4": "nobody saw what was not for them",
    "I5": "the same key always gave the same seq",
    "I6": "what was acknowledged can be read at once",
    "I7": "memory is bounded",
    "I8": "everybody has caught up in the end",
    "I9": "no descriptor, task, connection or listener is left over",
}


class Fault(msgspec.Struct, frozen=True):
    """A promise that was broken, and where."""

    invariant: str
    text: str

    def __str__(self) -> str:
        return f"{self.invariant}: {self.text}"


class Resources(msgspec.Struct, frozen=True, kw_only=True):
    """What a server holds at some moment. None: cannot be known here."""

    memory_bytes: int | None = None
    descriptors: int | None = None
    tasks: int | None = None
    connections: int | None = None
    listeners: int | None = None
    """Subscriptions, and logs kept in memory for them."""


def broken(
    ledgers: Sequence[Ledger],
    stored: Stored,
    *,
    settled: bool = True,
    before: Resources | None = None,
    after: Resources | None = None,
    memory_bound_bytes: int | None = None,
) -> list[Fault]:
    """Every promise that was broken; none when all were kept.

    `settled`: every reader had its time to catch up, so that each has to stand at its log's head (I8).
    `before` and `after`: what the server held when nobody was there (I9); memory may have grown by
    `memory_bound_bytes` (I7).
    """
    faults = [
        *_stored_in_order(stored),
        *_acknowledged_is_stored(ledgers, stored),
        *_stored_once(stored),
        *_stored_was_posted(ledgers, stored),
        *_in_order(ledgers),
        *_seen_is_stored(ledgers, stored),
        *_for_the_reader(ledgers),
        *_one_seq_a_key(ledgers),
        *_read_at_once(ledgers),
    ]
    if settled:
        faults += _caught_up(ledgers, stored)
    if before is not None and after is not None:
        faults += _memory(before, after, memory_bound_bytes)
        faults += _nothing_left(before, after)
    return faults


def first(frame: LogFrame) -> int:
    return frame.first if isinstance(frame, GapFrame) else frame.seq


def last(frame: LogFrame) -> int:
    return frame.last if isinstance(frame, GapFrame) else frame.seq


# -- I1, I5, I6: what was posted --------------------------------------------


def _acknowledged_is_stored(ledgers: Sequence[Ledger], stored: Stored) -> Iterator[Fault]:
    for ledger in ledgers:
        for receipt in ledger.receipts:
            found = _at(stored.get(receipt.log, ()), receipt.seq)
            what = f"{ledger.user}'s {receipt.key}, acknowledged as {receipt.log} {receipt.seq},"
            if found is None:
                yield Fault("I1", f"{what} is not stored")
                continue
            if isinstance(found, GapFrame):
                continue  # removed since, and said so
            attempt = ledger.attempts[receipt.key]
            if (found.id, found.key, found.sender) != (receipt.id, receipt.key, ledger.user):
                yield Fault("I1", f"{what} is another message there: {found.sender}'s {found.key}")
            elif found.text != attempt.text:
                yield Fault("I1", f"{what} has another text there")
            elif owner_of(attempt.place) not in (None, ledger.user):
                yield from _received(attempt.place, found, what, stored)


def _received(place: LogId, sent: Message | Sent, what: str, stored: Stored) -> Iterator[Fault]:
    """Of a direct message the one it is for has it too."""
    if not isinstance(sent, Sent):
        yield Fault("I1", f"{what} is there as a message and not as the sender's copy")
    received = stored.get(place)
    if received is None:
        return  # nobody could read it who takes part in this check
    copies = [each for each in received if isinstance(each, Message) and each.id == sent.id]
    gap = any(isinstance(each, GapFrame) for each in received)
    if len(copies) != 1 and not (gap and not copies):
        yield Fault("I1", f"{what} is {len(copies)} times in {place}")


def _stored_once(stored: Stored) -> Iterator[Fault]:
    for log, events in stored.items():
        keyed = Counter((each.sender, each.key) for each in events if isinstance(each, Message) and each.key)
        named = Counter(each.id for each in events if isinstance(each, Message | Sent))
        for (sender, key), count in keyed.items():
            if count > 1:
                yield Fault("I1", f"{sender}'s {key} is {count} times in {log}")
        for id, count in named.items():
            if count > 1:
                yield Fault("I1", f"the id {id} is {count} times in {log}")


def _stored_was_posted(ledgers: Sequence[Ledger], stored: Stored) -> Iterator[Fault]:
    """What is stored of somebody who keeps a ledger was posted, there and so, and not refused."""
    kept = {ledger.user: ledger for ledger in ledgers}
    for log, events in stored.items():
        for each in events:
            if isinstance(each, GapFrame) or each.key is None or each.sender not in kept:
                continue
            ledger = kept[UserId(each.sender)]
            attempt = ledger.attempts.get(each.key)
            if attempt is None or (attempt.place, attempt.text) != (_place(each), each.text):
                yield Fault("I3", f"{log} has what {each.sender} never posted there: {each}")
            elif each.key in ledger.refused:
                yield Fault("I3", f"{log} has {each.sender}'s {each.key}, which was refused")


def _place(frame: Message | Sent) -> LogId:
    """Where it was posted, whichever of its copies this is."""
    if isinstance(frame, Message) and frame.room is not None:
        return room_log(frame.room)
    return inbox_log(frame.to or "")


def _one_seq_a_key(ledgers: Sequence[Ledger]) -> Iterator[Fault]:
    for ledger in ledgers:
        told: defaultdict[str, set[tuple[int, str]]] = defaultdict(set)
        for receipt in ledger.receipts:
            told[receipt.key].add((receipt.seq, receipt.id))
        for key, answers in told.items():
            if len(answers) > 1:
                yield Fault("I5", f"{ledger.user}'s {key} was acknowledged as {sorted(answers)}")


def _read_at_once(ledgers: Sequence[Ledger]) -> Iterator[Fault]:
    for ledger in ledgers:
        for receipt in ledger.unread:
            yield Fault(
                "I6", f"{ledger.user} could not read {receipt.log} {receipt.seq} after it was acknowledged"
            )


# -- I2, I3, I4, I8: what was read ------------------------------------------


def _stored_in_order(stored: Stored) -> Iterator[Fault]:
    for log, events in stored.items():
        yield from _dense(f"the store's {log}", events, 0)


def _in_order(ledgers: Sequence[Ledger]) -> Iterator[Fault]:
    for ledger in ledgers:
        for name, what in ledger.complaints:
            yield Fault("I2", f"{ledger.user}'s {name}: {what}")
    for reading in _readings(ledgers):
        yield from _dense(repr(reading), reading.events, reading.after)


def _dense(whose: str, events: Sequence[LogFrame], stands_at: int | None) -> Iterator[Fault]:
    for each in events:
        if stands_at is not None and first(each) != stands_at + 1:
            yield Fault("I2", f"{whose}: {first(each)} came after {stands_at}")
        if last(each) < first(each):
            yield Fault("I2", f"{whose}: a gap ends before it begins: {each}")
        stands_at = last(each)


def _seen_is_stored(ledgers: Sequence[Ledger], stored: Stored) -> Iterator[Fault]:
    for reading in _readings(ledgers):
        events = stored.get(reading.log, ())
        for seen in reading.events:
            if isinstance(seen, GapFrame):
                # A range once removed stays removed.
                kept = _at(events, seen.first)
                if not isinstance(kept, GapFrame) or kept.last < seen.last:
                    yield Fault("I3", f"{reading}: {seen.first} to {seen.last} are said to be gone")
                continue
            found = _at(events, seen.seq)
            if found != seen and not isinstance(found, GapFrame):
                yield Fault("I3", f"{reading}: {seen} was seen, and {found} is stored")


def _for_the_reader(ledgers: Sequence[Ledger]) -> Iterator[Fault]:
    for ledger in ledgers:
        for name, frame in ledger.foreign:
            yield Fault("I4", f"{ledger.user}'s {name} did not ask for {frame}")
    for reading in _readings(ledgers):
        if owner_of(reading.log) is None:
            continue
        for seen in reading.events:
            if isinstance(seen, GapFrame):
                continue
            if reading.reader != (seen.sender if isinstance(seen, Sent) else seen.to):
                yield Fault("I4", f"{reading}: {seen} is for somebody else")


def _caught_up(ledgers: Sequence[Ledger], stored: Stored) -> Iterator[Fault]:
    for reading in _readings(ledgers):
        events = stored.get(reading.log, ())
        head = last(events[-1]) if events else 0
        if reading.stands_at is None:
            continue  # began at the head and was told nothing
        if reading.stands_at < head:
            yield Fault("I8", f"{reading}: stands at {reading.stands_at}, and the head is {head}")


# -- I7, I9: what the server holds ------------------------------------------


def _memory(before: Resources, after: Resources, bound_bytes: int | None) -> Iterator[Fault]:
    if bound_bytes is None or before.memory_bytes is None or after.memory_bytes is None:
        return
    grown = after.memory_bytes - before.memory_bytes
    if grown > bound_bytes:
        yield Fault("I7", f"memory has grown by {grown:,} bytes, more than the {bound_bytes:,} allowed")


def _nothing_left(before: Resources, after: Resources) -> Iterator[Fault]:
    for what, count in left_over(before, after).items():
        yield Fault("I9", f"{count} {what} are left over")


def left_over(before: Resources, after: Resources) -> dict[str, int]:
    """What a server holds more of than before, of all that ends with those who came for it."""
    more: dict[str, int] = {}
    for what in ("descriptors", "tasks", "connections", "listeners"):
        had, has = getattr(before, what), getattr(after, what)
        if had is not None and has is not None and has > had:
            more[what] = has - had
    return more


def _readings(ledgers: Sequence[Ledger]) -> Iterator[Reading]:
    for ledger in ledgers:
        yield from ledger.readings.values()


def _at(events: Sequence[LogFrame], seq: int) -> LogFrame | None:
    """What stands at `seq` of a log: an event, or the gap it fell into."""
    low, high = 0, len(events)
    while low < high:
        middle = (low + high) // 2
        if last(events[middle]) < seq:
            low = middle + 1
        else:
            high = middle
    return events[low] if low < len(events) and first(events[low]) <= seq else None
