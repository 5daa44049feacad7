"""`hubbub post` and `hubbub dm`: what is said arrives once, in order, or the exit code says it did not."""

import json
import signal

import pytest

from hubbub.client import Client
from hubbub.terminal import Session, Sessions
from support.deadline import deadline
from support.seeded import token_of

from .commands import serving
from .home import Home, Terminal, ended


async def said_in(room, bob):
    return [event.text async for event in bob.history(room, after=0)]


async def test_words_are_one_message_and_nothing_is_printed(home, lounge):
    bob, room = lounge

    told = await home.run("post", "lounge", "Good", "morning")

    assert told == (0, "", "")
    assert await said_in(room, bob) == ["Good morning"]


async def test_a_room_is_meant_by_its_id_before_any_name(home, lounge):
    bob, room = lounge
    namesake = await bob.create_room(room.id)

    assert (await home.run("post", room.id, "hello")).code == 0

    assert await said_in(room, bob) == ["hello"]
    assert await said_in(namesake, bob) == []


async def test_the_receipt_is_printed_as_on_the_wire(home, lounge):
    _, room = lounge

    told = await home.run("post", "Lounge", "hello", "--json", "--key", "k1")

    receipt = json.loads(told.out)
    assert (receipt["type"], receipt["room"], receipt["seq"], receipt["key"]) == ("message", room.id, 1, "k1")


@pytest.mark.parametrize("words", [[], ["-"]])
async def test_standard_input_is_one_message(words, home, lounge):
    bob, room = lounge

    told = await home.run("post", "Lounge", *words, said="first\n  second\n\nlast\n")

    assert told == (0, "", "")
    assert await said_in(room, bob) == ["first\n  second\n\nlast"]


async def test_each_line_is_a_message_in_order_and_empty_ones_are_none(home, lounge):
    bob, room = lounge

    told = await home.run("post", "--lines", "Lounge", said="one\r\n\ntwo\n  three\nlast without an end")

    assert told == (0, "", "")
    assert await said_in(room, bob) == ["one", "two", "  three", "last without an end"]


async def test_a_line_is_posted_when_it_comes_and_not_at_the_end(home, lounge):
    bob, room = lounge
    async with bob.subscribe(room) as heard:
        process = await home.start("post", "--lines", "Lounge")
        for text in ("one", "two"):
            process.stdin.write(f"{text}\n".encode())
            async with deadline():
                assert (await anext(heard)).text == text
        process.stdin.close()

        assert await ended(process) == (0, "", "")


async def test_ctrl_c_while_no_line_comes_ends_it_with_130(home, lounge):
    bob, room = lounge
    async with bob.subscribe(room) as heard:
        process = await home.start("post", "--lines", "Lounge")
        process.stdin.write(b"one\n")
        async with deadline():
            await anext(heard)
        process.send_signal(signal.SIGINT)
        async with deadline():
            assert await process.wait() == 130
        _, err = await process.communicate()

    assert err == b""


async def test_the_same_key_stores_once_whoever_runs_it_again(home, lounge):
    bob, room = lounge

    for _ in range(2):
        assert (await home.run("post", "Lounge", "deployed", "--key", "deploy-7")).code == 0
        assert (await home.run("post", "--lines", "Lounge", "--key", "log-7", said="a\nb\n")).code == 0

    assert await said_in(room, bob) == ["deployed", "a", "b"]


async def test_a_key_of_another_text_is_refused(home, lounge):
    await home.run("post", "Lounge", "one", "--key", "k")

    told = await home.run("post", "Lounge", "two", "--key", "k")

    assert told.code == 1
    assert told.out == ""


async def test_a_text_that_is_too_long_is_refused_with_the_limit(home, lounge):
    bob, room = lounge
    long = "x" * 16_385

    whole = await home.run("post", "Lounge", said=long)
    line = await home.run("post", "--lines", "Lounge", said=f"short\n{long}\nnever")
    endless = await home.run("post", "Lounge", said="x" * 1_000_000)

    assert [each.code for each in (whole, line, endless)] == [1, 1, 1]
    assert "16384 bytes" in whole.err
    assert line.err.startswith("hubbub: line 2: ")
    assert "16384 bytes" in line.err
    assert await said_in(room, bob) == ["short"]


async def test_the_longest_text_arrives_whole(home, lounge):
    bob, room = lounge

    assert (await home.run("post", "Lounge", said="ü" * 8192 + "\n")).code == 0
    assert await said_in(room, bob) == ["ü" * 8192]


@pytest.mark.parametrize("closed", ["<&-", ">&-", "<&- >&-"])
async def test_a_job_without_standard_input_or_output_can_post(closed, home, lounge):
    bob, room = lounge

    told = await home.shell(f"hubbub post Lounge hello {closed}; echo $?")
    nothing = await home.shell("hubbub post Lounge <&-; hubbub tail Lounge --no-follow >&-; echo $?")

    assert told == (0, "0\n", "")
    assert (nothing.out, len(nothing.err.splitlines())) == ("1\n", 2)
    assert await said_in(room, bob) == ["hello"]


async def test_an_unknown_room_is_told_with_those_nearly_called_so(home, lounge):
    told = await home.run("post", "Longue", "hello")

    assert told.code == 1
    assert told.err == ("hubbub: there is no room “Longue”; did you mean “Lounge”? (--create makes it)\n")


async def test_a_room_can_be_made_for_the_first_post(home, lounge):
    bob, _ = lounge

    for text in ("one", "two"):
        assert (await home.run("post", "Alerts", text, "--create")).code == 0

    assert await said_in(await bob.room("Alerts"), bob) == ["one", "two"]


