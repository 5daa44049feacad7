"""What one person noted while talking to a server: what was posted and acknowledged, and what was read."""

from collections.abc import Sequence

import msgspec

from hubbub.domain.ids import LogId, UserId, inbox_log, owner_of, room_log, room_of
from hubbub.protocol.frames import GapFrame, LogFrame


def log_of(frame: LogFrame, reader: UserId) -> LogId:
    """The log that `frame` stands in, for the one who was sent it."""
    if isinstance(frame, GapFrame):
        return inbox_log(reader) if frame.inbox else room_log(frame.room or "")
    room = getattr(frame, "room", None)
    return inbox_log(reader) if room is None else room_log(room)


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """A post as it was first sent; whether it arrived is another matter."""

    place: LogId
    """A room's log, or the inbox of the one it was for."""
    text: str

    @property
    def room(self) -> str | None:
        return room_of(self.place)

    @property
    def to(self) -> str | None:
        return owner_of(self.place)


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """An acknowledgement, as it was told."""

    key: str
    log: LogId
    """Whose number `seq` is: the room's, or the sender's own inbox."""
    seq: int
    id: str


class Reading:
    """One reader in one log, across as many connections as it took.

    Always true: `events` is what was handed to it, in the order in which it was.
    """

    def __init__(self, reader: UserId, name: str, log: LogId, after: int | None) -> None:
        """`after`: the seq it began after; None where it was not told, and then any beginning is right."""
        self.reader = reader
        self.name = name
        self.log = log
        self.after = after
        self.events: list[LogFrame] = []

    @property
    def stands_at(self) -> int | None:
        """The last seq that was handed over, or left out with a word; `after` before anything was."""
        if not self.events:
            return self.after
        last = self.events[-1]
        return last.last if isinstance(last, GapFrame) else last.seq

    def __repr__(self) -> str:
        return f"{self.reader}'s {self.name} in {self.log}"


class Ledger:
    """One person's. Several clients of that person may write in it.

    Always true: nothing in it is ever changed or taken out.
    """

    def __init__(self, user: str) -> None:
        self.user = UserId(user)
        self.attempts: dict[str, Attempt] = {}
        """By key. A key names one post: who means another message takes another key."""
        self.receipts: list[Receipt] = []
        """One for each acknowledgement, so several for a post that was sent again."""
        self.refused: set[str] = set()
        """The keys of posts that were refused, and never acknowledged later."""
        self.unread: list[Receipt] = []
        """What could not be read at once after it was acknowledged."""
        self.read_back = 0
        """How often that was tried."""
        self.readings: dict[tuple[str, LogId], Reading] = {}
        self.foreign: list[tuple[str, LogFrame]] = []
        """What came, with the reader's name, in a log that this reader had not asked for."""
        self.complaints: list[tuple[str, str]] = []
        """What a reader itself found wrong with the sequence it was told."""

    # -- posting ------------------------------------------------------------

    def posts(self, key: str, text: str, *, room: str | None = None, to: str | None = None) -> None:
        """Before it is sent, and before it is sent again."""
        assert (room is None) != (to is None), "a post is for a room or for a person"
        place = inbox_log(to) if to is not None else room_log(room or "")
        attempt = Attempt(place=place, text=text)
        assert self.attempts.setdefault(key, attempt) == attempt, f"{key} names another post already"

    def acknowledged(self, key: str, seq: int, id: str) -> Receipt:
        """When a 201 or a `posted` has come."""
        place = self.attempts[key].place
        log = place if owner_of(place) is None else inbox_log(self.user)
        receipt = Receipt(key=key, log=log, seq=seq, id=id)
        self.receipts.append(receipt)
        self.refused.discard(key)
        return receipt

    def refuses(self, key: str) -> None:
        """The server said no; a post that was acknowledged before is none of these."""
        if not any(each.key == key for each in self.receipts):
            self.refused.add(key)

    def reads_back(self, receipt: Receipt, found: LogFrame | None) -> None:
        """What a read right after the acknowledgement gave."""
        self.read_back += 1
        if found is None or isinstance(found, GapFrame) or (found.seq, found.id) != (receipt.seq, receipt.id):
            self.unread.append(receipt)

    # -- reading ------------------------------------------------------------

    def opens(
        self, name: str, *, room: str | None = None, inbox: bool = False, after: int | None = None
    ) -> Reading:
        """A reader of that name begins in a log, or goes on in it: then `after` is not looked at."""
        assert (room is None) == inbox, "a reading is of a room or of the inbox"
        log = inbox_log(self.user) if inbox else room_log(room or "")
        return self.readings.setdefault((name, log), Reading(self.user, name, log, after))

    def reads(self, name: str, frame: LogFrame) -> None:
        """When an event has come, on whatever transport."""
        reading = self.readings.get((name, log_of(frame, self.user)))
        if reading is None:
            self.foreign.append((name, frame))
        else:
            reading.events.append(frame)

    def complains(self, name: str, what: str) -> None:
        """When the reader dropped events that came again, or found that some were left out."""
        self.complaints.append((name, what))


def deliveries(ledgers: Sequence[Ledger]) -> int:
    """How many events were handed to all readers together."""
    return sum(len(reading.events) for ledger in ledgers for reading in ledger.readings.values())
