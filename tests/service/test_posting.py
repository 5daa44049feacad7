"""The one write path: what is queued in one turn is one commit, told in order."""

import asyncio
from collections.abc import Callable, Sequence

import pytest

from hubbub.domain.errors import (
    BadInput,
    HubbubError,
    KeyReused,
    NoSuchRoom,
    NoSuchUser,
    Overloaded,
    TooFast,
    TooLarge,
)
from hubbub.domain.events import Draft, Posted
from hubbub.domain.ids import RoomId, UserId, inbox_log, room_log
from hubbub.domain.model import Room, User
from hubbub.hub import Hub, Subscription
from hubbub.protocol.framing import NdjsonFraming
from hubbub.service import posting as module
from hubbub.service.limits import Limits
from hubbub.service.posting import NEVER_TOO_MANY, SHEDDING_SECONDS, TURN_SECONDS, Posting
from hubbub.storage.base import Outcome, Store
from support.clock import Clock

ADA, BOB = UserId("ada"), UserId("bob")
ROOM = room_log("lounge")


class Turn:
    """The end of the loop's turn, which comes when the test says so."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[], None]] = []

    def soon(self, call: Callable[[], None]) -> None:
        self.waiting.append(call)

    def ends(self) -> None:
        waiting, self.waiting = self.waiting, []
        for call in waiting:
            call()


class Watched:
    """A store that notes what was appended together, and may hold its answers back."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.batches: list[Sequence[Draft]] = []
        self.holds = False
        self.held: list[Callable[[], None]] = []

    def append(self, drafts: Sequence[Draft], done: Callable[[Sequence[Outcome]], None]) -> None:
        self.batches.append(drafts)
        if self.holds:
            self.held.append(lambda: self._store.append(drafts, done))
        else:
            self._store.append(drafts, done)


@pytest.fixture
def turn() -> Turn:
    return Turn()


@pytest.fixture
async def watched(store: Store) -> Watched:
    for name in (ADA, BOB):
        await store.create_user(User(name=name, created_at_ms=0), "no hash")
    room = Room(id=RoomId("lounge"), name="Lounge", created_at_ms=0, created_by=ADA, head=0)
    await store.create_room(room, "lounge")
    return Watched(store)


@pytest.fixture
def hub(store: Store) -> Hub:
    return Hub(store)


@pytest.fixture
def posting(
    watched: Watched, hub: Hub, clock: Clock, turn: Turn, randomness: Callable[[int], bytes]
) -> Posting:
    return Posting(
        watched,  # type: ignore[arg-type]
        hub,
        Limits.off(),
        now_ms=clock.now_ms,
        monotonic=clock.monotonic,
        randomness=randomness,
        soon=turn.soon,
    )


class Told(list[Outcome]):
    def seqs(self) -> list[int | str]:
        return [o.receipt.seq if isinstance(o, Posted) else o.code for o in self]


async def test_what_is_posted_in_one_turn_is_one_commit_told_in_order(
    posting: Posting, watched: Watched, turn: Turn
) -> None:
    told = Told()
    for number in range(20):
        posting.post(ROOM, ADA, f"number {number}", told.append)
    assert told == []
    assert posting.queued == 20
    turn.ends()
    assert [len(batch) for batch in watched.batches] == [20]
    assert told.seqs() == list(range(1, 21))
    assert posting.queued == 0
    assert posting.posts == 20


async def test_what_was_posted_first_comes_first(posting: Posting, turn: Turn) -> None:
    told = Told()
    texts = [f"number {number}" for number in range(20)]
    for text in texts:
        posting.post(ROOM, ADA, text, told.append)
    turn.ends()
    assert [outcome.receipt.text for outcome in told if isinstance(outcome, Posted)] == texts


async def test_a_turn_in_which_nothing_was_posted_commits_nothing(
    posting: Posting, watched: Watched, turn: Turn
) -> None:
    posting.commit()
    turn.ends()
    assert watched.batches == []


