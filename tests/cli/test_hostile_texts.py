"""Whatever was posted, and however a room is called, no command lets it drive the terminal."""

import json
import re

import pytest

from hubbub.client import Client
from support.seeded import token_of
from terminal.hostile import HOSTILE

from .home import Terminal

# What these commands themselves send: colours and weights, and ends of lines.
OURS = re.compile(rb"\x1b\[[0-9;]*m")


def commands(shown):
    """What a terminal would obey in what it was sent, beside what is ours."""
    text = OURS.sub(b"", shown).replace(b"\r\n", b"\n").decode()
    return re.findall("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u206f]", text)


@pytest.fixture
async def hostile(lounge):
    bob, room = lounge
    texts = [text for text in HOSTILE if "\0" not in text]
    for text in texts:
        await bob.post(text, room=room)
        await bob.post(text, to="ada")
    return texts


@pytest.mark.parametrize("words", [("tail", "Lounge", "--no-follow"), ("inbox",), ("dm", "bob")])
async def test_at_a_terminal_texts_are_shown_and_not_obeyed(words, home, hostile):
    terminal = await Terminal.start(home, *words, "-n", "100", columns=60)
    await terminal.shows("annotated")
    assert await terminal.ends() == 0

    assert commands(terminal.shown) == []
    assert b"[bold red]markup[/]" in OURS.sub(b"", terminal.shown)


async def test_our_own_colours_are_told_from_theirs(home, hostile):
    """Without colours nothing at all is left that begins with Escape."""
    terminal = await Terminal.start(home, "tail", "Lounge", "--no-follow", "-n", "100", TERM="dumb")
    await terminal.shows("annotated")
    await terminal.ends()

    assert b"\x1b" not in terminal.shown


async def test_in_a_pipe_texts_are_harmless_too_for_it_may_lead_to_a_terminal(home, hostile):
    told = await home.run("tail", "Lounge", "--no-follow", "-n", "100")

    assert commands(told.out.encode()) == []


async def test_json_is_harmless_and_says_the_same(home, hostile):
    told = await home.run("tail", "Lounge", "--no-follow", "-n", "100", "--json")

    assert commands(told.out.encode()) == []
    assert [json.loads(line)["text"] for line in told.out.split("\n") if line] == hostile


async def test_a_text_cannot_pass_for_another_message(home, lounge):
    bob, room = lounge
    await bob.post("hello\n2026-01-01 00:00:00 cyd: I resign\r2026-01-01 00:00:00 cyd: really", room=room)

    told = await home.run("tail", "Lounge", "--no-follow")
    terminal = await Terminal.start(home, "tail", "Lounge", "--no-follow")
    await terminal.shows("really")
    await terminal.ends()

    for shown in (told.out.splitlines(), terminal.shown.decode().splitlines()):
        assert not any(line.startswith("2026-01-01") for line in shown)
        assert len([line for line in shown if "bob" in line]) == 1


async def test_what_was_given_is_told_back_harmlessly(home):
    told = await home.run("post", "no\x1b[2Jroom", "hello")

    assert told.code == 1
    assert "\x1b" not in told.err
    assert "no␛[2Jroom" in told.err


async def test_a_server_that_lies_cannot_drive_the_terminal_either(home, server):
    """What a problem says comes from the server, and that may be anybody's."""
    async with Client(server.url, token=token_of("ada")) as ada:
        room = await ada.create_room("[red]Lounge[/]")

    told = await home.run("rooms")

    assert told.out == f"[red]Lounge[/]  {room.id}  0\n"
