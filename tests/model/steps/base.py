"""What every rule stands on: the example's share of the world, and how things in it are chosen."""

from typing import Any, ClassVar

from hypothesis.stateful import RuleBasedStateMachine

from model.reference import Place, Refused
from model.talk import Ear, Talk
from model.world import World


class Base(RuleBasedStateMachine):
    world: ClassVar[World]

    def __init__(self) -> None:
        super().__init__()
        self.talk = Talk(self.world)
        self.dropped: list[Ear] = []
        self.tickets: list[dict[str, Any]] = []
        self.sound = True
        self.turn = 0
        self.world.tally["examples"] += 1

    # -- choosing ------------------------------------------------------------

    @property
    def reference(self) -> Any:
        return self.talk.reference

    @property
    def rooms(self) -> list[str]:
        return list(self.reference.rooms)

    def alive(self, n: int) -> str:
        """The token of a session that lives; a new one when there is none."""
        tokens = [token for token in self.talk.tokens if token in self.reference.sessions]
        if tokens:
            return tokens[n % len(tokens)]
        able = [name for name in self.talk.people if name not in self.reference.disabled]
        if not able:
            self.enables(n)
            able = [self.talk.people[n % len(self.talk.people)]]
        return self.run(self.talk.add_session(able[n % len(able)]))

    def place(self, where: tuple[str, int], user: str) -> Place:
        kind, n = where
        if kind == "room" and self.rooms:
            return "room", self.rooms[n % len(self.rooms)]
        if kind == "self":
            return "inbox", user
        if kind == "user":
            return "inbox", self.talk.people[n % len(self.talk.people)]
        return ("room", "nowhere") if kind in ("room", "nowhere") else ("inbox", "nobody")

    def sockets(self) -> list[Ear]:
        """WebSockets that can be asked something."""
        return [ear for ear in self.talk.ears if ear.kind == "websocket" and not ear.listener.full]

    def full(self) -> list[Ear]:
        return [ear for ear in self.talk.ears if ear.listener.full]

    def cursor(self, place: Place, kind: str, n: int) -> tuple[str | None, int | None, Refused | None]:
        """As it is written, the seq it means, and why it is refused where the reference cannot know."""
        head = self.talk.head(place)
        if kind == "none":
            return None, None, None
        if kind == "future":
            return f"{head + 1 + n}", head + 1 + n, None
        if kind == "stale":
            return f"0123456789abcdef:{head}", head, Refused(409, "stale-cursor")
        at = n % (head + 1)
        return (f"{at}" if kind == "bare" else f"{self.talk.epoch}:{at}"), at, None

    def run(self, work: Any) -> Any:
        return self.world.run(work)

    def ask(self, method: str, target: str, token: str | None, body: Any = None, **fields: str) -> Any:
        return self.run(self.talk.ask(method, target, token, body, **fields))
