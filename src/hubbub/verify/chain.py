"""One log, followed from its floor to its head.

Pure: it is handed what lies in the store, part by part.
"""

from hubbub.domain import chain
from hubbub.domain.events import Event
from hubbub.domain.ids import LogId, owner_of
from hubbub.storage.auditing import Entry, Part
from hubbub.verify.report import Anchor, Findings, Kind


class Chain:
    """Always true: every event up to `seq` was looked at, and what is wrong with it was told."""

    def __init__(self, log: LogId, findings: Findings, anchor: Anchor | None) -> None:
        self.log = log
        self.seq = -1
        self.link: object = None
        """Of the event at `seq`; None when that cannot be told."""
        self.events = 0
        self.met: bool | None = None
        """Whether the log is, at the anchor, what it was; None as long as it has not come there."""
        self._owner = owner_of(log)
        self._findings = findings
        self._anchor = anchor

    def take(self, part: Part) -> None:
        begins = self.seq < 0
        if begins or part.floor > self.seq:  # or retention has removed what was to come next
            self.seq = part.floor
            self.link = chain.first_link(self.log) if part.link is None else part.link
            self._meet()
        for entry in part.entries:
            if entry.seq <= part.floor:
                self._tell("misplaced", "An event stands where all were removed.", entry.seq)
                continue
            if begins and entry.seq == part.floor + 1:
                self._check_age(part, entry)
            if entry.seq > self.seq + 1:
                self._miss(entry.seq - 1)
            self._check(entry)
            self.seq = entry.seq
            self.link = entry.link
            self.events += 1
            self._meet()

    def end(self, head: int) -> None:
        """No more will come up to the head."""
        if 0 <= self.seq < head:
            self._miss(head)
        if self._anchor is not None and self.met is None and self.seq < self._anchor.head:
            self._findings.add(
                "anchor",
                f"The log ends at {self.seq}; it once reached {self._anchor.head}.",
                log=self.log,
                seq=self._anchor.head,
            )
            self.met = False

    def _check(self, entry: Entry) -> None:
        event = entry.event
        if event is None:
            self._tell("unreadable", "What is stored is not even text.", entry.seq)
            return
        if not chain.holds(event, entry.salt, entry.digest):
            self._tell("altered", "The content does not match its digest.", entry.seq)
        elif not self._belongs(event):
            self._tell("misplaced", "An event of this kind has no place in this log.", entry.seq)
        if self.link is not None and not chain.ties(self.link, entry.digest, entry.link):
            self._tell("unlinked", "The link does not follow from the one before.", entry.seq)
        if event.key is not None and event.kind == "message" and entry.key_seq != entry.seq:
            text = (
                "The key is not written down."
                if entry.key_seq is None
                else f"The key belongs to number {entry.key_seq}."
            )
            self._tell("key", text, entry.seq)

    def _belongs(self, event: Event) -> bool:
        if self._owner is None:
            return event.to is None and event.kind == "message"
        if event.kind == "sent":
            return event.sender == self._owner and event.to not in (None, self._owner)
        return event.to == self._owner

    def _check_age(self, part: Part, entry: Entry) -> None:
        if entry.event is not None and part.oldest_ms != entry.event.sent_at_ms:
            self._tell("age", "The log says otherwise when its first event was sent.", entry.seq)

    def _miss(self, last: int) -> None:
        first = self.seq + 1
        many = f"{first} to {last}" if last > first else f"{first}"
        self._tell("missing", f"There is no event number {many}.", first)
        self.seq = last
        self.link = None

    def _meet(self) -> None:
        """Compare with the anchor, when this is where it is."""
        if self._anchor is None or self.seq != self._anchor.head:
            return
        link = self.link.hex() if isinstance(self.link, bytes) else None
        self.met = link == self._anchor.link
        if not self.met:
            self._findings.add(
                "anchor",
                "What the log holds up to here is not what an earlier report saw.",
                log=self.log,
                seq=self.seq,
            )

    def _tell(self, kind: Kind, text: str, seq: int) -> None:
        self._findings.add(kind, text, log=self.log, seq=seq)
