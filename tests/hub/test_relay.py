"""Two hubs on one store, over a bus that does what the test says."""

import asyncio
from collections.abc import Sequence

import msgspec
import pytest

from hubbub.domain.errors import StaleCursor, StorageAway
from hubbub.domain.events import Event, Gap
from hubbub.domain.ids import LogId, MessageId, UserId
from hubbub.hub import Hub
from hubbub.hub import relay as relay_module
from hubbub.hub.log import EARLY_ENTRIES
from hubbub.hub.relay import Message, Relay, channel_of
from support.deadline import deadline

from .test_hub import ROOM, Reader, Source, numbers


class Wire:
    """A bus whose messages wait until the test carries them."""

    def __init__(self) -> None:
        self.up = True
        self.sent: list[tuple[str, bytes]] = []
        self.listened: list[str] = []
        self.unlistened: list[str] = []
        self.before_listening = lambda: None

    def send(self, channel: str, message: bytes) -> None:
        self.sent.append((channel, message))

    async def listen(self, channel: str) -> None:
        await asyncio.sleep(0)
        self.before_listening()
        self.listened.append(channel)

    def unlisten(self, channel: str) -> None:
        self.unlistened.append(channel)

    async def close(self) -> None:
        pass


class Shared(Source):
    """A store that can be away."""

    away = False
    asking = False
    heads_asked = 0

    async def head(self, log: LogId) -> int | None:
        self._check()
        return await super().head(log)

    async def page(self, log: LogId, *, after: int):
        self._check()
        return await super().page(log, after=after)

    async def heads(self, logs: Sequence[LogId]) -> dict[LogId, int]:
        self._check()
        self.heads_asked += 1
        self.asking = True
        heads = await super().heads(logs)
        await asyncio.sleep(0)
        self.asking = False
        return heads

    def _check(self) -> None:
        if self.away:
            raise StorageAway()


class Node:
    def __init__(self, source: Source) -> None:
        self.source = source
        self.wire = Wire()
        self.failures: list[BaseException] = []
        self.hub = Hub(source, failed=self.failures.append, patience_seconds=0)
        loop = asyncio.get_running_loop()
        self.relay = Relay(self.hub, self.wire, source, monotonic=loop.time, soon=loop.call_soon)

    async def listens(self, after: int | None = None) -> Reader:
        reader = Reader()
        self.hub.start(await self.hub.open(reader, ROOM, after))
        return reader

    def says(self, count: int = 1, *, text: str = "x") -> list[bytes]:
        """Stores so many events; the messages that tell of them, one each."""
        before = len(self.wire.sent)
        for _ in range(count):
            event = one_more(self.source, text)
            self.hub.publish(event)
            self.hub.flush()
        return [message for _, message in self.wire.sent[before:]]


def one_more(source: Source, text: str = "x") -> Event:
    event = Event(
        log=ROOM,
        seq=len(source.events) + 1,
        id=MessageId("m"),
        kind="message",
        sender=UserId("ada"),
        to=None,
        text=text,
        key=None,
        sent_at_ms=0,
    )
    source.events.append(event)
    return event


async def settle() -> None:
    for _ in range(200):
        await asyncio.sleep(0)


@pytest.fixture
async def source() -> Shared:
    return Shared(waits=True)


@pytest.fixture
async def here(source: Shared) -> Node:
    return Node(source)


@pytest.fixture
async def there(source: Shared) -> Node:
    return Node(source)


async def test_what_is_stored_there_is_heard_here_without_asking_the_store(here, there):
    reader = await here.listens()
    pages = here.source.pages_read

    for message in there.says(3):
        here.relay.heard(message)
    await settle()

    assert reader.heard == numbers(1, 3)
    assert here.source.pages_read == pages


async def test_what_was_told_in_one_flush_is_one_message(there):
    for _ in range(5):
        there.hub.publish(one_more(there.source))
    there.hub.flush()

    ((channel, message),) = there.wire.sent
    assert channel == channel_of(ROOM)
    assert [seq for _, seq, _, _ in msgspec.msgpack.decode(message, type=Message).entries] == [1, 2, 3, 4, 5]


