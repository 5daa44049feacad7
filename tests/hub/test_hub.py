"""Live delivery against a store and readers that live in memory."""

import asyncio
from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hubbub.domain.errors import NoSuchRoom, ShuttingDown, StaleCursor
from hubbub.domain.events import Event, Gap
from hubbub.domain.ids import LogId, MessageId, UserId, room_log
from hubbub.hub import Hub, Subscription
from hubbub.hub.log import RING_ENTRIES
from hubbub.protocol.framing import Entry

ROOM = room_log("lounge")


class Plain:
    """A framing that counts how often it was asked to join."""

    def __init__(self) -> None:
        self.joins = 0

    overhead = 0

    def join(self, log: LogId, entries: Sequence[Entry]) -> bytes:
        self.joins += 1
        return b"".join(b"%d " % e.seq if e.kind != "gap" else b"gap-%d " % e.seq for e in entries)

    def aside(self, kind: str, json: bytes) -> bytes:
        return b"(%b %b) " % (kind.encode(), json)


PLAIN = Plain()


class Reader:
    def __init__(self, framing: Plain = PLAIN) -> None:
        self.framing = framing
        self.paused = False
        self.subscriptions: tuple[Subscription, ...] = ()
        self.writes: list[bytes] = []
        self.is_lost = False
        self.pauses_after: int | None = None

    def write(self, data: bytes) -> None:
        assert not self.paused, "nobody writes to a full socket"
        self.writes.append(data)
        if self.pauses_after is not None and len(self.writes) >= self.pauses_after:
            self.paused = True

    def lost(self) -> None:
        self.is_lost = True

    @property
    def heard(self) -> list[str]:
        return b"".join(self.writes).decode().split()


class Broken(Reader):
    """One whose transport breaks its promise never to raise."""

    def write(self, data: bytes) -> None:
        raise RuntimeError("no transport should")


class Page(msgspec.Struct):
    events: list[Event]
    head: int
    gap: Gap | None = None
    more: bool = False


class Source:
    """A store of one log; `waits` makes its answers come a turn later, as a database's do."""

    def __init__(self, *, waits: bool = False) -> None:
        self.events: list[Event] = []
        self.floor = 0
        self.waits = waits
        self.pages_read = 0
        self.broken = False

    async def head(self, log: LogId) -> int | None:
        if self.waits:
            await asyncio.sleep(0)
        return len(self.events) if log == ROOM else None

    async def page(self, log: LogId, *, after: int) -> Page:
        if self.broken:
            raise OSError("the disk is gone")
        self.pages_read += 1
        found = self.events[max(after, self.floor) :][:500]
        if self.waits:
            await asyncio.sleep(0)
        gap = (
            Gap(log=log, first=after + 1, last=self.floor, reason="retention") if after < self.floor else None
        )
        return Page(found, len(self.events), gap, bool(found) and found[-1].seq < len(self.events))

    async def heads(self, logs: Sequence[LogId]) -> dict[LogId, int]:
        return {log: len(self.events) for log in logs if log == ROOM}


class House:
    def __init__(self, *, waits: bool = False) -> None:
        self.source = Source(waits=waits)
        self.failures: list[BaseException] = []
        self.hub = Hub(self.source, failed=self.failures.append, patience_seconds=0)

    def says(self, count: int = 1, *, text: str = "x", flush: bool = True) -> None:
        for _ in range(count):
            event = Event(
                log=ROOM,
                seq=len(self.source.events) + 1,
                id=MessageId("m"),
                kind="message",
                sender=UserId("ada"),
                to=None,
                text=text,
                key=None,
                sent_at_ms=0,
            )
            self.source.events.append(event)
            self.hub.publish(event)
        if flush:
            self.hub.flush()

    async def listens(self, after: int | None = None, reader: Reader | None = None) -> Reader:
        reader = reader or Reader()
        self.hub.start(await self.hub.open(reader, ROOM, after))
        return reader

    async def settles(self) -> None:
        for _ in range(200):
            await asyncio.sleep(0)


def numbers(first: int, last: int) -> list[str]:
    return [str(seq) for seq in range(first, last + 1)]


@pytest.fixture(params=[False, True], ids=["a store that answers at once", "a store that takes a turn"])
def house(request: pytest.FixtureRequest) -> House:
    return House(waits=request.param)


async def test_who_listens_from_the_head_hears_what_is_said_from_now_on(house: House) -> None:
    house.says(3)
    reader = await house.listens()
    house.says(2)
    assert reader.heard == ["4", "5"]


