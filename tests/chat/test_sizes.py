"""Small terminals and large ones."""

import pytest

from hubbub.chat.ui.composer import Composer
from support.deadline import deadline

from .seat import seated


@pytest.mark.parametrize("size", [(80, 24), (40, 12), (24, 10)])
async def test_on_a_narrow_terminal_the_list_is_behind_a_key(server, lounge, tmp_path, size):
    async with seated(tmp_path, server.url, size=size) as ada:
        await ada.opens(lounge)
        await ada.shows("three")
        assert not ada.sees("Direct messages")
        assert ada.app.screen.query_one(Composer).region.bottom <= size[1]
        assert ada.sees("Message Lounge")

        await ada.press("ctrl+b")
        await ada.shows("# Lounge")
        assert ada.app.focused.id == "side-list"
        await ada.press("enter")

        await ada.until(lambda: not ada.app.screen.has_class("-side"))
        assert isinstance(ada.app.focused, Composer)


async def test_on_a_wide_terminal_the_list_is_there_and_can_go(server, lounge, tmp_path):
    async with seated(tmp_path, server.url, size=(120, 36)) as ada:
        await ada.opens(lounge)
        await ada.shows("Direct messages")

        await ada.press("ctrl+b")

        await ada.until(lambda: not ada.sees("Direct messages"))


async def test_a_terminal_may_change_its_size(server, lounge, bob, tmp_path):
    async with deadline():
        for number in range(40):
            await bob.post(f"line {number}", room=lounge)
    async with seated(tmp_path, server.url, size=(120, 36)) as ada:
        await ada.opens(lounge)
        await ada.shows("Direct messages")

        await ada.pilot.resize_terminal(60, 15)

        await ada.until(lambda: not ada.sees("Direct messages"))
        await ada.shows("line 39")
        await ada.type("a\nb\nc\nd")
        await ada.until(lambda: ada.app.screen.query_one(Composer).size.height >= 4)
        await ada.shows("line 39")


@pytest.mark.parametrize("key", ["f1", "question_mark"])
async def test_help_lists_the_keys(server, tmp_path, key):
    async with seated(tmp_path, server.url, size=(80, 40)) as ada:
        await ada.press(key)
        await ada.shows("go to a room or a person")
        await ada.shows("Ctrl-Q")

        await ada.press("escape")
        await ada.until(lambda: not ada.sees("Ctrl-Q"))


async def test_what_a_key_does_stands_beside_it_however_narrow_the_terminal(server, tmp_path):
    async with seated(tmp_path, server.url, size=(60, 40)) as ada:
        await ada.press("f1")
        await ada.shows("unread")

        at = next(number for number, line in enumerate(ada.lines) if "Alt-U" in line)
        first, second = ada.lines[at : at + 2]
        assert first.index("the next place") == second.index(
            "something" if "something" in second else "unread"
        )
