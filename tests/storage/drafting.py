"""Short words for what the tests of the store do over and over."""

from collections.abc import Iterable, Sequence
from itertools import count

from hubbub.domain.events import Draft, Event, Posted
from hubbub.domain.ids import LogId, MessageId, RoomId, SessionId, UserId, room_log
from hubbub.domain.model import Room, Session, User
from hubbub.storage.base import Outcome, Store

LOUNGE = room_log("lounge")
ATTIC = room_log("attic")

_ids = count(1)


def draft(
    place: LogId,
    text: str,
    *,
    sender: str = "ada",
    key: str | None = None,
    at: int = 1_000,
    expected_head: int | None = None,
) -> Draft:
    return Draft(
        place=place,
        sender=UserId(sender),
        id=MessageId(f"m{next(_ids)}"),
        text=text,
        key=key,
        sent_at_ms=at,
        expected_head=expected_head,
    )


def append(store: Store, *drafts: Draft) -> Sequence[Outcome]:
    """Of a store that tells what became of a batch before `append` returns."""
    told: list[Sequence[Outcome]] = []
    store.append(drafts, told.append)
    (outcomes,) = told
    assert len(outcomes) == len(drafts)
    return outcomes


def post(store: Store, *drafts: Draft) -> list[Posted]:
    """Append what has to succeed."""
    outcomes = append(store, *drafts)
    assert all(isinstance(outcome, Posted) for outcome in outcomes), outcomes
    return [outcome for outcome in outcomes if isinstance(outcome, Posted)]


def say(store: Store, place: LogId, *texts: str) -> list[Event]:
    return [posted.receipt for posted in post(store, *(draft(place, text) for text in texts))]


def seqs(events: Iterable[Event]) -> list[int]:
    return [event.seq for event in events]


def texts(events: Iterable[Event]) -> list[str]:
    return [event.text for event in events]


def user(name: str) -> User:
    return User(name=UserId(name), created_at_ms=1)


def room(id: str, name: str | None = None) -> Room:
    return Room(id=RoomId(id), name=name or id, created_at_ms=2, created_by=UserId("ada"), head=0)


def session(id: str, owner: str = "ada", *, created: int = 3, expires: int = 1_000) -> Session:
    return Session(
        id=SessionId(id), user=UserId(owner), created_at_ms=created, expires_at_ms=expires, agent="curl/8"
    )
