"""A store whose rooms were named under an older rule for which names are the same comes under today's."""

import unicodedata

import asyncpg
import pytest
from msgspec.structs import replace

from hubbub.domain.errors import NameTaken
from hubbub.domain.model import Room
from hubbub.domain.policy import _UNSEEN, MAX_ROOM_NAME_CHARACTERS, folded, room_name
from hubbub.storage import sqlite
from hubbub.storage.errors import StoreUnusable
from hubbub.storage.names import Named, settled
from hubbub.storage.postgres import naming as postgres_naming
from hubbub.storage.postgres import opening
from hubbub.storage.sqlite import naming as sqlite_naming
from hubbub.verify import Walk

from .drafting import room

EVERY_CHARACTER = "".join(chr(code) for code in range(1, 0x110000) if not 0xD800 <= code < 0xE000)
HEART = "\u2764\ufe0f"


def folded_before(name: str) -> str:
    once = unicodedata.normalize("NFKC", name).casefold()
    return " ".join(unicodedata.normalize("NFKC", once).split())


@pytest.fixture
def older(monkeypatch, open_store):
    """A store of the form before, with rooms of these names, made one after the other in this order."""

    async def make(*given: str) -> None:
        with monkeypatch.context() as patch:
            sqlite_steps, postgres_steps = sqlite.store.steps(), opening.steps()
            patch.setattr(sqlite.store, "steps", lambda: sqlite_steps[: sqlite_naming.NAMED - 1])
            patch.setattr(opening, "steps", lambda: postgres_steps[: postgres_naming.NAMED - 1])
            store = await open_store()
        for number, name in enumerate(given):
            await store.create_room(made(name, number), folded_before(name))
        await store.close()

    return make


def made(name: str, number: int) -> Room:
    """Ids are not in the order of age."""
    return replace(room(f"r{9 - number}", name), created_at_ms=number)


async def shown(store) -> list[str]:
    """The names of the rooms, the oldest first."""
    rooms, _ = await store.rooms(prefix="", after=None, limit=100)
    return [found.name for found in sorted(rooms, key=lambda found: found.created_at_ms)]


async def test_rooms_of_an_older_store_are_found_by_the_names_they_are_known_by_now(older, open_store, audit):
    await older("Lounge", f"{HEART} Art", "Caf\u00e9")

    store = await open_store()

    assert await shown(store) == ["Lounge", f"{HEART} Art", "Caf\u00e9"]
    for typed in ("\u2764 ar", f"{HEART} ART", "caf\u00e9", "lou"):
        rooms, _ = await store.rooms(prefix=folded(typed), after=None, limit=100)
        assert len(rooms) == 1, typed
    for taken in (HEART + " art", "\u2764 Art", "Caf\u00e9\u200d"):
        with pytest.raises(NameTaken):
            await store.create_room(room("new", taken), folded(taken))
    await store.close()
    await whole(audit)


async def test_rooms_of_an_older_store_that_are_called_the_same_now_get_numbers(older, open_store, audit):
    given = ("Lounge\u200d", "Lounge", "lounge\ufe0f", "LOUNGE (2)\u034f", "\u3164", "room", "Attic")
    await older(*given)

    store = await open_store()

    assert await shown(store) == [
        "Lounge\u200d",
        "Lounge (3)",
        "lounge\ufe0f (4)",
        "LOUNGE (2)\u034f",
        "Room (2)",
        "room",
        "Attic",
    ]
    await store.close()
    await whole(audit)


async def whole(audit) -> None:
    looked = await audit()
    try:
        report = await Walk(looked).run(now_ms=lambda: 5, monotonic=lambda: 0.0)
    finally:
        await looked.close()
    assert (report.problems, report.checked.rooms) == ([], report.checked.logs)


# -- whose name is whose, whatever the store ------------------------------------


def settle(stored: dict[str, Named]) -> int:
    """Bring these, by their ids, under today's rule, and never two to one name. How much was asked."""
    settling = settled([each for each in stored.values() if each.outdated])
    found, asked = None, 0
    try:
        while True:
            name = settling.send(found)
            found = next((each for each in stored.values() if each.folded == name), None)
            asked += 1
    except StopIteration as end:
        updates = end.value
    for name, found_by, id in updates:
        assert found_by not in {each.folded for each in stored.values()}
        stored[id] = Named(id, name, found_by, stored[id].created_at_ms)
    for each in stored.values():
        assert (room_name(each.name), each.outdated) == (each.name, False)
    return asked


