"""Reading back."""

import asyncio
from collections.abc import Callable

import pytest

from hubbub.domain.errors import BadInput, NoSuchMessage, NoSuchRoom, NoSuchUser, StaleCursor
from hubbub.domain.events import Draft
from hubbub.domain.ids import LogId, MessageId, RoomId, UserId, inbox_log, room_log
from hubbub.domain.model import Room, User
from hubbub.hub import Hub
from hubbub.service.history import History
from hubbub.storage.base import Outcome, Page, Store
from support.clock import Clock

ADA, BOB, EVE = UserId("ada"), UserId("bob"), UserId("eve")
LOUNGE = RoomId("lounge")
ROOM = room_log(LOUNGE)


class House:
    def __init__(self, store: Store, clock: Clock) -> None:
        self.store = store
        self.hub = Hub(store)
        self.history = History(store, self.hub, monotonic=clock.monotonic, epoch=store.info.epoch)

    def says(self, place: LogId, sender: UserId, *texts: str) -> None:
        def published(outcomes: object) -> None:
            for outcome in outcomes:  # type: ignore[attr-defined]
                for event in outcome.events:
                    self.hub.publish(event)
            self.hub.flush()

        drafts = [
            Draft(place=place, sender=sender, id=MessageId(text), text=text, key=None, sent_at_ms=0)
            for text in texts
        ]
        done: Callable[[list[Outcome]], None] = published
        self.store.append(drafts, done)  # type: ignore[arg-type]


@pytest.fixture
async def house(store: Store, clock: Clock) -> House:
    for name in (ADA, BOB, EVE):
        await store.create_user(User(name=name, created_at_ms=0), "no hash")
    await store.create_room(Room(id=LOUNGE, name="Lounge", created_at_ms=0, created_by=ADA, head=0), "lounge")
    return House(store, clock)


def texts(page: Page) -> list[str]:
    return [event.text for event in page.events]


async def test_without_a_cursor_the_newest_come_oldest_first(house: House) -> None:
    house.says(ROOM, ADA, *"abcde")
    page = await house.history.room(LOUNGE, limit=2)
    assert texts(page) == ["d", "e"]
    assert (page.head, page.more) == (5, True)


async def test_after_a_cursor_the_oldest_unseen_come_first_and_nothing_is_left_out(house: House) -> None:
    house.says(ROOM, ADA, *"abcde")
    seen: list[str] = []
    cursor = f"{house.store.info.epoch}:0"
    while True:
        page = await house.history.room(LOUNGE, after=cursor, limit=2)
        seen += texts(page)
        if not page.more:
            break
        cursor = str(page.events[-1].seq)
    assert seen == list("abcde")


async def test_before_a_cursor_the_newest_before_it_come(house: House) -> None:
    house.says(ROOM, ADA, *"abcde")
    assert texts(await house.history.room(LOUNGE, before="4", limit=2)) == ["b", "c"]
    assert texts(await house.history.room(LOUNGE, before="6", limit=2)) == ["d", "e"]


async def test_an_inbox_lists_what_was_posted_to_its_owner_only(house: House) -> None:
    house.says(inbox_log(BOB), ADA, "to bob")
    house.says(inbox_log(ADA), BOB, "to ada")
    house.says(inbox_log(ADA), EVE, "eve to ada")
    page = await house.history.inbox(ADA)
    assert texts(page) == ["to ada", "eve to ada"]
    assert [event.seq for event in page.events] == [2, 3]  # 1 is ada's copy of what she sent


async def test_a_conversation_is_both_ways_and_nobody_elses(house: House) -> None:
    house.says(inbox_log(BOB), ADA, "hi bob")
    house.says(inbox_log(ADA), EVE, "hi ada, eve here")
    house.says(inbox_log(ADA), BOB, "hi ada")
    assert texts(await house.history.conversation(ADA, BOB)) == ["hi bob", "hi ada"]
    assert texts(await house.history.conversation(BOB, ADA)) == ["hi bob", "hi ada"]
    assert texts(await house.history.conversation(EVE, BOB)) == []


async def test_a_conversation_with_oneself_says_everything_once(house: House) -> None:
    house.says(inbox_log(ADA), ADA, "note to self")
    assert texts(await house.history.conversation(ADA, ADA)) == ["note to self"]
    assert texts(await house.history.inbox(ADA)) == ["note to self"]


async def test_one_message_is_found_by_its_number(house: House) -> None:
    house.says(ROOM, ADA, "a", "b")
    assert (await house.history.message(LOUNGE, 2)).text == "b"
    with pytest.raises(NoSuchMessage):
        await house.history.message(LOUNGE, 3)
    with pytest.raises(NoSuchRoom):
        await house.history.message(RoomId("nowhere"), 1)


async def test_a_direct_message_is_found_in_ones_own_inbox_only(house: House) -> None:
    house.says(inbox_log(BOB), ADA, "psst")
    assert (await house.history.direct_message(BOB, 1)).kind == "message"
    assert (await house.history.direct_message(ADA, 1)).kind == "sent"
    with pytest.raises(NoSuchMessage):
        await house.history.direct_message(EVE, 1)


@pytest.mark.parametrize("cursor", ["another:1", "6", "here:6"])
async def test_a_cursor_that_is_not_of_this_history_is_stale(house: House, cursor: str) -> None:
    house.says(ROOM, ADA, *"abcde")
    with pytest.raises(StaleCursor):
        await house.history.room(LOUNGE, after=cursor.replace("here", house.store.info.epoch))


async def test_wrong_questions_are_refused(house: House) -> None:
    with pytest.raises(BadInput):
        await house.history.room(LOUNGE, after="0", before="1")
    with pytest.raises(BadInput):
        await house.history.room(LOUNGE, limit=0)
    with pytest.raises(BadInput):
        await house.history.room(LOUNGE, limit=501)
    with pytest.raises(NoSuchRoom):
        await house.history.room(RoomId("nowhere"))
    with pytest.raises(NoSuchUser):
        await house.history.conversation(ADA, UserId("nobody"))


async def test_a_long_poll_answers_as_soon_as_there_is_something(house: House) -> None:
    house.says(ROOM, ADA, "a")
    polling = asyncio.ensure_future(house.history.room(LOUNGE, after="1", wait_seconds=60))
    for _ in range(10):
        await asyncio.sleep(0)
    assert not polling.done()
    house.says(ROOM, BOB, "b")
    assert texts(await polling) == ["b"]


async def test_a_long_poll_for_direct_messages_is_not_answered_by_ones_own_copies(house: House) -> None:
    polling = asyncio.ensure_future(house.history.inbox(ADA, after="0", wait_seconds=60))
    for _ in range(10):
        await asyncio.sleep(0)
    house.says(inbox_log(BOB), ADA, "to bob")
    for _ in range(10):
        await asyncio.sleep(0)
    assert not polling.done()
    house.says(inbox_log(ADA), BOB, "to ada")
    assert texts(await polling) == ["to ada"]


async def test_a_long_poll_answers_nothing_when_the_time_is_up(house: House, clock: Clock) -> None:
    polling = asyncio.ensure_future(house.history.room(LOUNGE, after="0", wait_seconds=0.001))
    for _ in range(10):
        await asyncio.sleep(0)
    clock.pass_(1)
    assert texts(await polling) == []
