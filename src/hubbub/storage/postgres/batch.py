"""What becomes of a batch of drafts, once the rows of their logs are locked and what has to be known is read.

Pure: no SQL, no loop. It is given what the database holds and answers with the outcomes and the rows to be
written.
"""

from collections.abc import Callable, Iterable, Sequence

from hubbub.domain import chain
from hubbub.domain.errors import (
    BadInput,
    Damaged,
    HeadMoved,
    HubbubError,
    KeyReused,
    NoSuchRoom,
    NoSuchUser,
)
from hubbub.domain.events import Draft, Event, Posted
from hubbub.domain.ids import LogId, MessageId, UserId, inbox_log, owner_of
from hubbub.storage.base import Outcome
from hubbub.storage.drafts import entry, is_kept
from hubbub.storage.postgres.texts import is_storable

KeyOf = tuple[int, UserId, str]
"""The number of the log, the sender and the key."""


class Place:
    """One log whose row is locked."""

    __slots__ = ("damage", "floor", "floor_link", "grown", "head", "link", "name", "number", "oldest_ms")

    def __init__(
        self,
        *,
        name: LogId,
        number: int,
        head: int,
        link: bytes | None,
        floor: int,
        floor_link: bytes | None,
    ) -> None:
        self.name = name
        self.number = number
        self.head = head
        self.floor = floor
        self.floor_link = floor_link
        self.link = chain.first_link(name) if link is None else link
        """Of the event at `head`: what the next is tied to."""
        self.oldest_ms: int | None = None
        """When the first event of this batch was sent, in a log that had none."""
        self.grown = False
        self.damage: Damaged | None = None
        """Why nothing is added to it."""

    def look(self, last: Iterable[tuple[int, bytes, bytes]]) -> None:
        """See that the last event is tied to the one before, and that the row says so: of the events from the
        one before the head on, the seqs, digests and links. If not, the log takes no posts."""
        found = {seq: (digest, link) for seq, digest, link in last}
        first = chain.first_link(self.name) if self.floor_link is None else self.floor_link
        found[self.floor] = b"", first
        if max(found) > self.head:
            self.damage = Damaged(log=self.name, seq=max(found))
            return
        for seq in range(max(self.floor, self.head - 1), self.head + 1):
            if seq not in found:
                self.damage = Damaged(log=self.name, seq=seq)
                return
        digest, link = found[self.head]
        tied = self.head == self.floor or chain.ties(found[self.head - 1][1], digest, link)
        if not tied or link != self.link:
            self.damage = Damaged(log=self.name, seq=self.head)


class Used:
    """A key that was used before, with what is left of what it stored."""

    __slots__ = ("copy", "digest", "event", "id", "receipt", "sent_at_ms", "seq")

    def __init__(
        self,
        *,
        seq: int,
        receipt: int | None,
        id: MessageId | None,
        sent_at_ms: int | None,
        digest: bytes | None,
    ) -> None:
        self.seq = seq
        self.receipt = receipt
        """The seq of the sender's own copy."""
        self.id = id
        self.sent_at_ms = sent_at_ms
        self.digest = digest
        self.event: Event | None = None
        """The one stored at `seq`; None when there is none, or it is not as it was written."""
        self.copy: Event | None = None
        """The one stored at `receipt`, in the sender's inbox."""


