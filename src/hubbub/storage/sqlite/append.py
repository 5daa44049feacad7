"""Adding to the logs in SQLite: a batch of drafts, one transaction, one sync."""

from collections.abc import Callable, Sequence
from functools import partial

import apsw

from hubbub.domain import chain
from hubbub.domain.errors import (
    BadInput,
    Damaged,
    HeadMoved,
    HubbubError,
    KeyReused,
    NoSuchRoom,
    NoSuchUser,
    StorageFailed,
    Unavailable,
)
from hubbub.domain.events import Draft, Event, Posted
from hubbub.domain.ids import LogId, inbox_log, owner_of
from hubbub.storage.base import Outcome
from hubbub.storage.drafts import entry, is_kept
from hubbub.storage.sqlite.database import Database, Row
from hubbub.storage.sqlite.logs import Logs
from hubbub.storage.sqlite.places import Place, position

_ADD = (
    "INSERT INTO events (position, id, sent, sender, recipient, text, key, sent_at_ms, salt, digest, link)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_CLAIM = "INSERT INTO keys (log, sender, key, seq, receipt) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
_USED = "SELECT seq, receipt, id, sent_at_ms, digest FROM keys WHERE log = ? AND sender = ? AND key = ?"
_TIED = "SELECT digest, link FROM events WHERE position = ?"
_FLOOR_LINK = "SELECT link FROM logs WHERE number = ?"

_SEQ_OR_NONE = (int, type(None))
_BYTES_OR_NONE = (bytes, type(None))

_SALTS_AT_ONCE = 256


class Appending(Logs):
    """The writing half of the logs."""

    def __init__(
        self,
        database: Database,
        *,
        alone: bool,
        randomness: Callable[[int], bytes],
        on_batch: Callable[[int], None],
    ) -> None:
        super().__init__(database, alone=alone)
        self._randomness = randomness
        self._on_batch = on_batch
        self._salts: list[bytes] = []

    def append(self, drafts: Sequence[Draft], done: Callable[[Sequence[Outcome]], None]) -> None:
        """See Store.append. On a quick disk `done` is called before this returns."""
        if self._db.mover.is_moving:
            self._db.mover.after(partial(self.append, drafts, done))
            return
        outcomes: Sequence[Outcome]
        try:
            with self._db.writing() as cursor:
                outcomes = [self._outcome(cursor, draft) for draft in drafts]
        except Unavailable as refusal:
            self._places.forget()
            outcomes = [refusal] * len(drafts)
        except apsw.ConstraintError as error:
            # A seq that should have been free: someone else writes to the logs, and nothing can be trusted.
            outcomes = [self._db.give_up(error)] * len(drafts)
        except BaseException:
            self._places.forget()
            raise
        self._on_batch(len(drafts))
        if self._db.syncs_apart:
            self._tell_when_synced(outcomes, done)
        else:
            done(outcomes)
        self._db.tidy()

    def _tell_when_synced(
        self, outcomes: Sequence[Outcome], done: Callable[[Sequence[Outcome]], None]
    ) -> None:
        """Readers are told of these events when their poster is, and not before."""
        grown = self._held.hold(
            [event for outcome in outcomes if isinstance(outcome, Posted) for event in outcome.events]
        )

        def told(failure: StorageFailed | None) -> None:
            if failure is not None:
                done([failure] * len(outcomes))
                return
            self._held.release(grown)
            done(outcomes)

        self._db.after_sync(told)

    def _outcome(self, cursor: apsw.Cursor, draft: Draft) -> Outcome:
        try:
            return self._add(cursor, draft)
        except HubbubError as refusal:
            if isinstance(refusal, Unavailable):
                raise  # of the whole batch
            return refusal
        except UnicodeEncodeError:
            # Half of a surrogate pair: no text at all. Refused before anything of the draft was written.
            return BadInput("The text is not well-formed Unicode.", field="text")

    def _add(self, cursor: apsw.Cursor, draft: Draft) -> Posted:
        owner = owner_of(draft.place)
        place = self._place(draft.place)
        if place is None:
            raise NoSuchRoom() if owner is None else NoSuchUser()
        if draft.expected_head is not None and draft.expected_head != place.head:
            if draft.key is not None and (used := self._used(place, draft)):
                return used
            raise HeadMoved(head=place.head)
        own = None
        if owner is not None and owner != draft.sender:
            own = self._place(inbox_log(draft.sender))
            if own is None:
                raise NoSuchUser()
            if own.link is None:
                self._find_link(own, inbox_log(draft.sender))
        if place.link is None:
            self._find_link(place, draft.place)
        if draft.key is not None and not self._claim(cursor, place, own, draft):
            used = self._used(place, draft)
            assert used is not None, "a key that is taken is there"
            return used

        event = entry(draft, place.head + 1)
        self._put(cursor, place, event)
        receipt = event
        events: tuple[Event, ...] = (event,)
        if own is not None:
            receipt = entry(draft, own.head + 1, copy=True)
            self._put(cursor, own, receipt)
            events = (event, receipt)
        return Posted(receipt=receipt, events=events)

    def _claim(self, cursor: apsw.Cursor, place: Place, own: Place | None, draft: Draft) -> bool:
        """Write the key down, for the event that comes next. False when it was used before.

        One statement, where asking first and writing then would be two for every post.
        """
        draft.text.encode()  # or it is refused, before anything was written
        cursor.execute(_CLAIM, (place.number, draft.sender, draft.key, place.head + 1, own and own.head + 1))
        return bool(self._db.connection.changes())

    def _find_link(self, place: Place, log: LogId) -> None:
        """Learn what the next event is to be tied to. Raises Damaged when that is not tied itself."""
        digest, link = self._tied(place, log, place.head)
        if place.head > place.floor:
            _, previous = self._tied(place, log, place.head - 1)
            if not chain.ties(previous, digest, link):
                raise self._db.damaged(Damaged(log=log, seq=place.head))
        place.link = link

    def _tied(self, place: Place, log: LogId, seq: int) -> Row:
        """The digest and the link of an event; at the floor, where none is left, its link."""
        if seq == place.floor:
            row = self._db.row(_FLOOR_LINK, (place.number,))
            return None, chain.first_link(log) if row is None or row[0] is None else row[0]
        row = self._db.row(_TIED, (position(place.number, seq),))
        if row is None:
            raise self._db.damaged(Damaged(log=log, seq=seq))
        return row

    def _salt(self) -> bytes:
        if not self._salts:
            pool = self._randomness(chain.SALT_BYTES * _SALTS_AT_ONCE)
            self._salts = [pool[at : at + chain.SALT_BYTES] for at in range(0, len(pool), chain.SALT_BYTES)]
        return self._salts.pop()

    def _put(self, cursor: apsw.Cursor, place: Place, event: Event) -> None:
        assert place.link is not None, "what an event is tied to is found before anything is written"
        salt = self._salts.pop() if self._salts else self._salt()
        digest = chain.digest(salt, event)
        link = chain.link(place.link, digest)
        cursor.execute(
            _ADD,
            (
                position(place.number, event.seq),
                event.id,
                event.kind == "sent",
                event.sender,
                event.to,
                event.text,
                event.key,
                event.sent_at_ms,
                salt,
                digest,
                link,
            ),
        )
        if place.head == place.floor:
            cursor.execute("UPDATE logs SET oldest_ms = ? WHERE number = ?", (event.sent_at_ms, place.number))
        place.head = event.seq
        place.link = link

    def _used(self, place: Place, draft: Draft) -> Posted | None:
        """What the draft's key stored before, if anything. Raises KeyReused."""
        row = self._db.row(_USED, (place.number, draft.sender, draft.key))
        if row is None:
            return None
        seq, own_seq, id, sent_at_ms, kept = row
        if type(seq) is not int or type(own_seq) not in _SEQ_OR_NONE or type(kept) not in _BYTES_OR_NONE:
            raise self._db.damaged(Damaged(log=draft.place))
        if id is None:
            first = self._stored(place, draft, seq)
            id, sent_at_ms = first.id, first.sent_at_ms
            same = first.text == draft.text
        else:
            same = is_kept(kept, entry(draft, seq, id=id, sent_at_ms=sent_at_ms), own_seq)
        if not same:
            raise KeyReused(conflicts_with=id)
        if own_seq is None:
            receipt = entry(draft, seq, id=id, sent_at_ms=sent_at_ms)
        else:
            receipt = entry(draft, own_seq, copy=True, id=id, sent_at_ms=sent_at_ms)
            self._check_copy(receipt)
        return Posted(receipt=receipt, events=())

    def _stored(self, place: Place, draft: Draft, seq: int) -> Event:
        """What the draft's key stored at `seq`. Raises Damaged when that is another's."""
        event = self._event_at(draft.place, place, seq)
        if event is None or (event.sender, event.key) != (draft.sender, draft.key):
            raise self._db.damaged(Damaged(log=draft.place, seq=seq))
        return event

    def _check_copy(self, receipt: Event) -> None:
        """Raises Damaged when the sender's own copy, unless it was removed, is not where its key says."""
        own = self._place(receipt.log)
        if own is None or (
            receipt.seq > own.floor and self._event_at(receipt.log, own, receipt.seq) != receipt
        ):
            raise self._db.damaged(Damaged(log=receipt.log, seq=receipt.seq))
