"""The promises of `storage.base.Store` about rooms, people and their sessions, held against every backend."""

import pytest

from hubbub.domain.errors import NameTaken, NoSuchRoom, NoSuchUser, WrongCredentials
from hubbub.domain.ids import SessionId, inbox_log
from hubbub.storage.base import Seed, Store

from .drafting import LOUNGE, room, session, user
from .posting import say

TOKEN, OTHER_TOKEN = b"t" * 32, b"o" * 32


# -- rooms ------------------------------------------------------------------


async def test_a_room_is_found_with_its_head(store: Store):
    created = await store.create_room(room("cellar", "The Cellar"), "the cellar")
    await say(store, LOUNGE, "a", "b")

    assert created == room("cellar", "The Cellar")
    assert await store.room("cellar") == created
    assert (await store.room("lounge")).head == 2
    assert await store.room("nowhere") is None


async def test_a_rooms_name_that_folds_alike_is_taken(store: Store):
    with pytest.raises(NameTaken) as refused:
        await store.create_room(room("other", "LOUNGE"), "lounge")

    assert refused.value.members["conflicts_with"] == "/room/lounge"
    assert await store.room("other") is None
    assert await store.head("room/other") is None


async def test_rooms_come_in_the_order_of_their_names_a_page_at_a_time(store: Store):
    for name in ("Zürich", "Äpfel", "attic two", "ATTIC 3"):
        await store.create_room(room(name[:2].encode().hex(), name), name.lower())
    await say(store, LOUNGE, "a")

    everything, more = await store.rooms(prefix="", after=None, limit=10)
    assert [r.name for r in everything] == ["Attic", "ATTIC 3", "attic two", "Lounge", "Zürich", "Äpfel"]
    assert [r.head for r in everything] == [0, 0, 0, 1, 0, 0]
    assert not more

    found, after = [], None
    while True:
        page, more = await store.rooms(prefix="", after=after, limit=2)
        found += page
        if not more:
            break
        after = page[-1].id
    assert found == everything


async def test_rooms_are_found_by_how_their_names_begin(store: Store):
    await store.create_room(room("a2", "Attic 2"), "attic 2")

    async def named(prefix, after=None, limit=10):
        rooms, more = await store.rooms(prefix=prefix, after=after, limit=limit)
        return [r.name for r in rooms], more

    assert await named("att") == (["Attic", "Attic 2"], False)
    assert await named("att", limit=1) == (["Attic"], True)
    assert await named("att", after="attic") == (["Attic 2"], False)
    assert await named("att", after="lounge") == ([], False)
    assert await named("%") == ([], False)
    with pytest.raises(NoSuchRoom):
        await named("", after="nowhere")


# -- people -----------------------------------------------------------------


async def test_a_user_has_an_inbox_and_a_credential_that_does_not_show(store: Store):
    credential = await store.credential("ada")

    assert await store.user("ada") == user("ada")
    assert await store.head(inbox_log("ada")) == 0
    assert (credential.user, credential.password_hash, credential.disabled) == ("ada", "hash of ada", False)
    assert "hash" not in repr(credential)
    assert await store.user("nobody") is None
    assert await store.credential("nobody") is None


async def test_a_users_name_is_taken_once(store: Store):
    with pytest.raises(NameTaken) as refused:
        await store.create_user(user("ada"), "another hash")

    assert refused.value.members["conflicts_with"] == "/user/ada"
    assert (await store.credential("ada")).password_hash == "hash of ada"


async def test_users_come_in_the_order_of_their_names_without_the_disabled(store: Store):
    for name in ("abe", "adam"):
        await store.create_user(user(name), "h")
    await store.disable("abe", 5)

    async def named(prefix="", after=None, limit=10):
        users, more = await store.users(prefix=prefix, after=after, limit=limit)
        return [u.name for u in users], more

    assert await named() == (["ada", "adam", "bob", "cy"], False)
    assert await named(limit=2) == (["ada", "adam"], True)
    assert await named(after="adam") == (["bob", "cy"], False)
    assert await named(prefix="ad", after="abe", limit=1) == (["ada"], True)


async def test_a_password_is_replaced_and_all_sessions_end_with_it(store: Store):
    await store.create_session(session("s1"), TOKEN)
    await store.create_session(session("s2", "bob"), OTHER_TOKEN)

    assert await store.set_password("ada", "new hash") == ["s1"]

    assert (await store.credential("ada")).password_hash == "new hash"
    assert await store.sessions("ada") == []
    assert [each.id for each in await store.sessions("bob")] == ["s2"]
    with pytest.raises(NoSuchUser):
        await store.set_password("nobody", "h")


