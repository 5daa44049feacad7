"""Adding to the logs in SQLite: a batch of drafts, one transaction, one sync."""

from collections.abc import Callable, Sequence
from functools import partial
from hashlib import blake2b

import apsw

from hubbub.domain.errors import (
    BadInput,
    HeadMoved,
    HubbubError,
    KeyReused,
    NoSuchRoom,
    NoSuchUser,
    StorageFailed,
    Unavailable,
)
from hubbub.domain.events import Draft, Event, Posted
from hubbub.domain.ids import MessageId, inbox_log, owner_of
from hubbub.storage.base import Outcome
from hubbub.storage.sqlite.database import Row
from hubbub.storage.sqlite.logs import Logs
from hubbub.storage.sqlite.places import Place, position

_ADD = (
    "INSERT INTO events (position, id, sent, sender, recipient, text, key, sent_at_ms)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
_CLAIM = "INSERT INTO keys (log, sender, key, seq, receipt) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
_USED = "SELECT seq, receipt, id, sent_at_ms, digest FROM keys WHERE log = ? AND sender = ? AND key = ?"


def digest_of(text: str) -> bytes:
    """What stays of a text whose event was removed: enough to tell a retry from another message."""
    return blake2b(text.encode(), digest_size=16).digest()


class Appending(Logs):
    """The writing half of the logs."""

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
        if draft.key is not None and not self._claim(cursor, place, own, draft):
            used = self._used(place, draft)
            assert used is not None, "a key that is taken is there"
            return used

        event = _event(draft, place.head + 1)
        self._put(cursor, place, event)
        receipt = event
        events: tuple[Event, ...] = (event,)
        if own is not None:
            receipt = _event(draft, own.head + 1, copy=True)
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

    def _put(self, cursor: apsw.Cursor, place: Place, event: Event) -> None:
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
            ),
        )
        if place.head == place.floor:
            cursor.execute("UPDATE logs SET oldest_ms = ? WHERE number = ?", (event.sent_at_ms, place.number))
        place.head = event.seq

    def _used(self, place: Place, draft: Draft) -> Posted | None:
        """What the draft's key stored before, if anything. Raises KeyReused."""
        row = self._db.row(_USED, (place.number, draft.sender, draft.key))
        if row is None:
            return None
        seq, own_seq, id, sent_at_ms, digest = row
        if id is None:
            id, sent_at_ms, text = self._stored(place, seq)
            same = text == draft.text
        else:
            same = digest == digest_of(draft.text)
        if not same:
            raise KeyReused(conflicts_with=id)
        copy = own_seq is not None
        receipt = _event(draft, own_seq if copy else seq, copy=copy, id=id, sent_at_ms=sent_at_ms)
        return Posted(receipt=receipt, events=())

    def _stored(self, place: Place, seq: int) -> Row:
        row = self._db.row(
            "SELECT id, sent_at_ms, text FROM events WHERE position = ?", (position(place.number, seq),)
        )
        assert row is not None, "a key keeps what it needs before its event is removed"
        return row


def _event(
    draft: Draft, seq: int, *, copy: bool = False, id: MessageId | None = None, sent_at_ms: int | None = None
) -> Event:
    """The entry `draft` makes in the log it is for, or as a `copy` in its sender's own inbox.

    For a retry `id` and `sent_at_ms` are those of the first attempt.
    """
    return Event(
        log=inbox_log(draft.sender) if copy else draft.place,
        seq=seq,
        id=draft.id if id is None else id,
        kind="sent" if copy else "message",
        sender=draft.sender,
        to=owner_of(draft.place),
        text=draft.text,
        key=draft.key,
        sent_at_ms=draft.sent_at_ms if sent_at_ms is None else sent_at_ms,
    )
