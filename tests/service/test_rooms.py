"""Opening rooms and finding them."""

import re

import pytest

from hubbub.domain.errors import BadInput, NameTaken, NoSuchRoom, TooFast
from hubbub.domain.ids import SessionId, UserId
from hubbub.domain.model import Session
from hubbub.service.limits import DEFAULTS

PER_USER = DEFAULTS["rooms"].quota


def of(user):
    return Session(id=SessionId("s-" + user), user=UserId(user), created_at_ms=0, expires_at_ms=1 << 50)


@pytest.fixture
async def ada(accounts):
    await accounts.sign_up("ada", "correct horse", address="192.0.2.1")
    return of("ada")


async def test_a_new_room_is_found_by_its_id(rooms, ada, clock):
    room = await rooms.create("  Lounge ", ada)
    assert (room.name, room.created_by, room.head) == ("Lounge", "ada", 0)
    assert room.created_at_ms == clock.now_ms()
    assert re.fullmatch(r"[0-9a-hjkmnp-tv-z]{12}", room.id)
    assert await rooms.get(room.id) == room


@pytest.mark.parametrize("id", ["nosuchroom00", "", "\ud800", "no such", "é", "x" * 100, "room/1"])
async def test_what_is_no_room_is_not_found(rooms, id):
    with pytest.raises(NoSuchRoom):
        await rooms.get(id)


@pytest.mark.parametrize("name", ["", "   ", "x" * 81, "a\u202eb"])
async def test_a_bad_name_opens_no_room(rooms, ada, name):
    with pytest.raises(BadInput):
        await rooms.create(name, ada)
    assert not (await rooms.list())[0]


@pytest.mark.parametrize("again", ["Straße", "STRASSE", "ｓｔｒａｓｓｅ", " strasse "])
async def test_a_name_is_unique_without_regard_to_case_and_form(rooms, ada, again):
    first = await rooms.create("Straße", ada)
    with pytest.raises(NameTaken) as refused:
        await rooms.create(again, ada)
    assert refused.value.members["conflicts_with"] == f"/room/{first.id}"


async def test_rooms_are_listed_by_name_and_paged(rooms, ada):
    for name in ("delta", "Alpha", "charlie", "Bravo"):
        await rooms.create(name, ada)
    first, more = await rooms.list(limit=3)
    assert [room.name for room in first] == ["Alpha", "Bravo", "charlie"]
    assert more
    rest, more = await rooms.list(after=first[-1].id, limit=3)
    assert [room.name for room in rest] == ["delta"]
    assert not more


async def test_a_prefix_finds_rooms_without_regard_to_case(rooms, ada):
    for name in ("Straße 1", "strasse 2", "Stadt", "100%", "100 men"):
        await rooms.create(name, ada)
    assert [room.name for room in (await rooms.list("STRASS"))[0]] == ["Straße 1", "strasse 2"]
    assert [room.name for room in (await rooms.list("100%"))[0]] == ["100%"]


async def test_a_list_that_starts_after_no_room_is_refused(rooms):
    with pytest.raises(NoSuchRoom):
        await rooms.list(after="nosuchroom00")


@pytest.mark.parametrize("limit", [0, -1, 501])
async def test_a_list_has_between_one_and_500_rooms(rooms, limit):
    with pytest.raises(BadInput):
        await rooms.list(limit=limit)


async def test_one_user_opens_so_many_rooms_and_no_more(rooms, accounts, ada, clock):
    for number in range(PER_USER):
        await rooms.create(f"room {number}", ada)
    with pytest.raises(TooFast):
        await rooms.create("one more", ada)
    await accounts.sign_up("bob", "correct horse", address="192.0.2.1")
    assert await rooms.create("one more", of("bob"))
    clock.pass_(DEFAULTS["rooms"].window_seconds / PER_USER)
    assert await rooms.create("and another", ada)


async def test_only_rooms_that_were_made_count(rooms, ada):
    await rooms.create("lounge", ada)
    for _ in range(PER_USER * 2):
        with pytest.raises(NameTaken):
            await rooms.create("Lounge", ada)
    assert await rooms.create("kitchen", ada)