async def test_a_long_flush_is_told_in_messages_that_the_bus_can_carry(there):
    for _ in range(60):
        there.hub.publish(one_more(there.source, "ä" * 8000))
    there.hub.flush()

    assert len(there.wire.sent) > 1
    assert max(len(message) for _, message in there.wire.sent) <= 512 * 1024


@pytest.mark.parametrize("order", [(2, 1, 0), (1, 0, 2), (0, 0, 1, 1, 2), (2, 0, 1, 0)])
async def test_messages_that_come_in_any_order_and_twice_are_heard_once_and_in_order(here, there, order):
    reader = await here.listens()
    messages = there.says(3)

    for number in order:
        here.relay.heard(messages[number])
    await settle()

    assert reader.heard == numbers(1, 3)


async def test_what_comes_early_is_heard_when_those_before_it_have_come(here, there):
    here.hub._repairs._patience_seconds = 60  # nothing is read meanwhile
    reader = await here.listens()
    first, second = there.says(2)

    here.relay.heard(second)
    await settle()
    assert reader.heard == []

    here.relay.heard(first)
    await settle()
    assert reader.heard == numbers(1, 2)
    here.hub.end()


async def test_a_message_that_is_lost_is_made_up_for_by_the_store(here, there):
    reader = await here.listens()
    *_, last = there.says(5)

    here.relay.heard(last)
    await settle()

    assert reader.heard == numbers(1, 5)
    assert here.hub.repairs == 1


async def test_the_last_message_that_is_lost_is_found_by_comparing_heads(here, there):
    reader = await here.listens()
    there.says(2)

    await here.relay.compare()
    await settle()

    assert reader.heard == numbers(1, 2)


async def test_when_far_more_was_missed_than_fits_everyone_reads_it_for_themselves(here, there):
    reader = await here.listens()
    there.says(3 * EARLY_ENTRIES)

    await here.relay.compare()
    await settle()
    for message in there.says(2):
        here.relay.heard(message)
    await settle()

    assert reader.heard == numbers(1, 3 * EARLY_ENTRIES + 2)


async def test_more_early_events_than_may_wait_are_none_lost(here, there):
    reader = await here.listens()
    messages = there.says(EARLY_ENTRIES + 40)

    for message in reversed(messages[1:]):
        here.relay.heard(message)
    await settle()

    assert reader.heard == numbers(1, EARLY_ENTRIES + 40)


async def test_what_was_removed_before_it_was_heard_of_is_a_gap(here, there):
    reader = await here.listens()
    there.says(4)
    here.source.floor = 3

    await here.relay.compare()
    await settle()

    assert reader.heard == ["gap-3", "4"]


async def test_a_removed_range_that_reaches_beyond_what_was_heard_of_is_told_once(here, there):
    reader = await here.listens()
    reader.paused = True
    for message in there.says(2):
        here.relay.heard(message)
    await settle()
    there.says(2)  # nothing of it is heard of here
    here.source.floor = 3
    here.hub.hear_cut(ROOM, 3)

    reader.paused = False
    here.hub.resume(reader)
    await settle()

    assert reader.heard == ["gap-2", "gap-3", "4"]


async def test_who_comes_from_another_node_and_has_seen_more_goes_on_from_there(here, there):
    early = await here.listens()
    there.says(5)  # nothing of it was heard of here yet

    late = await here.listens(after=4)
    await settle()
    for message in there.says(1):
        here.relay.heard(message)
    await settle()

    assert late.heard == ["5", "6"]
    assert early.heard == numbers(1, 6)


async def test_who_begins_at_the_head_begins_at_that_of_the_store(here, there):
    """Not at the last that was heard of here: what was said before is not news to them."""
    await here.listens()
    there.says(5)

    late = await here.listens()
    there.says(1)
    await here.relay.compare()
    await settle()

    assert late.heard == ["6"]


async def test_many_who_come_at_once_ask_the_store_once(here):
    await here.listens()
    asked = here.source.heads_asked

    await asyncio.gather(*(here.listens() for _ in range(50)))

    assert here.source.heads_asked - asked <= 2


async def test_whoever_asks_while_a_question_is_under_way_is_not_given_its_answer(here, there):
    """It may have been put before what they were told of was stored."""
    await here.listens()
    first = asyncio.create_task(here.listens())
    while not here.source.asking:
        await asyncio.sleep(0)
    there.says(1)

    late = await here.listens(after=1)
    await first

    assert late.heard == []


