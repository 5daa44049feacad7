"""Nothing a request does grows with what is stored: rooms, messages, users.

Counted are the instructions SQLite's machine takes (`SQLITE_STMTSTATUS_VM_STEP`). A B-tree of a thousand
times as many rows is a level or two deeper, which these do not even see; whatever reads more rows, they do.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest

from hubbub.domain.events import Draft
from hubbub.domain.ids import MessageId, RoomId, UserId, room_log
from hubbub.domain.model import Room, User
from hubbub.storage.base import Seed
from hubbub.storage.sqlite import SqliteStore
from performance.counting import statements
from support.seeded import PASSWORD, seed, token_of
from support.serving import serving

FEW, MANY = 100, 10_000
"""Of rooms, of users, of messages in each of the two rooms that are used. FEW is more than a page."""

SPARE_STEPS = 50
"""By which the larger store may differ: rows are found at other places of their pages."""

AGO = 50

BATCH = 1000
AUTHOR = UserId("ada")
ROOMS = [RoomId("lounge"), RoomId("attic")]


async def furnish(directory: Path, size: int) -> None:
    await seed(directory)
    store = SqliteStore.open(directory, now_ms=lambda: 1, randomness=os.urandom, on_broken=print)
    names = [*ROOMS, *(RoomId(f"room-{number:05}") for number in range(size))]
    await store.seed(
        Seed(
            users=[
                (User(name=UserId(f"user-{number:05}"), created_at_ms=1), "none") for number in range(size)
            ],
            sessions=[],
            rooms=[
                (Room(id=id, name=id, created_at_ms=1, created_by=AUTHOR, head=0), str(id)) for id in names
            ],
        )
    )
    for begin in range(0, size, BATCH):
        store.append(
            [
                Draft(
                    place=room_log(room),
                    sender=AUTHOR,
                    id=MessageId(f"{room}-{number}"),
                    text=f"text {number}",
                    key=f"{room}-{number}",
                    sent_at_ms=number,
                )
                for number in range(begin, min(size, begin + BATCH))
                for room in ROOMS
            ],
            lambda outcomes: None,
        )
    await store.close()


class Visit:
    """Somebody at a server, and what SQLite did for them."""

    def __init__(self, http, asked):
        self._http = http
        self._asked = asked

    async def does(self, method, path, *, status=200, accept="", **body):
        """The steps it took. The first of its kind in this process: nothing of it is in memory."""
        self._asked.forget()
        headers = {"Authorization": f"Bearer {token_of(AUTHOR)}", "Accept": accept or "application/json"}
        async with self._http.stream(
            method, path, headers=headers, **({"json": body} if body else {})
        ) as answer:
            assert answer.status_code == status, path
            if accept:  # a stream, which does not end: its first events
                await anext(answer.aiter_lines())
            else:
                await answer.aread()
        return self._asked.steps


@asynccontextmanager
async def visit(data: Path) -> AsyncIterator[Visit]:
    with statements() as asked:
        async with (
            serving(data) as server,
            httpx2.AsyncClient(base_url=server.url, trust_env=False) as http,
        ):
            yield Visit(http, asked)


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    """A store with little in it, and one with a hundred times as much."""
    where = tmp_path_factory.mktemp("stores")
    for size in (FEW, MANY):
        asyncio.run(furnish(where / str(size), size))
    return where


LOUNGE = "/room/lounge"
NDJSON = "application/x-ndjson"

ACTS = {
    "post to a room": ("POST", f"{LOUNGE}/messages", {"status": 201, "text": "hello"}),
    "post to a user": ("POST", "/user/bob/messages", {"status": 201, "text": "hello"}),
    "the newest page": ("GET", f"{LOUNGE}/messages", {}),
    "the first page": ("GET", f"{LOUNGE}/messages?after=0", {}),
    "a page in the middle": ("GET", f"{LOUNGE}/messages?before=60", {}),
    "one message": ("GET", f"{LOUNGE}/messages/7", {}),
    "resuming from some messages ago": ("GET", f"{LOUNGE}/subscribe?after={{ago}}", {"accept": NDJSON}),
    "subscribing at the head": ("GET", f"{LOUNGE}/subscribe", {"status": 202}),
    "a sign-in": ("POST", "/sessions", {"status": 201, "name": "ada", "password": PASSWORD}),
    "a sign-up": ("POST", "/users", {"status": 201, "name": "newcomer", "password": PASSWORD}),
    "a new room": ("POST", "/rooms", {"status": 201, "name": "A new room"}),
    "a room": ("GET", LOUNGE, {}),
    "a page of rooms": ("GET", "/rooms?limit=50", {}),
    "a page of rooms further on": ("GET", "/rooms?limit=50&after=room-00020", {}),
    "a page of users": ("GET", "/users?limit=50&prefix=user", {}),
    "my inbox": ("GET", "/inbox/messages", {}),
    "a mark": ("PUT", f"{LOUNGE}/mark", {"seq": 7}),
    "the rooms I follow": ("GET", "/marks", {}),
    "my conversations": ("GET", "/conversations", {}),
}


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
async def test_what_it_costs_does_not_grow_with_what_is_stored(stores, act):
    method, path, more = act
    steps = {}
    for size in (FEW, MANY):
        async with visit(stores / str(size)) as visitor:
            steps[size] = await visitor.does(method, path.format(ago=size - AGO), **more)
    assert steps[MANY] <= steps[FEW] + SPARE_STEPS, steps
