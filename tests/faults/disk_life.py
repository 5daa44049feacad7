"""A store's life on a disk that remembers it, and what was acknowledged at each moment of it.

`Life` goes through a script of steps. Beside the store it keeps a plain account of what the store said it had
stored; `survey` reads the same out of a store. So "nothing acknowledged is lost, nothing is there twice or in
part" is one comparison.
"""

import asyncio
import tempfile
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import apsw

from hubbub.domain.errors import StorageFailed
from hubbub.domain.events import Draft, Event, Posted
from hubbub.domain.ids import LogId, MessageId, RoomId, SessionId, UserId, inbox_log, room_log
from hubbub.domain.model import Room, Session, User
from hubbub.storage.base import Outcome
from hubbub.storage.sqlite import SqliteStore
from support.disk import Disk

Step = Callable[[], Awaitable[None]]

NOW_MS = 1_700_000_000_000

_MEMORY = Path("/dev/shm")

PEOPLE = ("ada", "bob", "cy")
ROOMS = ("lounge", "attic")


@contextmanager
def memory() -> Iterator[Path]:
    """A directory for thousands of stores: in memory, where there is such a place."""
    where = _MEMORY if _MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="hubbub-disk-", dir=where) as directory:
        yield Path(directory)


@dataclass
class Account:
    """What a store holds, as far as anyone can ask for it."""

    epoch: str = ""
    users: dict[str, tuple[str, bool]] = field(default_factory=dict)
    """The password hash, and whether the user is disabled."""
    sessions: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Of whom, and until when."""
    rooms: dict[str, str] = field(default_factory=dict)
    logs: dict[str, list[Event]] = field(default_factory=dict)
    """What is left of each log, in order."""
    floors: dict[str, int] = field(default_factory=dict)
    """The seq up to which a log was removed; a log of which nothing was removed is not named."""


async def survey(store: SqliteStore) -> Account:
    """The account of a store, read through its interface."""
    account = Account(epoch=store.info.epoch)
    for name in PEOPLE:
        credential = await store.credential(UserId(name))
        if credential is not None:
            account.users[name] = (credential.password_hash, credential.disabled)
            await _read_log(store, account, inbox_log(UserId(name)))
            for session in await store.sessions(UserId(name)):
                account.sessions[session.id] = (session.user, session.expires_at_ms)
    rooms, more = await store.rooms(prefix="", after=None, limit=100)
    assert not more
    for room in rooms:
        account.rooms[room.id] = room.name
        await _read_log(store, account, room_log(room.id))
    return account


async def _read_log(store: SqliteStore, account: Account, log: LogId) -> None:
    page = await store.page(log, after=0)
    assert not page.more
    events = [*page.events]
    if page.gap is not None:
        account.floors[log] = page.gap.last
        assert page.gap.first == 1
    first = account.floors.get(log, 0) + 1
    assert [event.seq for event in events] == [*range(first, page.head + 1)], f"{log} has holes"
    if events:
        account.logs[log] = events


@dataclass
class Moment:
    """After a step of the script was acknowledged."""

    operations: int
    """What had been done to the disk when that was told, and not yet more."""
    account: Account
    keyed: list[tuple[Draft, Event]]
    """What was posted with a key so far, and what was answered."""


class Later:
    """Another thread, which does one thing after the other when it is told to."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[Callable[[], None], Callable[[BaseException | None], None]]] = deque()

    def __call__(self, work: Callable[[], None], done: Callable[[BaseException | None], None]) -> None:
        self._waiting.append((work, done))

    def do_one(self) -> None:
        if self._waiting:
            work, done = self._waiting.popleft()
            work()
            done(None)

    def do_all(self) -> None:
        while self._waiting:
            self.do_one()


