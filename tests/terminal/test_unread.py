"""Noting what was shown as read: in the end all of it, whatever ends the showing."""

import asyncio
from contextlib import nullcontext

import pytest

from hubbub.client import ConnectionLost
from hubbub.protocol.frames import Message
from hubbub.terminal.unread import Marking
from support.deadline import deadline


class Marks:
    """Stands for a client whose server answers when it is let."""

    def __init__(self):
        self.asked = asyncio.Event()
        self.answers = asyncio.Event()
        self.moved = {}

    async def mark(self, seq, *, room=None, to=None):
        self.asked.set()
        await self.answers.wait()
        self.moved[room or to] = seq
        return seq


def message(seq, **place):
    return Message(id=f"m{seq}", seq=seq, sender="bob", text="hi", sent_at="2026-01-01T00:00:00Z", **place)


@pytest.mark.parametrize("ending", [None, asyncio.CancelledError, ConnectionLost])
async def test_all_that_was_shown_is_noted_however_it_ends(ending):
    client = Marks()

    async def show():
        async with Marking(client, "ada").going() as marking, deadline():
            marking.shown(message(1, room="r"))
            await client.asked.wait()  # and is not answered
            marking.shown(message(2, room="r"))
            marking.shown(message(7, to="ada"))
            client.answers.set()
            if ending is not None:
                raise ending("over")

    with nullcontext() if ending is None else pytest.raises(ending):
        await show()

    assert client.moved == {"r": 2, "bob": 7}
