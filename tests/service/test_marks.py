"""How far people have read: what is refused, and who is told."""

import json

import pytest

from hubbub.domain.errors import BadInput, NoSuchRoom, NoSuchUser, StaleCursor
from hubbub.domain.ids import UserId, inbox_log, room_log
from hubbub.service.marks import Marks
from storage.drafting import draft, post, say

from .test_rooms import of

ADA, BOB = UserId("ada"), UserId("bob")


class Ears:
    """Of a hub only what marks need of it: what was told, and to whom."""

    def __init__(self):
        self.told = []

    def tell(self, log, kind, frame):
        assert kind == "mark"
        self.told.append((log, json.loads(frame)))


@pytest.fixture
def ears():
    return Ears()


@pytest.fixture
def marks(store, ears):
    return Marks(store, ears)


@pytest.fixture
async def room(accounts, rooms, store):
    for name in ("ada", "bob"):
        await accounts.sign_up(name, "correct horse", address="192.0.2.1")
    room = await rooms.create("Lounge", of("ada"))
    say(store, room_log(room.id), "a", "b", "c")
    post(store, draft(inbox_log(ADA), "psst", sender="bob"))
    return room.id


async def test_only_the_readers_own_inbox_is_told_that_a_mark_moved(marks, room, ears):
    await marks.read_room(ADA, room, 2)
    await marks.read_person(ADA, BOB, 1)
    await marks.unfollow(ADA, room)
    assert ears.told == [
        ("inbox/ada", {"type": "mark", "room": room, "seq": 2}),
        ("inbox/ada", {"type": "mark", "user": "bob", "seq": 1}),
        ("inbox/ada", {"type": "mark", "room": room}),
    ]


async def test_a_mark_that_stays_where_it_is_is_not_told(marks, room, ears):
    assert await marks.read_room(ADA, room, 2) == 2
    ears.told.clear()
    assert await marks.read_room(ADA, room, 2) == 2
    assert await marks.read_room(ADA, room, 1) == 2
    await marks.unfollow(BOB, room)
    assert ears.told == []


async def test_nobody_can_have_read_what_was_never_posted(marks, room, ears):
    with pytest.raises(StaleCursor) as refused:
        await marks.read_room(ADA, room, 4)
    assert refused.value.members["head"] == 3
    with pytest.raises(StaleCursor):
        await marks.read_person(ADA, BOB, 2)
    with pytest.raises(BadInput):
        await marks.read_room(ADA, room, -1)
    assert ears.told == []
    assert await marks.followed(ADA) == ([], False)


@pytest.mark.parametrize("id", ["nosuchroom00", "", "\ud800", "room/1"])
async def test_what_is_no_room_has_no_mark(marks, room, id):
    with pytest.raises(NoSuchRoom):
        await marks.read_room(ADA, id, 0)
    with pytest.raises(NoSuchRoom):
        await marks.unfollow(ADA, id)


async def test_there_is_no_mark_with_nobody(marks, room):
    with pytest.raises(NoSuchUser):
        await marks.read_person(ADA, UserId("nobody"), 0)


async def test_a_page_has_a_limit_there_is(marks, room):
    for limit in (0, 501):
        with pytest.raises(BadInput):
            await marks.followed(ADA, limit=limit)
        with pytest.raises(BadInput):
            await marks.conversations(ADA, limit=limit)


@pytest.mark.parametrize("after", ["", "\0", "a b", "é", "x" * 33])
async def test_conversations_go_on_after_a_name(marks, room, after):
    """A database may not even take what is none, and logs it with all that was asked."""
    with pytest.raises(BadInput):
        await marks.conversations(ADA, after=after)
    assert await marks.conversations(ADA, after="Nobody") == ([], False)
