"""Random operations over REST, WebSocket, event streams, lines and long polls at once, each held against the
reference; and after each of them every stream and every log."""

import asyncio
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from model.forms import time
from model.pages import left
from model.steps.drawn import (
    N,
    now_and_then,
)
from model.steps.listening import Listening
from model.steps.people import People
from model.steps.posting import Posting
from model.steps.reading import Reading
from model.steps.rooms import Rooms
from model.steps.tickets import Tickets
from model.world import LIFETIME_SECONDS


class Machine(People, Rooms, Posting, Reading, Listening, Tickets):
    # -- what the operator and time do ---------------------------------------

    @now_and_then(4)
    @rule(
        ms=st.sampled_from([31_000, LIFETIME_SECONDS * 50, LIFETIME_SECONDS * 500, LIFETIME_SECONDS * 1001])
    )
    def time_passes(self, ms: int) -> None:
        self.run(self.world.half_a_second())
        self.world.now_ms += ms
        self.reference.passes(ms)
        self.run(self.world.half_a_second())

    @now_and_then(3)
    @rule(n=N)
    def old_messages_are_removed(self, n: int) -> None:
        moments = sorted({at for log in self.reference.logs.values() for at in log.times})
        if not moments:
            return
        before_ms = moments[n % len(moments)] + n % 2
        self.run(self.world.trim(before_ms))
        self.reference.trim(before_ms)

    @now_and_then(20)
    @rule()
    def the_server_restarts(self) -> None:
        for listener in list(self.reference.listeners):
            self.reference.end(listener, "shutting-down")

        async def restart() -> None:
            closing = asyncio.ensure_future(self.world.close())
            await self.talk.ended()
            await closing
            await self.world.open()

        self.run(restart())

    # -- what always holds ---------------------------------------------------

    @invariant()
    def every_stream_was_told_what_it_has_to_be(self) -> None:
        self.turn += 1
        self.world.tally["steps"] += 1
        self.sound = False

        async def settle() -> None:
            await self.talk.ended()
            for ear in self.talk.ears:
                await ear.settle()

        self.run(settle())
        self.sound = True

    @invariant()
    def what_is_stored_is_what_was_posted(self) -> None:
        for place, log in self.reference.logs.items():
            kind, name = place
            events, gap = self.run(
                self.world.stored(
                    room=name if kind == "room" else None, user=name if kind == "inbox" else None
                )
            )
            assert [_json(event) for event in events] == left(log), place
            assert (gap.first, gap.last) == (1, log.removed) if gap else not log.removed

    @invariant()
    def the_server_listens_for_nobody_else(self) -> None:
        self.sound = False
        logs = {place for ear in self.talk.ears for place in ear.listener.logs}
        kinds = [ear.kind for ear in self.talk.ears]
        self.run(self.world.listeners_come_to(len(logs), {kind: kinds.count(kind) for kind in set(kinds)}))
        self.sound = True

    def teardown(self) -> None:
        ears = self.talk.ears
        try:
            if self.sound:
                for token in sorted({ear.listener.token for ear in ears}):
                    assert self.ask("DELETE", "/sessions/current", token).status == 204
                    self.reference.end_session(token, "signed-out")
                self.run(self.talk.ended())
        finally:
            for ear in ears:
                ear.stream.transport.abort()
            self.run(asyncio.sleep(0))


def _json(event: Any) -> dict[str, Any]:
    where = {"to": event.to} if event.to is not None else {"room": event.log.removeprefix("room/")}
    key = {} if event.key is None else {"key": event.key}
    return {
        "type": event.kind,
        "id": event.id,
        "seq": event.seq,
        "sender": event.sender,
        "text": event.text,
        "sent_at": time(event.sent_at_ms),
        **where,
        **key,
    }
