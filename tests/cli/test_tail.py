"""`hubbub tail`, `inbox` and `dm`: what is there, then what comes; each once, also over kills."""

import asyncio
import json
import re
import signal
from itertools import pairwise

import pytest

from hubbub.client import Client
from support.seeded import token_of

from .commands import serving
from .home import Home, Terminal, end, ended, lines


@pytest.fixture
async def talked(lounge):
    bob, room = lounge
    for number in range(1, 6):
        await bob.post(f"message {number}", room=room)
    return bob, room


def texts(out):
    return [json.loads(line)["text"] for line in out.splitlines()]


async def test_for_people_each_line_says_when_who_and_what(home, talked):
    told = await home.run("tail", "lounge", "--no-follow", "-n", "2")

    first, second = told.out.splitlines()
    assert (told.code, told.err) == (0, "")
    assert first[:2] == "20"
    assert first[19:] == " bob: message 4"
    assert second[19:] == " bob: message 5"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["-n", "0"], []),
        (["-n", "2"], [4, 5]),
        ([], [1, 2, 3, 4, 5]),
        (["--since", "3"], [4, 5]),
        (["--since", "all"], [1, 2, 3, 4, 5]),
        (["--since", "5"], []),
        (["-n", "1", "--transport", "sse"], [5]),
        (["-n", "1", "--transport", "ndjson"], [5]),
    ],
)
async def test_it_begins_where_it_is_told(words, told, home, talked):
    said = await home.run("tail", "Lounge", "--no-follow", "--json", *words)

    assert (said.code, said.err) == (0, "")
    assert texts(said.out) == [f"message {number}" for number in told]


async def test_a_number_beyond_the_head_is_refused(home, talked):
    said = await home.run("tail", "Lounge", "--no-follow", "--since", "99")

    assert (said.code, said.out) == (1, "")


async def test_json_is_that_of_the_wire_a_line_each(home, talked):
    bob, room = talked
    said = await home.run("tail", "Lounge", "--no-follow", "--json", "-n", "1")

    event = json.loads(said.out)
    stored = await anext(bob.history(room, after=4))
    assert event == {
        "type": "message", "id": stored.id, "room": room.id, "seq": 5, "sender": "bob",
        "text": "message 5", "sent_at": stored.sent_at, "key": event["key"],
    }  # fmt: skip


async def test_what_is_posted_comes_line_by_line_as_it_is_posted(home, talked):
    bob, room = talked
    process = await home.start("tail", "Lounge", "--json", "-n", "1")
    assert [each["seq"] for each in await lines(process, 1)] == [5]

    for seq in (6, 7, 8):
        await bob.post("more", room=room)
        assert [each["seq"] for each in await lines(process, 1)] == [seq]

    assert await end(process, signal.SIGTERM) == (0, "", "")


async def test_ctrl_c_ends_it_with_130_and_no_word(home, talked):
    process = await home.start("tail", "Lounge", "--json", "-n", "1")
    await lines(process, 1)

    assert await end(process, signal.SIGINT) == (130, "", "")


async def test_several_rooms_and_the_inbox_are_told_apart_in_the_order_of_time(home, talked):
    bob, room = talked
    kitchen = await bob.create_room("Kitchen")
    await bob.post("coffee?", room=kitchen)
    await bob.post("psst", to="ada")
    await bob.post("last", room=room)

    told = await home.run("tail", "Kitchen", "Lounge", "--inbox", "--no-follow", "-n", "2")

    assert [line[20:] for line in told.out.splitlines()] == [
        "Lounge · bob: message 5",
        "Kitchen · bob: coffee?",
        "bob → ada: psst",
        "Lounge · bob: last",
    ]


async def test_a_run_goes_on_where_the_one_before_ended(home, talked):
    bob, room = talked
    again = ("tail", "Lounge", "--no-follow", "--json", "--resume")

    first = await home.run(*again, "-n", "2")
    nothing = await home.run(*again)
    await bob.post("message 6", room=room)
    peeked = await home.run("tail", "Lounge", "--no-follow", "--json", "--since", "saved")
    second = await home.run(*again)
    other = await home.run(*again, "--cursor", "another", "-n", "1")

    assert texts(first.out) == ["message 4", "message 5"]
    assert nothing == (0, "", "")
    assert texts(peeked.out) == texts(second.out) == texts(other.out) == ["message 6"]


