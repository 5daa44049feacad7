"""The bot in JavaScript: every question has exactly one answer, whoever was killed."""

import asyncio
import shutil
import subprocess
from collections import Counter

import httpx2
import pytest

from examples.programs import EXAMPLES, PASSWORD, launch
from hubbub.client import Client
from support.deadline import deadline
from support.process import Process


def node() -> list[str]:
    """The command of a Node that has a WebSocket: since 22 it has, and before it had to be asked for it."""
    program = shutil.which("node")
    for flags in ([], ["--experimental-websocket"]):
        if program is None:
            break
        asked = [program, *flags, "--print", "typeof WebSocket"]
        if subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip() == "function":
            return [program, *flags]
    pytest.skip("NOTHING OF THE BOT IN JAVASCRIPT WAS TRIED: there is no Node here, or none with a WebSocket")


@pytest.fixture
async def lounge(tmp_path):
    """A server, with what its page says of it; somebody who asks; and the bot as it is copied."""
    async with Process(tmp_path / "data") as server, Client(server.url) as ada:
        async with httpx2.AsyncClient(base_url=server.url) as http:
            module = await http.get("/assets/hubbub.js")
        if module.status_code == 404:
            pytest.skip("NOTHING OF THE BOT IN JAVASCRIPT WAS TRIED: the page has not been built")
        (tmp_path / "hubbub.js").write_bytes(module.content)
        shutil.copy(EXAMPLES / "durable_bot.mjs", tmp_path)
        await ada.sign_up("ada", PASSWORD)
        await ada.sign_in("ada", PASSWORD)
        yield server, ada, [str(tmp_path / "durable_bot.mjs"), server.url, "sibyl", "Lounge"]


async def test_every_question_has_one_answer_though_bot_and_server_are_killed(tmp_path, lounge):
    server, ada, words = lounge
    note = tmp_path / "cursor"
    command = [*node(), *words, str(note)]
    room = await ada.create_room("Lounge")
    asked = [f"what is {number}?" for number in range(40)]
    bots = [await launch(*command)]
    try:
        async with ada.subscribe(room, after=0) as events:
            answers = 0
            for first, victims in ((0, "bot and server"), (10, "bot"), (20, "server"), (30, "")):
                posting = asyncio.gather(*(ada.post(each, room=room) for each in asked[first : first + 10]))
                async with deadline():
                    while answers < first + (1 if victims else 10):  # killed amid its answers
                        answers += (await anext(events)).sender == "sibyl"
                if "bot" in victims:
                    await bots[-1].kill()
                if "server" in victims:
                    await server.kill()
                    await server.start()
                if "and" in victims:
                    note.unlink(missing_ok=True)  # it is killed before it notes anything
                await posting
                if "bot" in victims:
                    bots.append(await launch(*command))
    finally:
        for bot in bots:
            await bot.kill()
    said = [event.text async for event in ada.history(room, after=0) if event.sender == "sibyl"]
    assert Counter(said) == {f"@ada You ask “{each}”. I have thought about it: yes.": 1 for each in asked}
