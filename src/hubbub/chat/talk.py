"""A person's talking at one server: the state, and everything that is done in the world for it.

No textual in here: a test, or another face, can be in its place.
"""

import asyncio
import base64
import contextlib
import os
import time
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from random import SystemRandom
from typing import Any

from hubbub.chat import marks, pages
from hubbub.chat.ear import Ear
from hubbub.chat.marks import Marker
from hubbub.chat.nap import Nap
from hubbub.chat.postman import Postman
from hubbub.chat.state import connection, events
from hubbub.chat.state.outbox import Pending
from hubbub.chat.state.places import PersonPlace, Place, RoomPlace, place_of
from hubbub.chat.state.side import Followed, mark_at
from hubbub.chat.state.state import State, after
from hubbub.chat.state.timeline import entry_of, last_of
from hubbub.client import Client, ClientError, Event, Log, Message, Problem, SignedOut
from hubbub.client.backoff import Backoff
from hubbub.domain.policy import folded
from hubbub.protocol.frames import MarkFrame, RoomBody
from hubbub.terminal import Session, in_words

AGENT = "hubbub chat"
FOUND_AT_MOST = 200
"""Rooms or people that a search shows."""


class Talk:
    """Use as an async context manager; `changed` is called after each change of `state`.

    Always true: whatever it has begun ends when it is closed.
    """

    def __init__(
        self,
        session: Session,
        me: str,
        *,
        changed: Callable[[], None] = lambda: None,
        direct: Callable[[Message], None] = lambda _: None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
        randomness: Callable[[int], bytes] = os.urandom,
    ) -> None:
        """`direct`: told of each message somebody has just written to me."""
        self.state = State(me=me)
        self.server = session.server
        self._changed = changed
        self._direct = direct
        self._now = now
        self._monotonic = monotonic
        self._randomness = randomness
        self._nap = Nap()
        # It tries nothing by itself but to listen: what waits is to be seen waiting.
        self._client = Client(
            session.server,
            token=session.token,
            agent=AGENT,
            patience_seconds=0,
            sleep=self._nap.sleep,
            monotonic=monotonic,
        )
        self._tasks: set[asyncio.Task[Any]] = set()
        self._ear = Ear(self._client, heard=self._heard, marked=self._marked, watch=self._watch)
        self._marker = Marker(self._client, spawn=self._spawn)
        self._postman = Postman(self._client, self.server, happen=self.happen, spawn=self._spawn)

    async def __aenter__(self) -> "Talk":
        self._spawn(self._listen())
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._client.close()

    def happen(self, happening: events.Happening) -> None:
        before = self.state
        self.state = after(before, happening)
        if self.state is not before:
            self._changed()

    # -- reading -------------------------------------------------------------

    def open(self, place: Place, name: str) -> None:
        if self.state.place != place:
            self.happen(events.Opened(place=place, name=name))
            self._spawn(self._load_newest(place))

    def load_older(self) -> None:
        """Asked twice it is done once."""
        window = self.state.open
        if window and window.entries and window.loading == "no" and not window.reaches_start:
            self.happen(events.Asked("older"))
            self._spawn(self._load_older(window.place, window.first))

    def load_newer(self) -> None:
        window = self.state.open
        if window and window.entries and window.loading == "no" and not window.reaches_end:
            self.happen(events.Asked("newer"))
            self._spawn(self._load_newer(window.place, window.last))

    def jump_to_newest(self) -> None:
        window = self.state.open
        if window and not window.reaches_end and window.loading != "first":
            self.happen(events.Asked("first"))
            self._spawn(self._load_newest(window.place))

    def scrolled(self, *, at_end: bool) -> None:
        self.happen(events.Scrolled(at_end))

    def seen(self) -> None:
        """The reader has the newest of the open place before the eyes."""
        window = self.state.open
        if window and window.reaches_end and window.entries:
            self._mark(window.place, window.last)

    # -- writing -------------------------------------------------------------

    def draft(self, text: str) -> None:
        if self.state.place is not None and text != self.state.draft:
            self.happen(events.Drafted(self.state.place, text))

    def post(self, text: str) -> None:
        if self.state.place is None:
            return
        key = base64.urlsafe_b64encode(self._randomness(18)).decode()
        pending = Pending(key=key, place=self.state.place, text=text, at=self._now())
        self.happen(events.Wrote(pending))
        self._postman.send(pending)

    def retry(self, key: str) -> None:
        for each in self.state.outbox:
            if each.key == key and each.fate == "failed":
                self.happen(events.Moved(key=key, fate="sending"))
                self._postman.send(each)

    def discard(self, key: str) -> None:
        """Only what failed: of all else it is not known that the server does not have it."""
        if any(each.key == key and each.fate == "failed" for each in self.state.outbox):
            self.happen(events.Discarded(key))

    # -- rooms and people ----------------------------------------------------

    async def find_rooms(self, words: str) -> list[RoomBody]:
        """Those with all the words in their name. Raises the client's errors."""
        found: list[RoomBody] = []
        wanted = [folded(word) for word in words.split()]
        async for room in self._client.rooms():
            if all(word in folded(room.name) for word in wanted):
                found.append(room)
            if len(found) == FOUND_AT_MOST:
                break
        return found

    async def find_people(self, words: str) -> list[str]:
        """Raises the client's errors."""
        found: list[str] = []
        async for person in self._client.people(prefix=words.lower()):
            found.append(person.name)
            if len(found) == FOUND_AT_MOST:
                break
        return found

    async def create_room(self, name: str) -> RoomBody:
        """Raises the client's errors."""
        return await self._client.create_room(name)

    async def unfollow(self, room: str) -> None:
        """Raises the client's errors."""
        self._marker.forget(room)
        await self._client.unfollow(room)
        self._ear.leave(room)
        self.happen(events.RoomLeft(room))
        if self.state.place == RoomPlace(room):
            self.happen(events.Closed())

    # -- the connection ------------------------------------------------------

    def reconnect(self) -> None:
        """Try now rather than when the time has come."""
        self._nap.cut_short()
        self._postman.hurry()

    async def _listen(self) -> None:
        backoff = Backoff(SystemRandom().random)
        while True:
            try:
                await self._start()
                backoff.reset()
                await self._ear.listen()
            except SignedOut as out:
                self.happen(events.ConnectionMoved(connection.Ended(out.reason)))
                return
            except ClientError as error:  # also a hole, and a server that has begun anew: so do we
                seconds = backoff.told(error.retry_after if isinstance(error, Problem) else None)
                self._watch(seconds)
                await self._nap.sleep(seconds)

    async def _start(self) -> None:
        """From what the server says there is now; what follows is heard."""
        last = await self._client.page(limit=1)
        cursors: dict[Log, str | int] = {None: last_of(entry_of(last[-1])) if last else 0}
        await self._ask_marks()
        window = self.state.open
        cursors |= {room.id: room.head for room in self.state.side.rooms}
        self._ear.start(cursors)
        if window is not None:
            self.happen(events.Asked("first"))
            await self._load_newest(window.place)

    async def _ask_marks(self) -> None:
        rooms, people = await asyncio.gather(marks.rooms(self._client), marks.people(self._client))
        self.happen(events.RoomsTold(rooms))
        self.happen(events.PeopleTold(people))

    async def _refresh(self) -> None:
        with contextlib.suppress(ClientError):  # asked again when it is live the next time
            await self._ask_marks()
            for room in self.state.side.rooms:
                self._ear.follow(room.id, room.head)

    def _watch(self, seconds: float | None) -> None:
        before = self.state.connection
        if seconds is not None:
            self.happen(events.ConnectionMoved(connection.lost(before, self._monotonic() + seconds)))
            return
        self.happen(events.ConnectionMoved(connection.Live()))
        if isinstance(before, connection.Waiting):
            self._spawn(self._back())

    async def _back(self) -> None:
        """Live again: what was not told meanwhile is asked for, and what waited goes on."""
        self._postman.hurry()
        self._marker.hurry()
        window = self.state.open
        if window is not None and window.trouble:
            self.happen(events.Asked("first"))
            self._spawn(self._load_newest(window.place))
        await self._refresh()

    # -- inside --------------------------------------------------------------

    def _spawn(self, work: Coroutine[Any, Any, object]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _heard(self, event: Event) -> None:
        place = place_of(event, self.state.me)
        fresh = isinstance(place, PersonPlace) and self._is_new(place, event)
        self.happen(events.Heard(place=place, entry=entry_of(event)))
        window = self.state.open
        if window and window.place == place and window.trouble and not window.entries:
            self.jump_to_newest()  # what could not be read before is there now
        if fresh and isinstance(event, Message) and event.sender != self.state.me:
            self._direct(event)

    def _marked(self, mark: MarkFrame) -> None:
        """One of my devices has read on, or follows another room, or one less."""
        if mark.room is not None and mark.seq is None:
            if self.state.place != RoomPlace(mark.room):
                self._ear.leave(mark.room)
            self.happen(events.RoomLeft(mark.room))
        elif mark.room is not None and mark.seq is not None:
            if self.state.side.room(mark.room) is None:
                self._spawn(self._refresh())
            self.happen(events.RoomMarked(mark.room, mark.seq))
        elif mark.user is not None and mark.seq is not None:
            self.happen(events.PersonMarked(mark.user, mark.seq))
            row = self.state.side.person(mark.user)
            if row is not None and row.unread:  # how much is left, only the server knows
                self._spawn(self._refresh())

    def _is_new(self, place: PersonPlace, event: Event) -> bool:
        row = self.state.side.person(place.name)
        return isinstance(event, Message) and (row is None or event.seq > row.last_seq)

    def _mark(self, place: Place, seq: int) -> None:
        known = mark_at(self.state.side, place)
        if known is None or seq > known:
            if isinstance(place, RoomPlace):
                self.happen(events.RoomMarked(place.id, seq))
            else:
                self.happen(events.PersonMarked(place.name, seq))
            self._marker.seen(place, seq)

    async def _load_newest(self, place: Place) -> None:
        try:
            page, reaches_start = await pages.newest(self._client, place)
        except ClientError as error:
            self._nothing(place, error)
            return
        if self.state.place != place:
            return
        self.happen(events.NewestCame(place=place, page=page, reaches_start=reaches_start))
        if isinstance(place, RoomPlace) and self.state.open is not None:
            head = self.state.open.last
            self._ear.follow(place.id, head)
            if self.state.side.room(place.id) is None:
                room = Followed(id=place.id, name=self.state.name, seq=head, head=head)
                self.happen(events.RoomFollowed(room))
                self._marker.seen(place, head)

    async def _load_older(self, place: Place, before: int) -> None:
        try:
            page, reaches_start = await pages.older(self._client, place, before)
        except ClientError as error:
            self._nothing(place, error)
            return
        self.happen(events.OlderCame(place=place, before=before, page=page, reaches_start=reaches_start))

    async def _load_newer(self, place: Place, last: int) -> None:
        try:
            page, reaches_end = await pages.newer(self._client, place, last)
        except ClientError as error:
            self._nothing(place, error)
            return
        self.happen(events.NewerCame(place=place, after=last, page=page, reaches_end=reaches_end))

    def _nothing(self, place: Place, error: ClientError) -> None:
        self.happen(events.NothingCame(place, in_words(error, self.server)))
        if isinstance(error, SignedOut):
            self.happen(events.ConnectionMoved(connection.Ended(error.reason)))