async def test_a_turn_that_has_taken_in_posts_for_too_long_refuses_the_rest(
    posting: Posting, watched: Watched, turn: Turn, clock: Clock
) -> None:
    told = Told()
    for _ in range(NEVER_TOO_MANY):
        posting.post(ROOM, ADA, "x", told.append)
    posting.post(ROOM, ADA, "in time", told.append)
    clock.pass_(TURN_SECONDS * 1.01)
    with pytest.raises(Overloaded):
        posting.post(ROOM, ADA, "too late", told.append)
    assert posting.shed == 1
    turn.ends()
    assert told.seqs() == list(range(1, NEVER_TOO_MANY + 2))
    posting.post(ROOM, ADA, "a new turn", told.append)
    turn.ends()
    assert told.seqs()[-1] == NEVER_TOO_MANY + 2
    assert posting.queued == 0


async def test_a_turn_takes_in_posts_for_as_long_as_handing_out_takes(
    posting: Posting, hub: Hub, turn: Turn, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    flush_seconds = 2 * TURN_SECONDS
    monkeypatch.setattr(hub, "flush", lambda: clock.pass_(flush_seconds))
    told = Told()
    posting.post(ROOM, ADA, "the first", told.append)
    turn.ends()
    for _ in range(NEVER_TOO_MANY):
        posting.post(ROOM, ADA, "x", told.append)
    clock.pass_(flush_seconds * 0.99)
    posting.post(ROOM, ADA, "in time", told.append)
    clock.pass_(flush_seconds * 0.02)
    with pytest.raises(Overloaded):
        posting.post(ROOM, ADA, "too late", told.append)


async def test_a_turn_is_over_when_even_refusing_has_taken_too_long(
    posting: Posting, turn: Turn, clock: Clock
) -> None:
    told = Told()
    for _ in range(NEVER_TOO_MANY):
        posting.post(ROOM, ADA, "x", told.append)
    assert not posting.turn_is_over()
    clock.pass_(TURN_SECONDS + SHEDDING_SECONDS * 0.99)
    assert posting.is_full()
    assert not posting.turn_is_over()
    clock.pass_(SHEDDING_SECONDS * 0.02)
    assert posting.turn_is_over()
    turn.ends()
    assert not posting.turn_is_over()


async def test_a_turn_that_was_long_for_another_reason_refuses_nobody(
    posting: Posting, turn: Turn, clock: Clock
) -> None:
    told = Told()
    posting.post(ROOM, ADA, "before", told.append)
    clock.pass_(60.0)
    posting.post(ROOM, ADA, "after", told.append)
    turn.ends()
    assert told.seqs() == [1, 2]


async def test_one_refusal_in_a_batch_is_told_to_its_poster_alone(posting: Posting, turn: Turn) -> None:
    told = Told()
    posting.post(ROOM, ADA, "one", told.append, key="k")
    posting.post(room_log("nowhere"), ADA, "x", told.append)
    posting.post(inbox_log("nobody"), ADA, "x", told.append)
    posting.post(ROOM, ADA, "another text", told.append, key="k")
    posting.post(ROOM, ADA, "x", told.append, expected_head=0)
    posting.post(ROOM, ADA, "two", told.append, expected_head=1)
    turn.ends()
    assert told.seqs() == [1, NoSuchRoom.code, NoSuchUser.code, KeyReused.code, "head-moved", 2]


async def test_a_poster_who_fails_to_listen_keeps_the_outcome_from_nobody_else(
    posting: Posting, hub: Hub, turn: Turn
) -> None:
    def fails(outcome: Outcome) -> None:
        raise RuntimeError("a bug")

    told = Told()
    ear = Ear()
    hub.start(await hub.open(ear, ROOM, None))
    posting.post(ROOM, ADA, "one", fails)
    posting.post(ROOM, BOB, "two", told.append)
    turn.ends()

    assert told.seqs() == [2]
    assert [text in b"".join(ear.heard) for text in (b"one", b"two")] == [True, True]


@pytest.mark.parametrize(
    ("text", "key", "refusal"),
    [("", None, BadInput), ("x" * 20_000, None, TooLarge), ("a\0", None, BadInput), ("x", "a b", BadInput)],
)
async def test_what_may_not_be_posted_is_refused_at_once_and_stores_nothing(
    posting: Posting, watched: Watched, turn: Turn, text: str, key: str | None, refusal: type[HubbubError]
) -> None:
    told = Told()
    with pytest.raises(refusal):
        posting.post(ROOM, ADA, text, told.append, key=key)
    turn.ends()
    assert told == []
    assert watched.batches == []


async def test_a_direct_message_does_not_depend_on_a_head(posting: Posting) -> None:
    with pytest.raises(BadInput):
        posting.post(inbox_log("bob"), ADA, "x", lambda outcome: None, expected_head=0)


async def test_who_posts_too_fast_is_refused_and_others_are_not(
    watched: Watched, hub: Hub, clock: Clock, turn: Turn, randomness: Callable[[int], bytes], limits: Limits
) -> None:
    posting = Posting(
        watched,  # type: ignore[arg-type]
        hub,
        limits,
        now_ms=clock.now_ms,
        monotonic=clock.monotonic,
        randomness=randomness,
        soon=turn.soon,
    )
    told = Told()

    def flood() -> None:
        for _ in range(1000):
            posting.post(ROOM, ADA, "flood", told.append)

    with pytest.raises(TooFast):
        flood()
    posting.post(ROOM, BOB, "hi", told.append)
    turn.ends()
    assert len(told.seqs()) == len({*told.seqs()}) < 1000


async def test_when_the_store_is_slow_the_queue_is_bounded(
    posting: Posting, watched: Watched, turn: Turn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_QUEUED", 10)
    watched.holds = True
    told = Told()
    for _ in range(10):
        posting.post(ROOM, ADA, "x", told.append)
    turn.ends()
    with pytest.raises(Overloaded):
        posting.post(ROOM, ADA, "x", told.append)
    assert not posting.turn_is_over()  # who is refused is not made to ask again in a circle
    for answer in watched.held:
        answer()
    assert told.seqs() == list(range(1, 11))
    posting.post(ROOM, ADA, "x", told.append)


class Ear:
    """A reader of the hub that notes whether its message had been acknowledged when it came."""

    framing = NdjsonFraming()
    paused = False

    def __init__(self) -> None:
        self.subscriptions: tuple[Subscription, ...] = ()
        self.heard: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.heard.append(data)

    def lost(self) -> None:
        pytest.fail("nothing is wrong with the log")


async def test_nobody_hears_what_is_not_stored(
    posting: Posting, watched: Watched, hub: Hub, turn: Turn
) -> None:
    ear = Ear()
    hub.start(await hub.open(ear, ROOM, None))
    watched.holds = True
    told = Told()
    posting.post(ROOM, ADA, "hello", told.append)
    turn.ends()
    assert (told, ear.heard) == ([], [])
    watched.held[0]()
    assert told.seqs() == [1]
    assert len(ear.heard) == 1


async def test_a_repeated_post_is_not_delivered_again(posting: Posting, hub: Hub, turn: Turn) -> None:
    ear = Ear()
    hub.start(await hub.open(ear, ROOM, None))
    told = Told()
    posting.post(ROOM, ADA, "hello", told.append, key="k")
    turn.ends()
    posting.post(ROOM, ADA, "hello", told.append, key="k")
    turn.ends()
    assert told.seqs() == [1, 1]
    assert told[0].receipt == told[1].receipt  # type: ignore[union-attr]
    assert len(ear.heard) == 1
    assert (posting.posts, posting.repeated) == (2, 1)


async def test_every_message_has_an_id_of_its_own(posting: Posting, turn: Turn) -> None:
    told = Told()
    for _ in range(600):  # more than are drawn at once
        posting.post(ROOM, ADA, "x", told.append)
    turn.ends()
    ids = {outcome.receipt.id for outcome in told if isinstance(outcome, Posted)}
    assert len(ids) == 600
    assert {len(id) for id in ids} == {16}


async def test_who_waits_for_a_post_gets_it_or_the_refusal(posting: Posting, turn: Turn) -> None:
    turn.soon = lambda call: call()  # type: ignore[method-assign]
    posting._soon = lambda call: None
    good = asyncio.ensure_future(posting.posted(ROOM, ADA, "hi"))
    bad = asyncio.ensure_future(posting.posted(room_log("nowhere"), ADA, "hi"))
    gone = asyncio.ensure_future(posting.posted(ROOM, ADA, "I left"))
    await asyncio.sleep(0)
    gone.cancel()
    posting.commit()
    assert (await good).receipt.seq == 1
    with pytest.raises(NoSuchRoom):
        await bad
