"""A store in which there is something of every kind that a store can hold, and what to ask it afterwards."""

import os
from pathlib import Path
from typing import Any

from hubbub.domain.events import Draft
from hubbub.domain.ids import LogId, UserId, inbox_log, room_log
from hubbub.storage.base import MAX_PAGE, Store
from hubbub.storage.sqlite import SqliteStore

from .conftest import furnish
from .drafting import ATTIC, LOUNGE, draft, room, session, user
from .posting import post

ADA, BOB, CY, DAN = (inbox_log(UserId(name)) for name in ("ada", "bob", "cy", "dan"))
CELLAR, EMPTY = room_log("cellar"), room_log("empty")
LOGS = (LOUNGE, ATTIC, CELLAR, EMPTY, ADA, BOB, CY, DAN)

LOUNGE_EVENTS = 25

RETRIES = (
    draft(ATTIC, "old", key="old", at=1),
    draft(BOB, "long ago", key="long ago", at=1),
    draft(CELLAR, "all of it went", key="went", at=2),
    draft(LOUNGE, "text 3", sender="bob", key="k3", at=5_000),
    draft(BOB, "psst", key="p1"),
    draft(ADA, "a note", key="n"),
)
"""Posts that are in it: of those before the moment 10 retention has left what a retry needs."""


async def fill(store: Store) -> None:
    await furnish(store)
    await store.create_user(user("dan"), "hash of dan")
    await store.create_room(room("cellar", "Cellar"), "cellar")
    await store.create_room(room("empty", "Çà et là 🚪"), "çà et là 🚪")
    await post(store, *RETRIES[:3], draft(ATTIC, "older", at=1))
    await store.trim(sent_before_ms=10, limit=10)
    await post(store, *(_said(n) for n in range(1, LOUNGE_EVENTS + 1)), *RETRIES[4:])
    await post(
        store,
        draft(ATTIC, "new"),
        draft(ATTIC, "éèê 👍🏽 \u202e\n\ttext"),
        draft(ADA, "yes?", sender="bob", key="p2"),
        draft(BOB, "nothing", key="p3"),
        draft(CY, "x" * 16_384),
    )
    await store.create_session(session("s1"), b"t" * 32)
    await store.create_session(session("s2", "dan"), b"u" * 32)
    await store.create_session(session("s3", "bob", expires=9_999_999_999_999), b"v" * 32)
    await store.mark(UserId("ada"), LOUNGE, 5)
    await store.mark(UserId("ada"), BOB, 2)
    await store.mark(UserId("bob"), ADA, 0)
    await store.disable(UserId("dan"), 77)


def _said(n: int) -> Draft:
    return RETRIES[3] if n == 3 else draft(LOUNGE, f"text {n}", sender="bob", key=f"k{n}", at=5_000)


async def filled(directory: Path) -> Path:
    store = SqliteStore.open(
        directory, now_ms=lambda: 1, randomness=os.urandom, on_broken=lambda failure: None
    )
    await fill(store)
    await store.close()
    return directory


async def told(store: Store) -> dict[str, Any]:
    """What it answers to those who use it. It is asked nothing that changes it."""
    everybody = [UserId(name) for name in ("ada", "bob", "cy", "dan")]
    return {
        "epoch": store.info.epoch,
        "secret": store.ticket_secret,
        "logs": {log: await store.page(log, after=0, limit=MAX_PAGE) for log in LOGS},
        "rooms": await store.rooms(prefix="", after=None, limit=100),
        "users": [await store.user(name) for name in everybody],
        "credentials": [await store.credential(name) for name in everybody],
        "sessions": [await store.sessions(name) for name in everybody],
        "tokens": [await store.session_by_token(token * 32) for token in (b"t", b"u", b"v")],
        "followed": [await store.followed(name, after=None, limit=100) for name in everybody],
        "conversations": [await store.conversations(name, after=None, limit=100) for name in everybody],
    }


async def retried(store: Store) -> list[tuple[LogId, int, str]]:
    """Where its posts stand, by what retries of them are answered; all are known."""
    outcomes = await post(store, *RETRIES)
    assert all(outcome.events == () for outcome in outcomes), "a retry was stored again"
    return [(outcome.receipt.log, outcome.receipt.seq, outcome.receipt.id) for outcome in outcomes]