async def test_disabling_a_user_ends_all_their_sessions_and_can_be_undone(store: Store):
    await store.create_session(session("s1"), TOKEN)
    await store.create_session(session("s2", "bob"), OTHER_TOKEN)

    await store.disable("ada", 77)

    assert (await store.user("ada")).disabled_at_ms == 77
    assert (await store.credential("ada")).disabled
    assert await store.session("s1") is None
    assert await store.session("s2") is not None

    await store.disable("ada", None)

    assert await store.user("ada") == user("ada")
    assert await store.session("s1") is None
    with pytest.raises(NoSuchUser):
        await store.disable("nobody", 1)


# -- sessions ---------------------------------------------------------------


async def test_a_session_is_found_by_its_token_and_by_its_id(store: Store):
    await store.create_session(session("s1"), TOKEN)

    assert await store.session_by_token(TOKEN) == session("s1")
    assert await store.session("s1") == session("s1")
    assert await store.session_by_token(OTHER_TOKEN) is None
    assert await store.session("s2") is None


async def test_nobody_signs_in_as_a_user_who_was_disabled_meanwhile(store: Store):
    await store.disable("ada", 5)

    for owner in ("ada", "nobody"):
        with pytest.raises(WrongCredentials):
            await store.create_session(session("s1", owner), TOKEN)


async def test_nobody_signs_in_by_a_password_that_was_replaced_meanwhile(store: Store):
    found = await store.credential("ada")
    assert found is not None
    await store.create_session(session("s1"), TOKEN, password_hash=found.password_hash)
    await store.set_password("ada", "another")

    with pytest.raises(WrongCredentials):
        await store.create_session(session("s2"), OTHER_TOKEN, password_hash=found.password_hash)

    assert await store.sessions("ada") == []


async def test_a_users_sessions_come_oldest_first(store: Store):
    for n, (id, owner, created) in enumerate([("x", "ada", 9), ("y", "ada", 4), ("z", "bob", 1)]):
        await store.create_session(session(id, owner, created=created), bytes([n]) * 32)

    assert [s.id for s in await store.sessions("ada")] == ["y", "x"]
    assert list(await store.sessions("cy")) == []


async def test_a_session_is_extended(store: Store):
    await store.create_session(session("s1", expires=10), TOKEN)
    await store.extend_session("s1", 20)
    await store.extend_session("ended meanwhile", 20)

    assert (await store.session_by_token(TOKEN)).expires_at_ms == 20


async def test_sessions_are_ended_one_by_one_or_all_of_a_user(store: Store):
    for n, owner in enumerate(("ada", "ada", "ada", "bob")):
        await store.create_session(session(f"s{n}", owner), bytes([n]) * 32)

    assert await store.end_session("s0") is True
    assert await store.end_session("s0") is False
    assert sorted(await store.end_sessions("ada")) == ["s1", "s2"]
    assert list(await store.end_sessions("ada")) == []
    assert await store.session_by_token(bytes([1]) * 32) is None
    assert [s.id for s in await store.sessions("bob")] == ["s3"]


async def test_sweeping_removes_the_sessions_that_have_expired(store: Store):
    for n, expires in enumerate((10, 20, 30)):
        await store.create_session(session(f"s{n}", expires=expires), bytes([n]) * 32)

    assert await store.sweep_sessions(9) == 0
    assert await store.sweep_sessions(20) == 2
    assert [s.id for s in await store.sessions("ada")] == ["s2"]


# -- seeding ----------------------------------------------------------------


def seed(name: str = "dora", room_name: str = "Pantry") -> Seed:
    return Seed(
        users=[(user("eve"), "h1"), (user(name), "h2")],
        sessions=[(session("s1", "eve"), TOKEN)],
        rooms=[(room("pantry", room_name), room_name.lower())],
    )


async def test_a_seed_puts_people_sessions_and_rooms_in_at_once(store):
    await store.seed(seed())

    assert (await store.session_by_token(TOKEN)).user == "eve"
    assert await store.head(inbox_log("dora")) == 0
    assert await store.head("room/pantry") == 0


@pytest.mark.parametrize("clashing", [seed(name="bob"), seed(room_name="Lounge")], ids=["user", "room"])
async def test_a_seed_with_a_taken_name_leaves_nothing_behind(store, clashing: Seed):
    with pytest.raises(NameTaken):
        await store.seed(clashing)

    assert await store.user("eve") is None
    assert await store.session_by_token(TOKEN) is None
    assert await store.room("pantry") is None


async def test_many_sessions_are_looked_up_at_once(store: Store):
    await store.create_session(session("s1"), b"1" * 32)
    await store.create_session(session("s2"), b"2" * 32)

    assert await store.those([SessionId("s2"), SessionId("gone"), SessionId("s1")]) == {
        "s1": session("s1"),
        "s2": session("s2"),
    }
    assert await store.those([]) == {}