async def test_whoever_comes_while_a_log_is_being_opened_has_what_they_were_told_of(here, there):
    """The head that it is opened with may have been read before that was stored."""
    first = asyncio.create_task(here.listens())
    while not here.source.asking:
        await asyncio.sleep(0)
    there.says(2)

    late = await here.listens(after=1)
    await settle()

    assert late.heard == ["2"]
    assert (await first).heard == numbers(1, 2)


async def test_a_cursor_that_no_node_gave_is_refused_all_the_same(here, there):
    await here.listens()
    there.says(5)

    with pytest.raises(StaleCursor):
        await here.listens(after=6)


async def test_what_is_removed_there_is_not_served_from_memory_here(here, there):
    await here.listens()
    for message in there.says(4):
        here.relay.heard(message)
    await settle()
    here.source.floor = 3
    there.hub.trimmed(Gap(log=ROOM, first=1, last=3, reason="retention"))
    there.hub.flush()
    here.relay.heard(there.wire.sent[-1][1])

    late = await here.listens(after=0)
    await settle()

    assert late.heard == ["gap-3", "4"]


async def test_what_is_removed_is_told_though_nothing_is_said_after_it(there):
    there.hub.trimmed(Gap(log=ROOM, first=1, last=3, reason="retention"))
    await settle()

    ((_, message),) = there.wire.sent
    assert msgspec.msgpack.decode(message, type=Message).cuts == [(ROOM, 3)]


async def test_what_was_in_memory_before_the_bus_was_away_is_read_again_once_it_is_back(here, there):
    reader = await here.listens()
    for message in there.says(3):
        here.relay.heard(message)
    await settle()
    here.source.floor = 2

    here.relay.bus_changed(False)
    here.relay.bus_changed(True)
    late = await here.listens(after=0)
    await settle()

    assert reader.heard == numbers(1, 3)
    assert late.heard == ["gap-2", "3"]


async def test_a_long_poll_wakes_for_what_is_stored_there(here, there):
    waiting = asyncio.create_task(here.hub.grown(ROOM, 0, 20))
    await settle()

    (message,) = there.says(1)
    here.relay.heard(message)

    async with deadline():
        await waiting


async def test_a_long_poll_wakes_for_what_only_the_store_can_tell(here, there):
    waiting = asyncio.create_task(here.hub.grown(ROOM, 0, 20))
    await settle()
    there.says(3 * EARLY_ENTRIES)

    await here.relay.compare()

    async with deadline():
        await waiting


async def test_what_is_said_in_passing_there_is_said_here(here, there):
    reader = await here.listens()

    there.hub.tell(ROOM, "mark", b"{}")
    await settle()
    here.relay.heard(there.wire.sent[-1][1])

    assert reader.heard == ["(mark", "{})"]


async def test_a_log_is_followed_before_its_head_is_read(here, there):
    """Else what is stored between is heard by nobody, and seen only when heads are compared."""
    there.says(1)
    here.wire.before_listening = lambda: there.says(1)

    reader = await here.listens(after=0)
    await settle()

    assert reader.heard == numbers(1, 2)


async def test_a_channel_is_listened_to_exactly_while_a_log_of_it_is_held(here):
    assert here.wire.listened == []
    one, other = await here.listens(), await here.listens()
    assert here.wire.listened == [channel_of(ROOM)]

    here.hub.leave(one)
    assert here.wire.unlistened == []
    here.hub.leave(other)
    assert here.wire.unlistened == [channel_of(ROOM)]

    await here.listens()
    assert here.wire.listened == [channel_of(ROOM)] * 2


async def test_a_message_of_another_version_is_passed_over_and_counted(here, there):
    reader = await here.listens()
    (message,) = there.says(1)
    longer = msgspec.msgpack.encode([*msgspec.msgpack.decode(message), "something new"])

    here.relay.heard(b"\xc1 what is this")
    here.relay.heard(msgspec.msgpack.encode({"entries": 1}))
    here.relay.heard(longer)
    await settle()

    assert here.relay.not_understood == 2
    assert reader.heard == ["1"]