async def test_who_comes_back_with_a_cursor_hears_what_was_missed_and_then_what_is_new(house: House) -> None:
    house.says(5)
    reader = await house.listens(after=2)
    house.says(1)
    await house.settles()
    house.says(1)
    assert reader.heard == numbers(3, 7)


async def test_everyone_is_written_the_same_bytes_joined_once(house: House) -> None:
    framing = Plain()
    readers = [await house.listens(reader=Reader(framing)) for _ in range(20)]
    house.says(7, flush=False)
    house.hub.flush()
    assert framing.joins == 1
    assert all(len(reader.writes) == 1 for reader in readers)
    assert len({id(reader.writes[0]) for reader in readers}) == 1
    assert house.hub.deliveries == 20 * 7


async def test_a_full_socket_is_not_written_to_and_misses_nothing(house: House) -> None:
    slow, quick = await house.listens(), await house.listens()
    house.says(1)
    slow.paused = True
    house.says(3)
    assert slow.heard == ["1"]
    assert quick.heard == numbers(1, 4)
    assert house.hub.behind == 1
    slow.paused = False
    house.hub.resume(slow)
    await house.settles()
    house.says(1)
    assert slow.heard == numbers(1, 5)
    assert house.hub.behind == 0


async def test_everyone_at_the_head_is_told_in_passing_and_misses_no_event(house: House) -> None:
    readers = [await house.listens() for _ in range(3)]
    house.says(1)
    house.hub.tell(ROOM, "mark", b"1")
    house.says(1)
    assert [reader.heard for reader in readers] == [["1", "(mark", "1)", "2"]] * 3
    assert house.hub.behind == 0


async def test_a_full_socket_is_passed_over_by_what_is_told_in_passing(house: House) -> None:
    slow = await house.listens()
    slow.paused = True
    house.hub.tell(ROOM, "mark", b"1")
    assert slow.heard == []
    house.says(1)
    slow.paused = False
    house.hub.resume(slow)
    await house.settles()
    house.hub.tell(ROOM, "mark", b"2")
    assert slow.heard == ["1", "(mark", "2)"]


async def test_nothing_is_told_in_passing_of_another_log_or_after_leaving(house: House) -> None:
    reader = await house.listens()
    house.hub.tell(room_log("kitchen"), "mark", b"1")
    assert reader.heard == []
    house.hub.close(reader.subscriptions[0])
    house.hub.tell(ROOM, "mark", b"1")
    assert reader.heard == []


async def test_who_is_far_behind_reads_from_the_store(house: House) -> None:
    slow = await house.listens()
    slow.paused = True
    house.says(RING_ENTRIES * 3)
    assert house.source.pages_read == 0
    slow.paused = False
    house.hub.resume(slow)
    await house.settles()
    assert slow.heard == numbers(1, RING_ENTRIES * 3)
    assert house.source.pages_read > 0


