"""Who talks to the server: people with their devices, each keeping a ledger of what was promised to them."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from functools import partial
from typing import TYPE_CHECKING

from hubbub.check import Ledger
from hubbub.domain.ids import LogId, UserId, inbox_log, room_log

if TYPE_CHECKING:
    from simulation.devices import Device
    from simulation.node import Node
    from simulation.world import World

NAMES = ("ada", "bob", "cyd")
ROOMS = ("lounge", "garden")


class Saying:
    """One message somebody wants to post, however often it takes.

    Always true: it is `settled` once it was acknowledged, or refused for good.
    """

    def __init__(
        self,
        key: str | None,
        text: str,
        *,
        room: str | None = None,
        to: str | None = None,
        if_head: int | None = None,
    ) -> None:
        self.key = key
        self.text = text
        self.room = room
        self.to = to
        self.if_head = if_head
        self.under_way = 0
        self.doubtful = False
        """Whether some attempt of it may have arrived, for all that is known."""
        self.first_asked: int | None = None
        """Which of the node's starts was the first to be asked."""
        self.acknowledged = False
        self.refused = False
        self.tries = 0

    @property
    def settled(self) -> bool:
        return self.acknowledged or self.refused or (self.key is None and self.tries > 0)

    def __repr__(self) -> str:
        return f"{self.key or 'a keyless text'} for {self.room or self.to}"


class SignIn:
    """A session of somebody's, replaced by the next when it ended."""

    def __init__(self, person: Person, name: str) -> None:
        self.person = person
        self.name = name
        self.number = 0
        self.token = ""
        self.id = ""
        self.alive = False
        self._chance = person.world.chance_for(f"{person.name}'s {name}")
        self._asked: tuple[Node, int] | None = None
        """Who was asked for a new one, and in which of its starts."""

    def renew(self) -> bool:
        """Sign in again, unless that was done already. False until it is done."""
        if not self.alive and not self._is_asked():
            self.number += 1
            id = f"{self.person.name}-{self.name}-{self.number}"
            digest = hashlib.sha256(f"{id} of {self.person.world.seed}".encode()).digest()
            token = "hb_" + urlsafe_b64encode(digest).rstrip(b"=").decode()
            node = self.person.world.node_for(self._chance)
            if node.sign_in(self.person.name, id, token, partial(self._told, id, token)):
                self._asked = node, node.starts
        return self.alive

    def _is_asked(self) -> bool:
        """Whether an answer may still come: of a process that has gone it does not."""
        return self._asked is not None and self._asked[0].starts == self._asked[1]

    def _told(self, id: str, token: str, done: bool) -> None:
        """Done, or refused; whoever died meanwhile tells nothing."""
        self._asked = None
        if done:
            self.id, self.token, self.alive = id, token, True

    def ended(self, token: str) -> None:
        if token == self.token:
            self.alive = False


class Person:
    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.name = name
        self.ledger = Ledger(name)
        self.sign_ins = [SignIn(self, "first"), SignIn(self, "second")]
        self.devices: list[Device] = []
        self.sayings: list[Saying] = []
        self.marks_asked: dict[str, int] = {}
        """By room: up to where it was said, at most, that it was read."""
        self.marks_known: dict[str, int] = {}
        """By room: the mark as it was answered last, at least."""

    def log(self, room: str | None) -> LogId:
        return inbox_log(UserId(self.name)) if room is None else room_log(room)

    def says(self, saying: Saying) -> None:
        """Begin with it."""
        self.sayings.append(saying)
        if saying.key is not None:
            self.ledger.posts(saying.key, saying.text, room=saying.room, to=saying.to)

    def unsettled(self) -> list[Saying]:
        return [each for each in self.sayings if not each.settled and not each.under_way]

    # -- what became of it --------------------------------------------------

    def begins(self, saying: Saying) -> None:
        saying.under_way += 1
        saying.tries += 1
        if saying.first_asked is None:
            saying.first_asked = self.world.starts

    def posted(self, saying: Saying, seq: int, id: str) -> None:
        saying.under_way -= 1
        if saying.tries > 1:
            self.world.happened("a post was sent again, and acknowledged")
            if saying.first_asked != self.world.starts:
                self.world.happened("a post was sent again after the server had died, and acknowledged")
        if saying.key is not None:
            receipt = self.ledger.acknowledged(saying.key, seq, id)
            self.world.reads_back(self, receipt)
        saying.acknowledged = True

    def refused(self, saying: Saying, status: int, problem: str) -> None:
        """The server said no, or that it does not know."""
        saying.under_way -= 1
        what = problem.rpartition("/")[2]
        self.world.happened(f"a post was answered {what}")
        if what == "head-moved":
            saying.refused = True
        elif status == 401 or what in ("storage-failed", "storage-away", "shutting-down"):
            saying.doubtful = saying.doubtful or status != 401
            return
        elif what not in ("storage-full", "overloaded", "too-fast", "too-many"):
            self.world.fault("wire", f"{self.name}'s {saying} was answered {status} {problem}")
            return
        if saying.key is None or saying.acknowledged:
            return
        if saying.refused or not (saying.doubtful or saying.under_way):
            self.ledger.refuses(saying.key)

    def lost(self, saying: Saying) -> None:
        """Nobody knows."""
        saying.under_way -= 1
        saying.doubtful = True
