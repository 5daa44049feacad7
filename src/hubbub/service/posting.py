"""Posting: the one write path.

Whatever is posted within one turn of the event loop is committed and synced together at its end (group
commit); then the posters are told, the hub learns the new events, and they are flushed to all who listen. No
post has a task or a coroutine of its own to wait in: it has a callback.
"""

import asyncio
from base64 import urlsafe_b64encode
from collections.abc import Callable, Sequence

import structlog

from hubbub.domain.errors import BadInput, HubbubError, Overloaded
from hubbub.domain.events import Draft, Posted
from hubbub.domain.ids import LogId, MessageId, UserId, owner_of
from hubbub.domain.policy import check_key, check_text
from hubbub.hub import Hub
from hubbub.service.limits import Limits
from hubbub.service.tally import Histogram
from hubbub.storage.base import Outcome, Store

TURN_SECONDS = 0.06
"""How long one turn takes in posts, from its first; what comes later in it is refused as Overloaded. Where
handing out took longer the last time, it is as long as that, for then sharing the writes is what helps.

A turn that takes in more lasts longer, so that more has come for the next: up to some load that is batching,
and beyond it a queue without end. With this bound whatever is accepted waits for two turns at most, and a
turn lasts little more than twice as long as it took posts in.
"""

LONGEST_TURN_SECONDS = 0.2
"""The most that becomes of it."""

SHEDDING_SECONDS = 0.2
"""How long after that a turn goes on refusing. Then it is over: who can still wait is not listened to before
the next, for beyond some load even refusing would take all the time there is."""

NEVER_TOO_MANY = 1000
"""So many posts a turn takes in however long it has lasted: they cost some 20 ms, and what made it so long
was something else."""

MAX_QUEUED = 20_000
"""Posts that await their commit, however slow the store is; further ones are refused as Overloaded."""

_ID_BYTES = 12
_IDS_AT_ONCE = 256

Done = Callable[[Outcome], None]


def too_much() -> Overloaded:
    """What the poster is told when posting is full."""
    return Overloaded("More is being posted than can be stored.", retry_after_seconds=1.0)


_log = structlog.get_logger("hubbub.service")


class Posting:
    """Always true: every accepted post is told its outcome once, in the order of the posts."""

    def __init__(
        self,
        store: Store,
        hub: Hub,
        limits: Limits,
        *,
        now_ms: Callable[[], int],
        monotonic: Callable[[], float],
        randomness: Callable[[int], bytes],
        soon: Callable[[Callable[[], None]], object],
        flushed: Callable[[], None] = lambda: None,
    ) -> None:
        """`soon` calls what it is given at the end of the loop's turn; `flushed` is called when all that a
        commit was to tell has been handed over."""
        self._store = store
        self._hub = hub
        self._limits = limits
        self._now_ms = now_ms
        self._monotonic = monotonic
        self._randomness = randomness
        self._soon = soon
        self._flushed = flushed
        self._full_at = 0.0
        self._turn_seconds = TURN_SECONDS
        self._drafts: list[Draft] = []
        self._dones: list[Done] = []
        self._ids: list[MessageId] = []
        self.queued = 0
        self.posts = 0
        self.repeated = 0
        self.shed = 0
        """Posts that were refused because it was full; who refuses without asking `post` counts here too."""
        self.commit_seconds = Histogram(
            0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5
        )

    def post(
        self,
        place: LogId,
        sender: UserId,
        text: str,
        done: Done,
        *,
        key: str | None = None,
        expected_head: int | None = None,
    ) -> None:
        """Queue a message for the commit at the end of this turn; `done` is told what became of it.

        Raises BadInput, TooLarge, TooFast or Overloaded at once, and then `done` is never called.
        `expected_head` is for rooms only.
        """
        check_text(text)
        if key is not None:
            check_key(key)
        if expected_head is not None and owner_of(place) is not None:
            raise BadInput("Only a post to a room can depend on the room's head.", field="if_head")
        if self.is_full():
            self.shed += 1
            raise too_much()
        self._limits.posts.take(sender)
        if not self._drafts:
            self._full_at = self._monotonic() + self._turn_seconds
            self._soon(self.commit)
        self._drafts.append(
            Draft(
                place=place,
                sender=sender,
                id=self._new_id(),
                text=text,
                key=key,
                sent_at_ms=self._now_ms(),
                expected_head=expected_head,
            )
        )
        self._dones.append(done)
        self.queued += 1

    def is_full(self) -> bool:
        """Whether a further post would wait too long, so that `post` would refuse it."""
        return self.queued >= MAX_QUEUED or self._has_lasted(0.0)

    def turn_is_over(self) -> bool:
        """Whether no more posts should be looked at before those of this turn are committed."""
        return self._has_lasted(SHEDDING_SECONDS)

    def _has_lasted(self, seconds: float) -> bool:
        """Whether this turn was full so long ago."""
        return len(self._drafts) >= NEVER_TOO_MANY and self._monotonic() > self._full_at + seconds

    async def posted(
        self,
        place: LogId,
        sender: UserId,
        text: str,
        *,
        key: str | None = None,
        expected_head: int | None = None,
    ) -> Posted:
        """Post, and wait until it is on disk. Raises what `post` raises, and what the store refused."""
        told: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

        def done(outcome: Outcome) -> None:
            if not told.done():  # the one who waited may have gone
                told.set_result(outcome)

        self.post(place, sender, text, done, key=key, expected_head=expected_head)
        outcome = await told
        if isinstance(outcome, HubbubError):
            raise outcome
        return outcome

    def commit(self) -> None:
        """Store all that is queued. Nothing happens when nothing is."""
        if not self._drafts:
            return
        drafts, dones = self._drafts, self._dones
        self._drafts, self._dones = [], []
        began = self._monotonic()

        def told(outcomes: Sequence[Outcome]) -> None:
            self.commit_seconds.observe(self._monotonic() - began)
            self.queued -= len(drafts)
            self._tell(outcomes, dones)

        self._store.append(drafts, told)

    def _tell(self, outcomes: Sequence[Outcome], dones: Sequence[Done]) -> None:
        publish = self._hub.publish
        for outcome, done in zip(outcomes, dones, strict=True):
            if isinstance(outcome, Posted):
                self.posts += 1
                self.repeated += outcome.repeated
                for event in outcome.events:
                    publish(event)
            try:
                done(outcome)
            except Exception:
                _log.exception("a poster did not take its outcome")  # the others still have to
        began = self._monotonic()
        self._hub.flush()
        self._flushed()
        self._turn_seconds = min(max(TURN_SECONDS, self._monotonic() - began), LONGEST_TURN_SECONDS)

    def _new_id(self) -> MessageId:
        """16 characters of base64url: 96 random bits, drawn many at a time."""
        if not self._ids:
            pool = urlsafe_b64encode(self._randomness(_ID_BYTES * _IDS_AT_ONCE)).decode()
            size = _ID_BYTES * 4 // 3
            self._ids = [MessageId(pool[at : at + size]) for at in range(0, len(pool), size)]
        return self._ids.pop()