def before(*given: str) -> dict[str, Named]:
    """Rooms of these names, the oldest first."""
    rooms = (made(name, number) for number, name in enumerate(given))
    return {
        each.id: Named(each.id, each.name, folded_before(each.name), each.created_at_ms) for each in rooms
    }


def after(*given: str) -> list[str]:
    stored = before(*given)
    settle(stored)
    return [each.name for each in stored.values()]


@pytest.mark.parametrize(
    ("given", "then"),
    [
        ([HEART], [HEART]),
        (["A", "A\u200d"], ["A", "A\u200d (2)"]),
        (["A\u200d", "A"], ["A\u200d", "A (2)"]),
        (["A", "A\u200d", "A (2)"], ["A", "A\u200d (3)", "A (2)"]),
        (["A", "A\u200d", "A (2)\u200d"], ["A", "A\u200d (3)", "A (2)\u200d"]),
        (["A\u200d", "A\ufe0f", "A"], ["A\u200d", "A\ufe0f (2)", "A (3)"]),
        (["\u200d", "\ufe0f"], ["Room", "Room (2)"]),
        (["\u200d", "ROOM\u200d"], ["Room (2)", "ROOM\u200d"]),
        (["x" * 80, "x" * 79 + "\u200d", "x" * 79], ["x" * 80, "x" * 79 + "\u200d", "x" * 76 + " (2)"]),
    ],
)
def test_the_oldest_keeps_its_name(given, then):
    assert after(*given) == then


def test_a_name_with_a_number_is_no_longer_than_a_name_may_be():
    many = after("x" * 75, *("x" * 75 + "\u200d" * number for number in range(1, 6)), *["y"])

    assert max(map(len, many)) == MAX_ROOM_NAME_CHARACTERS


def test_the_order_in_which_rooms_are_read_is_nothing_to_them():
    given = before("A\u200d", "A\ufe0f", "A\u034f", "A")
    backwards = dict(reversed(given.items()))

    settle(given)
    settle(backwards)

    assert given == backwards


def test_a_name_under_which_another_was_found_until_now_is_free():
    stored = {"1": Named("1", "A", "b", 1), "2": Named("2", "B", "c", 2)}

    settle(stored)

    assert stored == {"1": Named("1", "A", "a", 1), "2": Named("2", "B", "b", 2)}


def test_how_much_is_asked_grows_with_the_rooms_and_not_with_its_square():
    stored = before("A", *(f"A ({n})" for n in range(2, 50)), *("A" + "\u200d" * n for n in range(1, 51)))

    assert settle(stored) <= 3 * len(stored)


# -- nodes of two versions ------------------------------------------------------


async def test_what_an_older_node_would_store_as_a_newer_one_does_not_find_it_is_refused(
    open_postgres, postgres
):
    new = await open_postgres()
    for old_form in (folded_before(HEART), "a\u200d", "\u3164", "\U000e0100"):
        with pytest.raises(asyncpg.CheckViolationError):
            await new.create_room(room("r", HEART), old_form)
    await new.create_room(room("r", HEART), folded(HEART))


async def test_what_the_database_refuses_is_what_is_not_seen(open_postgres, postgres):
    """Another rule is another step, in both stores."""
    await open_postgres()
    connection = await asyncpg.connect(postgres)
    try:
        seen = await connection.fetchval(
            "SELECT regexp_replace($1, substring(pg_get_constraintdef(oid) FROM $q$'(\\[.*\\])'$q$), '', 'g')"
            " FROM pg_constraint WHERE conname = 'rooms_folded_seen'",
            EVERY_CHARACTER,
        )
    finally:
        await connection.close()

    assert seen == _UNSEEN.sub("", EVERY_CHARACTER) != EVERY_CHARACTER


async def test_rooms_that_cannot_be_written_leave_the_form_before(older, open_store, monkeypatch):
    def clashing(outdated):
        updates = yield from settled(outdated)
        return [*updates, ("Lounge", "lounge", outdated[0].id)]

    await older("Lounge", "Lounge\u200d")
    with monkeypatch.context() as patch:
        patch.setattr(sqlite_naming, "settled", clashing)
        patch.setattr(postgres_naming, "settled", clashing)
        with pytest.raises(StoreUnusable, match=r"(?i)unique"):
            await open_store()

    store = await open_store()

    assert await shown(store) == ["Lounge", "Lounge\u200d (2)"]
    await store.close()