async def test_rooms_under_one_cursor_do_not_lose_each_others_place(home, talked):
    bob, room = talked
    kitchen = await bob.create_room("Kitchen")
    again = ("--no-follow", "--json", "--resume")

    await home.run("tail", "Lounge", *again)
    await home.run("tail", "Kitchen", *again)
    await bob.post("in the lounge", room=room)
    await bob.post("in the kitchen", room=kitchen)
    both = await home.run("tail", "Lounge", "Kitchen", *again, "-n", "0")

    assert sorted(texts(both.out)) == ["in the kitchen", "in the lounge"]


async def test_two_runs_of_one_cursor_at_once_are_refused(home, talked):
    process = await home.start("tail", "Lounge", "--json", "--resume")
    await lines(process, 5)

    second = await home.run("tail", "Lounge", "--json", "--resume", "--no-follow")

    assert (second.code, second.out) == (1, "")
    assert "“" not in second.err
    assert "'tail'" in second.err
    await end(process, signal.SIGTERM)


@pytest.mark.parametrize(("was", "is_now"), [(r':5"', ':99"'), (r'"\w+:5"', '"another:5"')])
@pytest.mark.parametrize("how", ["--follow", "--no-follow"])
async def test_a_cursor_of_a_history_that_is_gone_is_told(how, was, is_now, home, talked):
    await home.run("tail", "Lounge", "--no-follow", "--json", "--resume")
    (file,) = home.state.rglob("*.json")
    changed = re.sub(was, is_now, file.read_text())
    assert changed != file.read_text()
    file.write_text(changed)

    told = await home.run("tail", "Lounge", how, "--json", "--resume")

    assert (told.code, told.out) == (1, "")
    assert "begun anew" in told.err


async def test_the_inbox_shows_what_was_posted_to_me(home, lounge):
    bob, _ = lounge
    await bob.post("one", to="ada")
    await home.run("dm", "bob", "mine")
    await bob.post("two", to="ada")

    told = await home.run("inbox")
    with_sent = await home.run("inbox", "--json", "--sent", "--resume")
    await bob.post("three", to="ada")
    new = await home.run("inbox", "--json", "--resume")

    assert [line[20:] for line in told.out.splitlines()] == ["bob → ada: one", "bob → ada: two"]
    assert texts(with_sent.out) == ["one", "mine", "two"]
    assert texts(new.out) == ["three"]


async def test_the_last_of_the_inbox_are_counted_without_what_was_sent(home, lounge):
    bob, _ = lounge
    for text in ("one", "two"):
        await bob.post(text, to="ada")
    await home.run("dm", "bob", "--lines", said="mine\n" * 5)

    told = await home.run("inbox", "--json", "-n", "1")
    resumed = await home.run("inbox", "--json", "-n", "1", "--resume")

    assert texts(told.out) == texts(resumed.out) == ["two"]
    assert await home.run("inbox", "--json", "--resume") == (0, "", "")


async def test_a_conversation_is_shown_and_followed(home, lounge, server):
    bob, _ = lounge
    await bob.post("hello", to="ada")
    await home.run("dm", "bob", "hi")
    async with Client(server.url, token=token_of("cyd")) as cyd:
        await cyd.post("not here", to="ada")

    told = await home.run("dm", "bob", "--json")
    process = await home.start("dm", "bob", "--json", "--follow", "-n", "1")
    begun = await lines(process, 1)
    await bob.post("more", to="ada")
    await home.run("dm", "bob", "and more")
    went_on = await lines(process, 2)

    assert texts(told.out) == ["hello", "hi"]
    assert [each["text"] for each in begun + went_on] == ["hi", "more", "and more"]
    assert await end(process, signal.SIGTERM) == (0, "", "")


async def test_a_disk_that_is_full_is_told_and_the_cursor_stays(home, talked):
    process = await home.start_into("/dev/full", "tail", "Lounge", "--no-follow", "--json", "--resume")
    told = await ended(process)
    again = await home.run("tail", "Lounge", "--no-follow", "--json", "--resume")

    assert told.code == 1
    assert "No space left" in told.err
    assert len(told.err.splitlines()) == 1
    assert len(texts(again.out)) == 5