class Life:
    """Runs the script once.

    Always true: `moments[n]` is what was acknowledged when n steps had been; a step that ended otherwise is
    in none.
    """

    def __init__(
        self,
        directory: Path,
        disk: Disk,
        *,
        kind: type[SqliteStore] = SqliteStore,
        apart: Callable[[], dict[str, Any]] | None = None,
    ) -> None:
        """`apart`: syncs may be made apart, by a store with these options; several commits wait for one."""
        self.directory = directory
        self.disk = disk
        self.broken: list[StorageFailed] = []
        self.kind = kind
        self.opened: Callable[[SqliteStore], None] = lambda store: None
        """Called with each store when it was opened."""
        self.store: SqliteStore | None = None
        self.account = Account()
        self.keyed: list[tuple[Draft, Event]] = []
        self.moments = [Moment(0, Account(), [])]
        self._ids = count(1)
        self.later = None if apart is None else Later()
        self._apart = apart

    # -- the script ---------------------------------------------------------

    def steps(self, chance: Random, length: int) -> Iterator[Step]:
        """The first ones furnish the store; `length` more are anything. To be taken in order."""
        yield self.open
        for name in PEOPLE:
            yield partial(self.create_user, name)
        for name in ROOMS:
            yield partial(self.create_room, name)
        yield partial(self.sign_in, "ada")
        weights = {
            self.talk: 12,
            self.retry: 2,
            self.trim: 0 if self.later else 2,  # which waits for no sync, and nobody for it
            self.sign_in_or_out: 2,
            self.change_user: 1,
            self.reopen: 1,
        }
        for _ in range(length):
            yield partial(chance.choices([*weights], [*weights.values()])[0], chance)
        yield self.close

    async def run(self, seed: int = 1, length: int = 40) -> None:
        """All of the script; raises what a step does."""
        chance = Random(seed)
        for step in self.steps(Random(seed), length):
            if self.later is None:
                await step()
                continue
            if getattr(step, "func", None) not in (self.talk, self.retry):
                self.later.do_all()  # these wait for their syncs: two at once may be told in any order
            task = asyncio.ensure_future(step())
            await asyncio.sleep(0)
            while not task.done():
                self.later.do_one()
                await asyncio.sleep(0)
            await task
            if chance.random() < 0.2:
                self.later.do_one()

    def _acknowledged(self, operations: int | None = None) -> None:
        self.moments.append(
            Moment(
                len(self.disk.operations) if operations is None else operations,
                copy_of(self.account),
                [*self.keyed],
            )
        )

    # -- its steps ----------------------------------------------------------

    async def open(self) -> None:
        how: dict[str, Any] = {}
        if self._apart is not None:
            how = {"apart": self.later, "sync": self.disk.sync} | self._apart()
        self.store = open_store(self.directory, self.broken, kind=self.kind, vfs=self.disk.name, **how)
        self.opened(self.store)
        self.account.epoch = self.store.info.epoch
        self._acknowledged()

    async def close(self) -> None:
        if self.store is not None:
            store, self.store = self.store, None
            # What fails while the log is moved a last time is passed over by SQLite: all of it is still in
            # the log. Only a VFS in Python has its own error raised here all the same.
            with suppress(apsw.Error):
                await store.close()
            self._acknowledged()

    async def reopen(self, chance: Random) -> None:
        await self.close()
        await self.open()

    async def create_user(self, name: str) -> None:
        await self.store.create_user(User(name=UserId(name), created_at_ms=1), f"hash of {name}")
        self.account.users[name] = (f"hash of {name}", False)
        self._acknowledged()

    async def create_room(self, id: str) -> None:
        room = Room(id=RoomId(id), name=id.title(), created_at_ms=2, created_by=UserId("ada"), head=0)
        await self.store.create_room(room, id)
        self.account.rooms[id] = id.title()
        self._acknowledged()

    async def sign_in(self, name: str) -> None:
        id = SessionId(f"s{next(self._ids)}")
        session = Session(
            id=id, user=UserId(name), created_at_ms=3, expires_at_ms=NOW_MS + 1_000, agent="curl/8"
        )
        await self.store.create_session(session, id.encode().ljust(32, b"."))
        self.account.sessions[id] = (name, session.expires_at_ms)
        self._acknowledged()

    async def sign_in_or_out(self, chance: Random) -> None:
        if not self.account.sessions or chance.random() < 0.5:
            await self.sign_in(chance.choice([n for n in PEOPLE if not self.account.users[n][1]]))
        else:
            id = chance.choice([*self.account.sessions])
            assert await self.store.end_session(SessionId(id))
            del self.account.sessions[id]
            self._acknowledged()

    async def change_user(self, chance: Random) -> None:
        name = chance.choice(PEOPLE[1:])
        secret, disabled = self.account.users[name]
        if chance.random() < 0.5:
            secret = f"hash {next(self._ids)} of {name}"
            await self.store.set_password(UserId(name), secret)
            self._sign_out(name)
        else:
            disabled = not disabled
            await self.store.disable(UserId(name), NOW_MS if disabled else None)
            if disabled:
                self._sign_out(name)
        self.account.users[name] = (secret, disabled)
        self._acknowledged()

    def _sign_out(self, name: str) -> None:
        for id in [id for id, (owner, _) in self.account.sessions.items() if owner == name]:
            del self.account.sessions[id]

    async def talk(self, chance: Random) -> None:
        """A batch of messages, to rooms and to people, most of them with keys."""
        drafts = [self._draft(chance) for _ in range(chance.choice((1, 1, 2, 5, 12)))]
        await self._append(drafts)

    def _draft(self, chance: Random) -> Draft:
        number = next(self._ids)
        to_room = chance.random() < 0.7
        return Draft(
            place=room_log(RoomId(chance.choice(ROOMS))) if to_room else inbox_log(chance.choice(PEOPLE)),
            sender=UserId(chance.choice(PEOPLE)),
            id=MessageId(f"m{number}"),
            text=f"text {number} " + "x" * chance.choice((0, 40, 400, 400, 6_000)),
            key=f"k{number}" if chance.random() < 0.8 else None,
            sent_at_ms=number,
        )

    async def retry(self, chance: Random) -> None:
        """Say again what was said before, and something new with it."""
        again = [draft for draft, _ in chance.sample(self.keyed, min(3, len(self.keyed)))]
        await self._append([*again, self._draft(chance)])

    async def _append(self, drafts: Sequence[Draft]) -> None:
        refused: list[Outcome] = []

        def done(outcomes: Sequence[Outcome]) -> None:
            operations = len(self.disk.operations)  # whatever is done after this is told later
            for draft, outcome in zip(drafts, outcomes, strict=True):
                if not isinstance(outcome, Posted):
                    refused.append(outcome)  # the whole batch was: no draft here is wrong by itself
                    return
                for event in outcome.events:
                    self.account.logs.setdefault(event.log, []).append(event)
                if draft.key is not None and outcome.events:
                    self.keyed.append((draft, outcome.receipt))
            self._acknowledged(operations)

        self.store.append(drafts, done)
        if refused:
            raise refused[0]

    async def trim(self, chance: Random) -> None:
        """Retention takes some of the oldest."""
        times = sorted(event.sent_at_ms for events in self.account.logs.values() for event in events)
        before = chance.choice(times[: len(times) // 2 + 1]) if times else 0
        gaps = await self.store.trim(sent_before_ms=before, limit=chance.choice((3, 10)))
        for gap in gaps:
            left = [event for event in self.account.logs[gap.log] if event.seq > gap.last]
            self.account.floors[gap.log] = gap.last
            self.account.logs[gap.log] = left
            if not left:
                del self.account.logs[gap.log]
        self._acknowledged()


def copy_of(account: Account) -> Account:
    """Events never change: only what holds them is copied."""
    return Account(
        epoch=account.epoch,
        users=dict(account.users),
        sessions=dict(account.sessions),
        rooms=dict(account.rooms),
        logs={log: [*events] for log, events in account.logs.items()},
        floors=dict(account.floors),
    )


def open_store(
    directory: Path, broken: list[StorageFailed], *, kind: type[SqliteStore] = SqliteStore, **how: Any
) -> SqliteStore:
    return kind.open(
        directory, now_ms=lambda: NOW_MS, randomness=Random(5).randbytes, on_broken=broken.append, **how
    )


async def still_works(store: SqliteStore, account: Account, keyed: Sequence[tuple[Draft, Event]]) -> None:
    """Every retry answers as the first time did, and something new gets the next seq."""
    if not account.rooms or "ada" not in account.users:
        return
    told: list[Sequence[Outcome]] = []
    store.append([draft for draft, _ in keyed], told.append)
    for (draft, first), outcome in zip(keyed, told.pop(), strict=True):
        assert isinstance(outcome, Posted), f"{draft.key} was stored, and now it is {outcome!r}"
        assert outcome.events == (), f"{draft.key} was stored a second time"
        assert outcome.receipt == first
    room = room_log(RoomId(next(iter(account.rooms))))
    new = Draft(
        place=room,
        sender=UserId("ada"),
        id=MessageId("new"),
        text="hello again",
        key=None,
        sent_at_ms=NOW_MS,
    )
    store.append([new], told.append)
    (outcome,) = told.pop()
    assert isinstance(outcome, Posted)
    left = account.logs.get(room, ())
    assert outcome.receipt.seq == (left[-1].seq if left else account.floors.get(room, 0)) + 1
    assert (await store.event(room, outcome.receipt.seq)).text == "hello again"


def is_whole(store: SqliteStore) -> bool:
    """What SQLite thinks of the database."""
    return store._db.connection.pragma("integrity_check") == "ok"