class Batch:
    """Drafts on their way into the logs.

    Always true: `events`, `keys` and the `places` that have grown are what is to be written for the
    `outcomes`, all of them or none.
    """

    def __init__(self, drafts: Sequence[Draft]) -> None:
        self.drafts = drafts
        self.outcomes: list[Outcome] = []
        self.places: dict[LogId, Place] = {}
        self.used: dict[KeyOf, Used] = {}
        self.events: list[tuple[int, Event, bytes, bytes, bytes]] = []
        """With the number of the log; the salt, the digest and the link."""
        self.keys: list[tuple[int, UserId, str, int, int | None]] = []
        self.damages: list[Damaged] = []
        """To be told, when this is how it stays."""
        self._claimed: dict[KeyOf, tuple[Event, Event]] = {}

    def logs(self) -> list[LogId]:
        """The logs the batch is for."""
        logs = {draft.place for draft in self.drafts}
        logs |= {inbox_log(draft.sender) for draft in self.drafts if owner_of(draft.place) is not None}
        return [log for log in logs if is_storable(log)]

    def key_of(self, draft: Draft) -> KeyOf | None:
        """How the draft's key is written down; None when it has none, or no log to go to."""
        place = self.places.get(draft.place)
        if draft.key is None or place is None:
            return None
        return place.number, draft.sender, draft.key

    def asked(self) -> list[KeyOf]:
        """The keys that may have been used before."""
        keys = {key for draft in self.drafts if (key := self.key_of(draft))}
        return [key for key in keys if is_storable(key[1]) and is_storable(key[2])]

    def settle(self, salt: Callable[[], bytes]) -> None:
        """Say what becomes of each draft, in their order."""
        for draft in self.drafts:
            try:
                self.outcomes.append(self._add(draft, salt))
            except HubbubError as refusal:
                if isinstance(refusal, Damaged):
                    self.damages.append(refusal)
                self.outcomes.append(refusal)

    def _add(self, draft: Draft, salt: Callable[[], bytes]) -> Posted:
        owner = owner_of(draft.place)
        place = self.places.get(draft.place)
        if place is None:
            raise NoSuchRoom() if owner is None else NoSuchUser()
        if draft.expected_head is not None and draft.expected_head != place.head:
            if used := self._repeated(draft):
                return used
            raise HeadMoved(head=place.head)
        own = None
        if owner is not None and owner != draft.sender:
            own = self.places.get(inbox_log(draft.sender))
            if own is None:
                raise NoSuchUser()
            _check(own)
        _check(place)
        if not is_storable(draft.text):
            raise BadInput("The text is not well-formed Unicode.", field="text")
        if draft.key is not None and not is_storable(draft.key):
            raise BadInput("The key is not well-formed Unicode.", field="key")
        if used := self._repeated(draft):
            return used

        event = receipt = entry(draft, place.head + 1)
        self._put(place, event, salt())
        events: tuple[Event, ...] = (event,)
        if own is not None:
            receipt = entry(draft, own.head + 1, copy=True)
            self._put(own, receipt, salt())
            events = (event, receipt)
        if draft.key is not None:
            key = place.number, draft.sender, draft.key
            self._claimed[key] = event, receipt
            self.keys.append((*key, event.seq, None if own is None else receipt.seq))
        return Posted(receipt=receipt, events=events)

    def _put(self, place: Place, event: Event, salt: bytes) -> None:
        digest = chain.digest(salt, event)
        link = chain.link(place.link, digest)
        self.events.append((place.number, event, salt, digest, link))
        if place.head == place.floor:
            place.oldest_ms = event.sent_at_ms
        place.head = event.seq
        place.link = link
        place.grown = True

    def _repeated(self, draft: Draft) -> Posted | None:
        """What the draft's key stored before, if anything. Raises KeyReused, Damaged."""
        key = self.key_of(draft)
        if key is None:
            return None
        if claimed := self._claimed.get(key):
            event, receipt = claimed
            if event.text != draft.text:
                raise KeyReused(conflicts_with=event.id)
            return Posted(receipt=receipt, events=())
        used = self.used.get(key)
        return None if used is None else self._answer(draft, used)

    def _answer(self, draft: Draft, used: Used) -> Posted:
        id, sent_at_ms = used.id, used.sent_at_ms
        if id is None or sent_at_ms is None:
            first = used.event
            if first is None or (first.sender, first.key) != (draft.sender, draft.key):
                raise Damaged(log=draft.place, seq=used.seq)
            id, sent_at_ms = first.id, first.sent_at_ms
            same = first.text == draft.text
        else:
            same = is_kept(used.digest, entry(draft, used.seq, id=id, sent_at_ms=sent_at_ms), used.receipt)
        if not same:
            raise KeyReused(conflicts_with=id)
        if used.receipt is None:
            return Posted(receipt=entry(draft, used.seq, id=id, sent_at_ms=sent_at_ms), events=())
        receipt = entry(draft, used.receipt, copy=True, id=id, sent_at_ms=sent_at_ms)
        own = self.places.get(receipt.log)
        if own is None or (receipt.seq > own.floor and used.copy != receipt):
            raise Damaged(log=receipt.log, seq=receipt.seq)
        return Posted(receipt=receipt, events=())


def _check(place: Place) -> None:
    if place.damage is not None:
        raise place.damage