@pytest.mark.parametrize(
    "words",
    [
        ["post"],
        ["post", "Lounge", "text", "-"],
        ["post", "Lounge", "text", "--lines"],
        ["post", "Lounge", "text", "--key", "with space"],
        ["post", "Lounge", "--jsn", "text"],
        ["post", "Lounge", "text", "--patience", "long"],
        ["dm"],
        ["dm", "bob", "text", "--follow"],
        ["dm", "bob", "--key", "k"],
        ["tail"],
        ["tail", "Lounge", "--since", "yesterday"],
        ["tail", "Lounge", "-n", "many"],
        ["rooms", "--create", "a", "b"],
        ["logout", "--all", "--server", "http://127.0.0.1:1"],
        ["rooms", "--server", "ftp://x"],
    ],
)
async def test_what_makes_no_sense_is_misuse_in_one_line(words, home):
    told = await home.run(*words)

    assert (told.code, told.out) == (2, "")
    assert told.err.startswith("hubbub: ")
    assert len(told.err.splitlines()) == 1


async def test_a_text_may_begin_with_a_hyphen_after_two(home, lounge):
    bob, room = lounge

    assert (await home.run("post", "Lounge", "--", "--no", "-", "way")).code == 2
    assert (await home.run("post", "Lounge", "--", "--no", "way")).code == 0
    assert await said_in(room, bob) == ["--no way"]


async def test_at_a_terminal_somebody_has_to_say_something(home, lounge):
    terminal = await Terminal.start(home, "post", "Lounge")

    assert await terminal.ends() == 2
    assert b"Ctrl-D" in terminal.shown


async def test_at_a_terminal_a_hyphen_reads_what_is_typed(home, lounge):
    bob, room = lounge
    async with bob.subscribe(room) as heard:
        terminal = await Terminal.start(home, "post", "Lounge", "-")
        terminal.type("typed\n\x04")
        async with deadline():
            assert (await anext(heard)).text == "typed"
        assert await terminal.ends() == 0


async def test_a_person_gets_what_was_posted_to_them(home, lounge):
    bob, _ = lounge

    assert (await home.run("dm", "BOB", "lunch", "at", "one?")).code == 0
    assert (await home.run("dm", "bob", "-", said="or\ntwo?\n")).code == 0
    assert (await home.run("dm", "bob", "--lines", said="a\nb\n")).code == 0

    assert [event.text async for event in bob.inbox(after=0)] == ["lunch at one?", "or\ntwo?", "a", "b"]


async def test_an_unknown_person_is_told_with_those_nearly_called_so(home):
    told = await home.run("dm", "bobb", "hello")

    assert (told.code, told.err) == (1, "hubbub: there is no user “bobb”; did you mean “bob”?\n")


async def test_a_server_that_does_not_answer_is_told_when_patience_ends(home):
    Sessions(home.config).keep(Session(server="http://127.0.0.1:9", user="ada", token="hb_x"))

    told = await home.run("post", "Lounge", "hello", "--patience", "0.2")

    assert told.code == 1
    assert told.err.startswith("hubbub: no connection to http://127.0.0.1:9: ")


async def test_lines_go_on_when_the_server_was_killed_and_is_back(data, tmp_path):
    """None is lost, none is stored twice, and their order is kept."""
    said = [f"line {number}" for number in range(1, 31)]
    async with serving(data) as first:
        listen = first.url.removeprefix("http://")
        home = Home(tmp_path / "home", first.url).sign_in("ada")
        process = await home.start("post", "--lines", "--create", "Alerts", "--json")
        for text in said[:10]:
            process.stdin.write(f"{text}\n".encode())
        async with deadline():
            for _ in range(10):
                await process.stdout.readline()
        first.signal(signal.SIGKILL)
        await first.ended()
        for text in said[10:]:
            process.stdin.write(f"{text}\n".encode())
        process.stdin.close()
    async with serving(data, listen=listen) as second, Client(second.url, token=token_of("bob")) as bob:
        told = await ended(process)
        stored = await said_in(await bob.room("Alerts"), bob)

    assert (told.code, told.err) == (0, "")
    assert stored == said


async def test_a_pipeline_of_tail_and_post_carries_everything(home, lounge):
    bob, room = lounge
    other = await bob.create_room("Copy")
    async with (
        bob.subscribe(other) as heard,
        home.pipeline(["tail", "Lounge", "--json", "--since", "all"], ["post", "--lines", "Copy"]) as (
            tail,
            post,
        ),
    ):
        texts = [f"message {number}" for number in range(20)]
        async with deadline():
            for text in texts:
                await bob.post(text, room=room)
            copied = [json.loads((await anext(heard)).text)["text"] for _ in texts]
        tail.terminate()

        assert await ended(tail) == (0, "", "")
        assert await ended(post) == (0, "", "")
    assert copied == texts


async def test_tail_ends_quietly_when_whoever_reads_it_has_gone(home, lounge):
    """Also while there is nothing to say: nobody would notice otherwise that it is still there."""
    bob, room = lounge
    await bob.post("one", room=room)
    async with home.pipeline(["tail", "Lounge"], program=("-c", "print(input())")) as (tail, head):
        _, told = await ended(head), await ended(tail)

    assert told == (0, "", "")


async def test_an_argument_that_is_no_utf_8_is_posted_as_standard_input_is(home, lounge):
    bob, room = lounge

    told = await home.shell(r"""hubbub post Lounge "$(printf 'caf\351')"; echo $?""")

    assert (told.out, told.err) == ("0\n", "")
    assert await said_in(room, bob) == ["caf\ufffd"]
