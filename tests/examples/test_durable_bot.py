"""Every question has exactly one answer, whoever was killed."""

import random
from collections import Counter
from contextlib import closing

import pytest

from examples.programs import PASSWORD, module, start
from hubbub.client import Client, Message
from support.deadline import deadline
from support.process import Process
from support.serving import serving

QUESTIONS = 24
SEED = 5


class Killed(Exception):
    """What a process meets that is killed at this very place."""


@pytest.fixture(scope="module")
def bot():
    return module("durable_bot")


async def signed_in(url, name):
    client = Client(url)
    await client.sign_up(name, PASSWORD)
    await client.sign_in(name, PASSWORD)
    return client


async def answers(client, room):
    """How often each question was answered."""
    found = [event async for event in client.history(room, after=0) if isinstance(event, Message)]
    asked = [event.text for event in found if event.sender == "ada" and event.text.endswith("?")]
    said = [event.text for event in found if event.sender == "oracle"]
    return Counter({question: sum(f"“{question}”" in text for text in said) for question in asked})


async def test_every_question_has_one_answer_though_bot_and_server_are_killed(tmp_path):
    chance = random.Random(SEED)
    server = Process(tmp_path / "data")
    bots = []

    async def bot_starts():
        flags = ("--url", server.url, "--name", "oracle", "--place", str(tmp_path / "place.db"))
        bots.append(await start("durable_bot.py", *flags))

    kills = Counter()
    async with server, await signed_in(server.url, "ada") as ada:
        try:
            await bot_starts()
            await bots[-1].says("listening")
            room = await ada.room("Lounge")
            async with ada.subscribe(room, after=0) as events:
                posted = heard = 0
                while heard < QUESTIONS:
                    for _ in range(min(chance.randint(1, 6), QUESTIONS - posted)):
                        posted += 1
                        await ada.post(f"what is {posted}?", room=room)
                    until = chance.randint(heard, posted) if posted < QUESTIONS else QUESTIONS
                    async with deadline():
                        while heard < until:
                            event = await anext(events)
                            heard += event.sender == "oracle"
                    if posted == QUESTIONS:
                        continue
                    victims = chance.choice((("bot",), ("server",), ("bot", "server")))
                    kills.update(victims)
                    if "bot" in victims:
                        await bots[-1].kill()
                    if "server" in victims:
                        await server.kill()
                        await server.start()
                    if "bot" in victims:
                        await bot_starts()
        finally:
            for bot in bots:
                await bot.kill()
        assert kills["bot"] > 1
        assert kills["server"] > 1
        assert await answers(ada, room) == {f"what is {n}?": 1 for n in range(1, QUESTIONS + 1)}


async def test_a_bot_killed_between_its_answer_and_its_note_of_it_does_not_answer_again(tmp_path, bot):
    class Mortal(bot.Place):
        """Its bot is killed before it notes that it has dealt with event `last`."""

        last = 2

        def keep(self, cursor):
            if int(cursor.rpartition(":")[2]) >= self.last:
                raise Killed
            super().keep(cursor)

    async with (
        serving(tmp_path / "data") as server,
        await signed_in(server.url, "ada") as ada,
        await signed_in(server.url, "oracle") as oracle,
    ):
        room = (await ada.create_room("Lounge")).id
        for n in range(1, 4):
            await ada.post(f"what is {n}?", room=room)
        with closing(Mortal(tmp_path / "place.db", room)) as place:
            place.keep("0")
            for place.last in (2, 6):  # when it has answered 2; and when it has heard all answers itself
                async with deadline():
                    with pytest.raises(Killed):
                        await bot.answer_questions(oracle, room, "oracle", place)
        assert await answers(ada, room) == {f"what is {n}?": 1 for n in range(1, 4)}


async def test_after_a_backup_is_restored_it_goes_back_to_where_it_first_began(tmp_path, bot):
    with closing(bot.Place(tmp_path / "place.db", "R")) as place:
        place.keep("old:7")
        place.keep("old:12")
        place.go_back(9)
        assert place.cursor == "7"
        place.go_back(3)
        assert place.cursor == "3"