async def test_kills_of_server_and_tail_lose_nothing(data, tmp_path):
    """A run that is told to stop repeats nothing; one that is killed repeats its last event at most."""
    posted, told = 0, []
    home, listen = None, "127.0.0.1:0"
    for round in range(4):
        async with serving(data, listen=listen) as server:
            listen = server.url.removeprefix("http://")
            home = home or Home(tmp_path / "home", server.url).sign_in("ada")
            async with Client(server.url, token=token_of("bob")) as bob:
                room = await (bob.create_room("Lounge") if round == 0 else bob.room("Lounge"))
                tail = await home.start("tail", "Lounge", "--json", "--resume")
                for _ in range(3):
                    posted += 1
                    await bob.post(f"{posted}", room=room)
                told.append(await until(tail, posted))
            server.signal(signal.SIGKILL)
            await server.ended()
        async with serving(data, listen=listen) as server:
            async with Client(server.url, token=token_of("bob")) as bob:
                for _ in range(3):
                    posted += 1
                    await bob.post(f"{posted}", room=room)
                told[-1] += await until(tail, posted)
            ending = await end(tail, signal.SIGKILL if round % 2 else signal.SIGTERM)
            told[-1] += [json.loads(line)["seq"] for line in ending.out.splitlines()]
    for before, after in pairwise(told):
        assert after[0] in (before[-1], before[-1] + 1)
    for stopped in (0, 2):
        assert told[stopped + 1][0] == told[stopped][-1] + 1
    for run in told:
        assert run == list(range(run[0], run[-1] + 1))
    assert told[0][0] == 1
    assert told[-1][-1] == posted


async def until(process, seq):
    """The numbers it prints up to `seq`."""
    seen = []
    while not seen or seen[-1] < seq:
        seen += [each["seq"] for each in await lines(process, 1)]
    return seen


async def test_every_event_of_a_flood_is_there_once_whenever_tail_is_killed(home, lounge):
    """Killed at moments nobody chose, again and again, while as much is posted as goes."""
    bob, room = lounge
    many = 300
    posting = asyncio.ensure_future(_flood(bob, room, many))
    told = []
    for kill_after in (7, 23, 1, 60, 5):
        tail = await home.start("tail", "Lounge", "--json", "--resume", "-n", "1000")
        run = [each["seq"] for each in await lines(tail, kill_after)]
        ending = await end(tail, signal.SIGKILL)
        # What was on its way when it died is a part of what it printed; half a line is none.
        run += [json.loads(line)["seq"] for line in ending.out.splitlines(keepends=True) if line[-1] == "\n"]
        told.append(run)
    await posting
    last = await home.run("tail", "Lounge", "--json", "--resume", "--no-follow")
    told.append([json.loads(line)["seq"] for line in last.out.splitlines()])

    reached = 0
    for run in told:
        if not run:
            continue
        assert run[0] in ((reached, reached + 1) if reached else (1,))
        assert run == list(range(run[0], run[-1] + 1))
        reached = run[-1]
    assert reached == many


async def _flood(bob, room, many):
    for number in range(many):
        await bob.post(f"{number}", room=room)


async def test_on_a_terminal_there_are_colours_and_a_day_and_in_a_pipe_there_are_none(home, talked):
    terminal = await Terminal.start(home, "tail", "Lounge", "--no-follow", "-n", "1")
    await terminal.shows("message 5")
    assert await terminal.ends() == 0
    piped = await home.run("tail", "Lounge", "--no-follow", "-n", "1")

    assert b"\x1b[" in terminal.shown
    assert "──".encode() in terminal.shown
    assert "\x1b" not in piped.out
    assert "──" not in piped.out


async def test_no_color_and_force_color_are_heeded(home, talked):
    words = ("tail", "Lounge", "--no-follow", "-n", "1")
    terminal = await Terminal.start(home, *words, NO_COLOR="1")
    await terminal.shows("message 5")
    await terminal.ends()
    forced = await home.run(*words, FORCE_COLOR="1")

    assert b"\x1b[3" not in terminal.shown
    assert b";3" not in terminal.shown
    assert "\x1b[" in forced.out
