"""Whether the server kept its promises: what every process found, compared. Pure.

* every acknowledged message was seen under the number it was acknowledged with (or not seen at all, by
  nobody, where nobody listens);
* each reader was told every event of its logs, once and in order;
* nobody was told what was not posted, and nobody something else than the others;
* no message was stored twice;
* what was refused was told to nobody.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec

from hubbub.bench import words
from hubbub.bench.ledger import OPEN, SHED, answered_in
from hubbub.bench.orders import Findings
from hubbub.bench.places import Faults


class Verdict(msgspec.Struct, kw_only=True):
    """Counts. Everything from `missing` on is a broken promise."""

    posted: int = 0
    acknowledged: int = 0
    unanswered: int = 0
    refused: dict[str, int] = msgspec.field(default_factory=dict)
    shed: int = 0
    """Posts that were turned away for want of time. No fault: whoever sent them was told."""
    lost_connections: int = 0
    expected_deliveries: int = 0
    missing: int = 0
    """Events a reader should have been told and was not."""
    misplaced: int = 0
    """Acknowledged messages that are not where they were said to be."""
    stored_twice: int = 0
    refused_and_told: int = 0
    """Posts that were turned away, and heard all the same."""
    twice: int = 0
    out_of_order: int = 0
    foreign: int = 0
    contradicting: int = 0
    gaps: int = 0

    @property
    def broken(self) -> int:
        return (
            self.missing
            + self.misplaced
            + self.stored_twice
            + self.refused_and_told
            + self.twice
            + self.out_of_order
            + self.foreign
            + self.contradicting
            + self.gaps
        )

    def as_dict(self) -> dict[str, Any]:
        whole: dict[str, Any] = msgspec.to_builtins(self)
        return {**whole, "kept": not self.broken}


def judge(run: str, findings: Sequence[Findings]) -> Verdict:
    faults = Faults()
    refused: Counter[str] = Counter()
    for each in findings:
        faults.add(each.faults)
        refused.update(each.refused)
    seen, contradictions = _together(findings)
    heads = _heads(seen, findings)
    foreign = _not_posted_there(run, seen, findings)
    seqs = [seq for each in findings for seq in each.seqs]
    return Verdict(
        posted=len(seqs),
        acknowledged=sum(seq > 0 for seq in seqs),
        unanswered=seqs.count(OPEN),
        refused=dict(refused),
        shed=seqs.count(SHED),
        lost_connections=sum(each.lost_connections for each in findings),
        expected_deliveries=sum(heads[at.log] - at.began for each in findings for at in each.standings),
        missing=sum(max(0, heads[at.log] - at.last) + at.holes for each in findings for at in each.standings),
        misplaced=_misplaced(run, seen, findings),
        stored_twice=_stored_twice(seen),
        refused_and_told=_refused_and_told(run, seen, findings),
        twice=faults.twice,
        out_of_order=faults.out_of_order,
        foreign=faults.foreign + foreign,
        contradicting=faults.contradicting + contradictions + sum(each.contradicted for each in findings),
        gaps=faults.gaps,
    )


Seen = dict[str, dict[int, str]]


def _together(findings: Sequence[Findings]) -> tuple[Seen, int]:
    """What anybody saw, and how often two processes saw different things."""
    whole: Seen = {}
    contradictions = 0
    for each in findings:
        for log, events in each.seen.items():
            known = whole.setdefault(log, {})
            for seq, key in events.items():
                contradictions += known.setdefault(seq, key) != key
    return whole, contradictions


def _heads(seen: Seen, findings: Sequence[Findings]) -> Counter[str]:
    """By log, the highest number anybody was told of, as a poster or as a reader."""
    heads: Counter[str] = Counter()
    for each in findings:
        for at in each.standings:
            heads[at.log] = max(heads[at.log], at.began)
        for log, author, seq in zip(each.logs, each.authors, each.seqs, strict=True):
            place = answered_in(log, author)
            heads[place] = max(heads[place], seq)
    for log, events in seen.items():
        heads[log] = max(heads[log], *events)
    return heads


def _misplaced(run: str, seen: Seen, findings: Sequence[Findings]) -> int:
    """Acknowledged posts that those who listen to the place were told under another number, or not at all.

    A direct message has to be in two places: in the author's inbox under the number that was told, and in the
    other's under whichever.
    """
    heard = {at.log for each in findings for at in each.standings}
    received = {log: set(seen.get(log, {}).values()) for log in heard if "/" in log}
    count = 0
    for each in findings:
        posts = zip(each.logs, each.authors, each.seqs, strict=True)
        for number, (log, author, seq) in enumerate(posts):
            if seq <= 0:
                continue
            key = words.key(run, each.process, number)
            place = answered_in(log, author)
            count += place in seen and seen[place].get(seq) != key
            count += log in received and key not in received[log]
    return count


def _stored_twice(seen: Seen) -> int:
    return sum(len(events) - len(set(events.values())) for events in seen.values())


def _refused_and_told(run: str, seen: Seen, findings: Sequence[Findings]) -> int:
    refused = {
        words.key(run, each.process, number)
        for each in findings
        for number, seq in enumerate(each.seqs)
        if seq < 0
    }
    return sum(key in refused for events in seen.values() for key in events.values()) if refused else 0


def _not_posted_there(run: str, seen: Seen, findings: Sequence[Findings]) -> int:
    """Messages of this run that somebody was told where nobody has posted them."""
    posted = {each.process: each for each in findings}
    count = 0
    for log, events in seen.items():
        for key in events.values():
            author = words.author(run, key)
            # A key of another run was counted when it was heard.
            count += author is not None and log not in _places(posted.get(author[0]), author[1])
    return count


def _places(poster: Findings | None, number: int) -> Sequence[str]:
    """The logs that a post belongs in; none for one that was never sent."""
    if poster is None or number >= len(poster.logs):
        return ()
    log = poster.logs[number]
    return (log, answered_in(log, poster.authors[number]))
