"""What a server has to answer and to tell, in the plainest form there is: lists, dictionaries and a clock.

Written from docs/protocol.md and from nothing else. Ids are made by the server, so they are handed in from
its answers; everything else is known here beforehand.
"""

import unicodedata
from dataclasses import dataclass, field
from typing import Any

from model.forms import fold, time

Event = dict[str, Any]
Place = tuple[str, str]
"""("room", id) or ("inbox", handle)."""


class Refused(Exception):
    def __init__(self, status: int, problem: str, **members: Any) -> None:
        super().__init__(status, problem, members)
        self.status, self.problem, self.members = status, problem, members


@dataclass
class Log:
    events: list[Event] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    removed: int = 0  # so many of its first events are there no more

    @property
    def head(self) -> int:
        return len(self.events)


@dataclass
class Session:
    id: str
    user: str
    created_ms: int
    expires_ms: int
    agent: str


@dataclass(eq=False)
class Listener:
    """One live stream: which logs are on it, and all it has to have been told in each."""

    token: str
    logs: set[Place] = field(default_factory=set)
    told: dict[Place, list[Event]] = field(default_factory=dict)
    at: dict[Place, int] = field(default_factory=dict)
    bye: str | None = None
    full: bool = False  # it takes nothing now, and has to be told what it missed when it does again


class Reference:
    def __init__(self, now_ms: int, lifetime_ms: int) -> None:
        self.now_ms, self.lifetime_ms = now_ms, lifetime_ms
        self.users: dict[str, int] = {}
        self.disabled: set[str] = set()
        self.sessions: dict[str, Session] = {}
        self.rooms: dict[str, dict[str, Any]] = {}
        self.logs: dict[Place, Log] = {}
        self.keys: dict[tuple[str, Place, str], tuple[str, Event]] = {}
        self.listeners: list[Listener] = []

    def add_user(self, name: str) -> None:
        self.users[name] = self.now_ms
        self.logs["inbox", name] = Log()

    def sign_in(self, token: str, id: str, user: str, agent: str) -> Session:
        if user in self.disabled:
            raise Refused(401, "wrong-credentials")
        expires_ms = self.now_ms + self.lifetime_ms
        self.sessions[token] = Session(id, user, self.now_ms, expires_ms, agent)
        return self.sessions[token]

    def use(self, token: str) -> Session:
        """Whose session it is; each use moves its end, in steps of a twentieth of its lifetime."""
        session = self.sessions.get(token)
        if session is None:
            raise Refused(401, "not-signed-in")
        expires_ms = self.now_ms + self.lifetime_ms
        if expires_ms - session.expires_ms >= self.lifetime_ms // 20:
            session.expires_ms = expires_ms
        return session

    def end_session(self, token: str, why: str) -> None:
        self.sessions.pop(token, None)
        for listener in [each for each in self.listeners if each.token == token]:
            self.end(listener, why)

    def passes(self, ms: int) -> None:
        self.now_ms += ms
        for token in [t for t, session in self.sessions.items() if session.expires_ms <= self.now_ms]:
            self.end_session(token, "expired")

    def disable(self, user: str) -> None:
        self.disabled.add(user)
        for token in [t for t, session in self.sessions.items() if session.user == user]:
            self.end_session(token, "disabled")

    # -- rooms ---------------------------------------------------------------

    def create_room(self, id: str, name: str, user: str) -> dict[str, Any]:
        shown = unicodedata.normalize("NFC", name.strip())
        for other in self.rooms.values():
            if fold(other["name"]) == fold(shown):
                raise Refused(409, "name-taken", conflicts_with=f"/room/{other['id']}")
        self.rooms[id] = {"id": id, "name": shown, "created_at": time(self.now_ms), "created_by": user}
        self.logs["room", id] = Log()
        return self.room(id)

    def room(self, id: str) -> dict[str, Any]:
        if id not in self.rooms:
            raise Refused(404, "no-such-room")
        return self.rooms[id] | {"head": self.logs["room", id].head}

    def list_rooms(self, prefix: str, after: str | None, limit: int) -> tuple[list[dict[str, Any]], bool]:
        rooms = sorted((self.room(id) for id in self.rooms), key=lambda room: fold(room["name"]))
        rooms = [room for room in rooms if fold(room["name"]).startswith(fold(prefix))]
        if after is not None:
            last = fold(self.room(after)["name"])
            rooms = [room for room in rooms if fold(room["name"]) > last]
        return rooms[:limit], len(rooms) > limit

    # -- messages ------------------------------------------------------------

    def post(
        self, user: str, place: Place, text: str, key: str | None, if_head: int | None, id: str
    ) -> Event:
        """The message as its sender has it."""
        if place not in self.logs:
            raise Refused(404, "no-such-room" if place[0] == "room" else "no-such-user")
        if key is not None and (user, place, key) in self.keys:
            first_text, first = self.keys[user, place, key]
            if first_text != text:
                raise Refused(409, "key-reused", conflicts_with=first["id"])
            return first
        if if_head is not None and if_head != self.logs[place].head:
            raise Refused(412, "head-moved", head=self.logs[place].head)
        said = {"id": id, "sender": user, "text": text, "sent_at": time(self.now_ms)}
        said |= {"room": place[1]} if place[0] == "room" else {"to": place[1]}
        said |= {} if key is None else {"key": key}
        mine = self._append(place, {"type": "message"} | said)
        if place[0] == "inbox" and place[1] != user:
            mine = self._append(("inbox", user), {"type": "sent"} | said)
        if key is not None:
            self.keys[user, place, key] = (text, mine)
        return mine

    def _append(self, place: Place, event: Event) -> Event:
        log = self.logs[place]
        event = event | {"seq": log.head + 1}
        log.events.append(event)
        log.times.append(self.now_ms)
        for listener in self.listeners:
            if place in listener.logs and not listener.full:
                listener.told[place].append(event)
                listener.at[place] = log.head
        return event

    def trim(self, before_ms: int) -> None:
        for log in self.logs.values():
            while log.removed < log.head and log.times[log.removed] < before_ms:
                log.removed += 1

    def gap(self, place: Place, first: int, last: int) -> list[Event]:
        whose = {"room": place[1]} if place[0] == "room" else {"inbox": True}
        gap = {"type": "gap", **whose, "first": first, "last": last, "reason": "retention"}
        return [gap] if first <= last else []

    def following(self, place: Place, after: int) -> list[Event]:
        log = self.logs[place]
        return self.gap(place, after + 1, log.removed) + log.events[max(after, log.removed) :]

    # -- listening -----------------------------------------------------------

    def listen(self, listener: Listener, place: Place, after: int | None) -> int:
        """The log's head, which is what a reader is told."""
        if place not in self.logs:
            raise Refused(404, "no-such-room")
        head = self.logs[place].head
        if after is not None and after > head:
            raise Refused(409, "stale-cursor", head=head)
        listener.logs.add(place)
        listener.told.setdefault(place, []).extend([] if after is None else self.following(place, after))
        listener.at[place] = head
        return head

    def drains(self, listener: Listener) -> None:
        listener.full = False
        for place in listener.logs:
            listener.told[place] += self.following(place, listener.at[place])
            listener.at[place] = self.logs[place].head

    def end(self, listener: Listener, why: str | None) -> None:
        listener.bye = why
        self.listeners.remove(listener)
