"""The bot that repeats what it is told."""

from examples.programs import program
from hubbub.client import Message
from support.deadline import deadline


async def heard(events, sender):
    """The next text of `sender`."""
    async with deadline():
        while True:
            event = await anext(events)
            if isinstance(event, Message) and event.sender == sender:
                return event.text


async def test_it_makes_its_room_and_answers_there_only_when_addressed(url, ada):
    async with program("echo_bot.py", "--url", url) as bot:
        await bot.says("listening")
        room = await ada.room("Lounge")
        async with ada.subscribe(room) as events:
            for text in (
                "echo, are you there?",
                "@echoes hello",
                "@echo ",
                "@echo @echo again",
                "@echo done",
            ):
                await ada.post(text, room=room)
            assert await heard(events, "echo") == "@echo again"
            assert await heard(events, "echo") == "done"


async def test_it_answers_direct_messages(url, ada):
    async with program("echo_bot.py", "--url", url) as bot:
        await bot.says("listening")
        async with ada.subscribe(inbox=True) as events:
            await ada.post("psst", to="echo")
            assert await heard(events, "echo") == "psst"


async def test_it_comes_back_to_the_account_and_the_room_it_made(url, ada):
    for text in ("one", "two"):
        async with program("echo_bot.py", "--url", url) as bot:
            await bot.says("listening")
            room = await ada.room("Lounge")
            async with ada.subscribe(room) as events:
                await ada.post(f"@echo {text}", room=room)
                assert await heard(events, "echo") == text