async def test_nothing_is_kept_for_a_bus_that_is_away(here):
    here.wire.up = False
    here.says(3)
    here.wire.up = True
    here.hub.flush()
    assert here.wire.sent == []


async def test_heads_are_compared_at_once_when_the_bus_comes_back(here, there, monkeypatch):
    monkeypatch.setattr(relay_module, "HEADS_SECONDS", 3600)
    reader = await here.listens()
    watching = asyncio.create_task(here.relay.watch())
    await settle()
    there.says(2)

    here.relay.bus_changed(True)
    await settle()
    watching.cancel()

    assert reader.heard == numbers(1, 2)


async def test_a_bus_that_comes_back_amid_a_comparison_is_followed_by_another(here, there, monkeypatch):
    monkeypatch.setattr(relay_module, "HEADS_SECONDS", 3600)
    reader = await here.listens()
    asked, answered = asyncio.Event(), asyncio.Event()
    ask = here.source.heads

    async def heads(logs: Sequence[LogId]) -> dict[LogId, int]:
        found = await ask(logs)
        asked.set()
        await answered.wait()
        return found

    monkeypatch.setattr(here.source, "heads", heads)
    watching = asyncio.create_task(here.relay.watch())
    await settle()
    here.relay.bus_changed(True)
    await asked.wait()
    there.says(2)
    here.relay.bus_changed(True)
    answered.set()
    await settle()
    watching.cancel()

    assert reader.heard == numbers(1, 2)


async def test_heads_are_compared_again_whatever_went_wrong_the_last_time(here, there, monkeypatch):
    monkeypatch.setattr(relay_module, "POLL_SECONDS", 0)
    here.wire.up = False
    reader = await here.listens()
    failures = [RuntimeError("a bug"), OSError("something nobody knows")]
    ask = here.source.heads

    async def heads(logs: Sequence[LogId]) -> dict[LogId, int]:
        if failures:
            raise failures.pop()
        return await ask(logs)

    monkeypatch.setattr(here.source, "heads", heads)
    watching = asyncio.create_task(here.relay.watch())
    there.says(2)
    async with deadline():
        while reader.heard != numbers(1, 2):
            await asyncio.sleep(0)
    watching.cancel()


async def test_while_the_bus_is_away_heads_are_compared_over_and_over(here, there, monkeypatch):
    monkeypatch.setattr(relay_module, "HEADS_SECONDS", 3600)
    monkeypatch.setattr(relay_module, "POLL_SECONDS", 0)
    here.wire.up = False
    reader = await here.listens()
    watching = asyncio.create_task(here.relay.watch())
    for count in (1, 2, 3):
        there.says(1)
        async with deadline():
            while reader.heard != numbers(1, count):
                await asyncio.sleep(0)
    watching.cancel()


async def test_who_is_behind_waits_for_a_store_that_is_away(here, there, monkeypatch):
    monkeypatch.setattr("hubbub.hub.behind.AWAY_SECONDS", 0)
    monkeypatch.setattr("hubbub.hub.repair.AWAY_SECONDS", 0)
    there.says(2)
    reader = Reader()
    sub = await here.hub.open(reader, ROOM, 0)
    here.source.away = True
    here.hub.start(sub)
    (message,) = there.says(1)
    here.relay.heard(message)
    await settle()
    assert not reader.is_lost

    here.source.away = False
    async with deadline():
        while reader.heard != numbers(1, 3):
            await asyncio.sleep(0)


async def test_a_hole_that_is_found_while_the_store_is_away_is_mended_once_it_is_back(
    here, there, monkeypatch
):
    monkeypatch.setattr("hubbub.hub.repair.AWAY_SECONDS", 0)
    reader = await here.listens()
    _, second = there.says(2)
    here.source.away = True

    here.relay.heard(second)
    await settle()
    assert reader.heard == []
    here.source.away = False
    async with deadline():
        while not reader.heard:
            await asyncio.sleep(0)

    assert reader.heard == numbers(1, 2)


async def test_damage_among_what_was_missed_ends_who_would_have_to_read_it(here, there):
    reader = await here.listens()
    *_, last = there.says(3)
    here.source.broken = True

    here.relay.heard(last)
    await settle()

    assert reader.is_lost
    assert here.failures
