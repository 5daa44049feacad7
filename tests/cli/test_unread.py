"""Read marks from a terminal: what is unread is told, and nothing is noted as read by accident."""

import json
import signal

import pytest

from hubbub.client import Client
from support.deadline import deadline
from support.seeded import token_of

from .home import Terminal, end, lines


@pytest.fixture
async def ada(server):
    async with Client(server.url, token=token_of("ada")) as client:
        yield client


async def room_mark(ada, room):
    return {each.room: each.seq async for each in ada.marks()}.get(room.id)


async def person_mark(ada, name):
    return {each.user: each.seq async for each in ada.conversations()}[name]


def texts(out):
    return [json.loads(line)["text"] for line in out.splitlines()]


async def test_rooms_one_follows_say_how_much_is_unread(home, lounge, ada):
    bob, room = lounge
    other = await bob.create_room("Other")
    await ada.mark(0, room=room)
    for text in ("one", "two"):
        await bob.post(text, room=room)

    told = await home.run("rooms")
    only = await home.run("rooms", "--unread", "--json")

    assert told.out == f"Lounge  {room.id}  2  2 unread\nOther   {other.id}  0\n"
    assert [(each["name"], each["unread"]) for each in map(json.loads, only.out.splitlines())] == [
        ("Lounge", 2)
    ]


async def test_the_inbox_marks_what_is_unread_at_a_terminal(home, lounge, ada):
    bob, _ = lounge
    await bob.post("old", to="ada")
    await ada.mark(1, to="bob")
    await bob.post("new", to="ada")

    terminal = await Terminal.start(home, "inbox", NO_COLOR="1", TERM="dumb")
    await terminal.shows("new")
    await terminal.ends()

    marked = {
        line.rpartition(": ")[2]: line.startswith("●") for line in terminal.shown.decode().splitlines()[1:]
    }
    assert marked == {"old": False, "new": True}
    assert await person_mark(ada, "bob") == 1


async def test_only_what_is_unread_can_be_asked_for(home, lounge, ada):
    bob, _ = lounge
    await bob.post("old", to="ada")
    await ada.mark(1, to="bob")
    for text in ("new", "newer"):
        await bob.post(text, to="ada")
    await ada.post("mine", to="bob")

    told = await home.run("inbox", "--unread", "--json", "--mark")
    again = await home.run("inbox", "--unread", "--json")

    assert texts(told.out) == ["new", "newer"]
    assert again == (0, "", "")


@pytest.mark.parametrize("words", [["tail", "Lounge"], ["tail", "--inbox"]])
async def test_reading_moves_no_mark_unless_that_is_wanted(words, home, lounge, ada):
    bob, room = lounge
    await ada.mark(0, room=room)
    await bob.post("hello", room=room)
    await bob.post("hello", to="ada")

    assert (await home.run(*words, "--no-follow")).code == 0
    assert (await home.run("inbox")).code == (await home.run("dm", "bob")).code == 0
    before = (await room_mark(ada, room), await person_mark(ada, "bob"))
    assert (await home.run("tail", "Lounge", "--inbox", "--no-follow", "--mark")).code == 0

    assert before == (0, 0)
    assert (await room_mark(ada, room), await person_mark(ada, "bob")) == (1, 1)


async def test_a_conversation_that_was_shown_can_be_noted_as_read(home, lounge, ada):
    bob, _ = lounge
    await bob.post("hello", to="ada")

    assert (await home.run("dm", "bob", "--mark")).code == 0

    assert await person_mark(ada, "bob") == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_what_was_shown_live_is_noted_also_when_it_is_broken_off(number, home, lounge, ada):
    bob, room = lounge
    process = await home.start("tail", "Lounge", "--json", "--mark", "-n", "1", "--since", "all")
    for text in ("one", "two", "three"):
        await bob.post(text, room=room)
        await lines(process, 1)

    await end(process, number)

    assert await room_mark(ada, room) == 3


async def test_marks_move_while_it_goes_on(home, lounge, ada):
    bob, room = lounge
    moved = []
    process = await home.start("tail", "Lounge", "--json", "--mark", "--since", "all")
    async with ada.subscribe(inbox=True, marked=moved.append) as inbox:
        await bob.post("one", room=room)
        await lines(process, 1)
        async with deadline():
            while not moved:
                await ada.post("something to wait for", to="cyd")
                await anext(inbox)
    await end(process, signal.SIGTERM)

    assert (moved[0].room, moved[0].seq) == (room.id, 1)


async def test_ones_own_post_is_not_unread_and_hides_nothing_that_is(home, lounge, ada):
    bob, room = lounge
    await ada.mark(0, room=room)

    await home.run("post", "--lines", "Lounge", said="mine\nmine too\n")
    after_mine = await room_mark(ada, room)
    await bob.post("his", room=room)
    await home.run("post", "Lounge", "mine again")

    assert after_mine == 2
    assert await room_mark(ada, room) == 2


async def test_posting_follows_no_room(home, lounge, ada):
    _, room = lounge

    await home.run("post", "Lounge", "hello")

    assert await room_mark(ada, room) is None