async def test_who_is_a_little_behind_costs_the_store_nothing(house: House) -> None:
    slow = await house.listens()
    slow.paused = True
    house.says(RING_ENTRIES // 2)
    slow.paused = False
    house.hub.resume(slow)
    await house.settles()
    assert slow.heard == numbers(1, RING_ENTRIES // 2)
    assert house.source.pages_read == 0


async def test_a_reader_who_never_drains_holds_nothing_in_memory(house: House) -> None:
    slow = await house.listens()
    slow.paused = True
    for _ in range(50):
        house.says(100, text="y" * 1000)
    log = slow.subscriptions[0].log
    assert slow.writes == []
    assert len(log.ring) <= RING_ENTRIES
    assert log.ring_bytes <= 256 * 1024
    assert log.fresh == []


async def test_what_one_reader_is_handed_at_a_time_is_bounded(house: House) -> None:
    house.says(500, text="y" * 10_000)
    reader = Reader()
    reader.pauses_after = 1
    await house.listens(after=0, reader=reader)
    await house.settles()
    assert len(reader.heard) < 20
    reader.pauses_after = None
    reader.paused = False
    house.hub.resume(reader)
    await house.settles()
    assert reader.heard == numbers(1, 500)


async def test_who_reads_quickly_is_handed_a_whole_page_in_chunks_for_one_look_at_the_store(
    house: House,
) -> None:
    house.says(500, text="y" * 10_000)
    reader = await house.listens(after=0)
    await house.settles()
    assert reader.heard == numbers(1, 500)
    assert len(reader.writes) > 50
    assert house.source.pages_read == 1


async def test_a_large_flush_is_cut_so_that_a_full_socket_stops_it(house: House) -> None:
    reader = Reader()
    reader.pauses_after = 1
    await house.listens(reader=reader)
    house.says(100, text="y" * 10_000, flush=False)
    house.hub.flush()
    assert len(reader.heard) < 20
    reader.pauses_after = None
    reader.paused = False
    house.hub.resume(reader)
    await house.settles()
    assert reader.heard == numbers(1, 100)


async def test_nothing_falls_between_catching_up_and_going_live(house: House) -> None:
    house.says(10)
    reader = Reader()
    subscription = await house.hub.open(reader, ROOM, 0)
    house.says(2)  # between opening and starting
    house.hub.start(subscription)
    for _ in range(5):
        house.says(1)
        await asyncio.sleep(0)
    await house.settles()
    assert reader.heard == numbers(1, 17)


async def test_events_said_but_not_flushed_are_not_heard_twice(house: House) -> None:
    await house.listens()  # somebody is there, so that the log is in memory
    house.says(3, flush=False)
    from_head, from_start = await house.listens(), await house.listens(after=0)
    house.hub.flush()
    await house.settles()
    house.says(1)
    assert from_head.heard == ["4"]
    assert from_start.heard == numbers(1, 4)


async def test_a_subscription_that_was_not_started_hears_nothing_even_when_its_socket_drains(
    house: House,
) -> None:
    house.says(3)
    reader = Reader()
    subscription = await house.hub.open(reader, ROOM, 0)
    house.hub.resume(reader)
    await house.settles()
    assert reader.heard == []
    house.hub.start(subscription)
    await house.settles()
    assert reader.heard == numbers(1, 3)


async def test_who_leaves_hears_no_more(house: House) -> None:
    reader, other = await house.listens(), await house.listens()
    house.hub.leave(reader)
    house.says(1)
    assert reader.heard == []
    assert other.heard == ["1"]


async def test_who_wants_a_log_no_longer_hears_no_more_of_it(house: House) -> None:
    reader, other = await house.listens(), await house.listens()
    house.says(1)
    house.hub.close(reader.subscriptions[0])
    house.says(1)
    assert (reader.heard, other.heard) == (["1"], ["1", "2"])
    assert reader.subscriptions == ()
    house.hub.leave(other)
    assert house.hub.logs_in_memory == 0


async def test_who_leaves_while_catching_up_is_not_written_to(house: House) -> None:
    house.says(RING_ENTRIES * 2)
    reader = await house.listens(after=0)
    house.hub.leave(reader)
    before = len(reader.writes)
    await house.settles()
    assert len(reader.writes) == before
    assert house.hub.behind == 0


async def test_a_log_nobody_listens_to_is_not_in_memory(house: House) -> None:
    reader = await house.listens()
    house.says(2, flush=False)
    house.hub.leave(reader)
    house.hub.flush()
    assert house.hub.logs_in_memory == 0


async def test_a_removed_range_is_named(house: House) -> None:
    house.says(10)
    house.source.floor = 6
    reader = await house.listens(after=2)
    await house.settles()
    assert reader.heard == ["gap-6", *numbers(7, 10)]


async def test_what_was_removed_is_not_served_from_memory_either(house: House) -> None:
    await house.listens()
    house.says(10)
    house.source.floor = 6
    house.hub.trimmed(Gap(log=ROOM, first=1, last=6, reason="retention"))
    reader = await house.listens(after=2)
    await house.settles()
    assert reader.heard == ["gap-6", *numbers(7, 10)]


async def test_events_this_server_was_not_told_of_are_read_from_the_store(house: House) -> None:
    reader = await house.listens()
    house.says(1)
    silent = House()
    silent.source = house.source
    silent.says(4)  # stored by another node, and the news of it was lost
    house.says(1)
    await house.settles()
    assert reader.heard == numbers(1, 6)


async def test_what_the_store_had_before_this_server_was_told_is_not_heard_twice(house: House) -> None:
    reader = await house.listens()
    reader.paused = True
    house.says(RING_ENTRIES * 2)
    silent = House()
    silent.source = house.source
    silent.says(3)  # stored by another node; the news is still on its way when the reader catches up
    reader.paused = False
    house.hub.resume(reader)
    await house.settles()
    house.says(1)
    await house.settles()
    assert reader.heard == numbers(1, RING_ENTRIES * 2 + 4)


async def test_news_told_twice_is_heard_once(house: House) -> None:
    reader = await house.listens()
    house.says(2)
    house.hub.publish(house.source.events[0])
    house.hub.publish(house.source.events[1])
    house.hub.flush()
    assert reader.heard == ["1", "2"]


async def test_a_cursor_beyond_the_head_is_refused_and_leaves_nothing_behind(house: House) -> None:
    house.says(3)
    with pytest.raises(StaleCursor):
        await house.hub.open(Reader(), ROOM, 4)
    assert house.hub.logs_in_memory == 0
    assert house.hub.behind == 0


async def test_a_room_that_does_not_exist_is_refused_and_leaves_nothing_behind(house: House) -> None:
    with pytest.raises(NoSuchRoom):
        await house.hub.open(Reader(), room_log("nowhere"), None)
    assert house.hub.logs_in_memory == 0


async def test_when_the_past_cannot_be_read_the_reader_is_sent_away_and_others_stay(house: House) -> None:
    house.says(RING_ENTRIES * 2)
    live = await house.listens()
    house.source.broken = True
    reader = await house.listens(after=0)
    await house.settles()
    assert reader.is_lost
    assert len(house.failures) == 1
    house.says(1)
    assert live.heard == [str(RING_ENTRIES * 2 + 1)]


async def test_trouble_with_one_reader_who_is_behind_leaves_the_others_to_read_on(house: House) -> None:
    house.says(RING_ENTRIES * 2)
    broken = Broken()
    house.hub.start(await house.hub.open(broken, ROOM, 0))
    other = await house.listens(after=0)
    await house.settles()
    assert broken.is_lost
    assert len(house.failures) == 1
    assert len(other.heard) == RING_ENTRIES * 2


async def test_whoever_waits_is_woken_by_the_next_event(house: House) -> None:
    house.says(1)
    waiting = asyncio.ensure_future(house.hub.grown(ROOM, 1, 60))
    await house.settles()
    assert not waiting.done()
    house.says(1)
    await house.settles()
    assert waiting.done()
    await waiting
    await house.hub.grown(ROOM, 1, 60)  # it is there already
    assert house.hub.logs_in_memory == 0


async def test_nobody_waits_who_came_after_all_were_sent_away(house: House) -> None:
    """A request may have begun before, and come to wait when nobody would tell it any more."""
    house.says(1)
    waiting = asyncio.ensure_future(house.hub.grown(ROOM, 1, 60))
    await house.settles()
    house.hub.dismiss(ShuttingDown)
    for late in (waiting, house.hub.grown(ROOM, 1, 60)):
        with pytest.raises(ShuttingDown):
            await late
    await house.hub.grown(ROOM, 0, 60)  # there is something, and no need to wait
    assert house.hub.logs_in_memory == 0


async def test_waiting_ends_when_the_time_is_up(house: House) -> None:
    await house.hub.grown(ROOM, 0, 0.001)
    assert house.hub.logs_in_memory == 0


steps = st.lists(
    st.one_of(
        st.tuples(st.just("say"), st.integers(1, 40)),
        st.tuples(st.just("pause"), st.integers(0, 3)),
        st.tuples(st.just("drain"), st.integers(0, 3)),
        st.tuples(st.just("return"), st.integers(0, 3)),
        st.tuples(st.just("turn"), st.integers(1, 3)),
    ),
    max_size=60,
)


@settings(max_examples=150, deadline=None)
@given(steps, st.booleans())
def test_whatever_happens_everyone_hears_all_once_and_in_order(
    steps: list[tuple[str, int]], waits: bool
) -> None:
    async def play() -> None:
        house = House(waits=waits)
        readers = [await house.listens(after=0) for _ in range(4)]
        before: list[list[str]] = [[] for _ in readers]
        for what, which in steps:
            if what == "say":
                house.says(which)
            elif what == "pause":
                readers[which].paused = True
            elif what == "drain":
                readers[which].paused = False
                house.hub.resume(readers[which])
            elif what == "return":
                gone = readers[which]
                house.hub.leave(gone)
                before[which] += gone.heard
                readers[which] = await house.listens(after=len(before[which]))
            else:
                for _ in range(which):
                    await asyncio.sleep(0)
        for reader in readers:
            reader.paused = False
            house.hub.resume(reader)
        await house.settles()
        everything = numbers(1, len(house.source.events))
        for heard, reader in zip(before, readers, strict=True):
            assert heard + reader.heard == everything
        assert house.hub.behind == 0

    asyncio.run(play())


async def test_a_log_that_nobody_listens_to_any_more_holds_no_memory(house: House) -> None:
    reader = await house.listens()
    house.says(10)
    assert house.hub.memory_bytes > 0

    house.hub.leave(reader)

    assert house.hub.memory_bytes == 0
