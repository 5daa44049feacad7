"""A bot that repeats what it is told: in one room when it is addressed, and in direct messages always.

    BOT_PASSWORD=… .venv/bin/python examples/echo_bot.py --name echo --room Lounge

Then say “@echo hello” in that room. The account and the room are made when there are none. It hears what is
said while it runs: for a bot that makes up for the time it was away see durable_bot.py.
"""

import argparse
import asyncio
import os

from hubbub.client import Client, Event, Message, Problem, Room


async def sign_in(client: Client, name: str, password: str) -> None:
    try:
        await client.sign_in(name, password)
    except Problem as problem:
        if problem.code != "wrong-credentials":
            raise
        await client.sign_up(name, password)  # refused as name-taken: then it is the password that is wrong
        await client.sign_in(name, password)


async def room_called(client: Client, name: str) -> Room:
    try:
        return await client.room(name)
    except Problem as problem:
        if problem.code != "no-such-room":
            raise
        return await client.create_room(name)


async def answer(client: Client, event: Event, name: str) -> None:
    if not isinstance(event, Message) or event.sender == name:
        return  # what it said itself is nothing to answer
    key = f"echo-{event.id}"  # an answer that has to be sent again is still one answer
    if event.to:
        await client.post(event.text, to=event.sender, key=key)
    elif event.text.startswith(f"@{name} ") and (words := event.text.removeprefix(f"@{name} ").strip()):
        await client.post(words, room=event.room, key=key)


async def main(url: str, name: str, room_name: str) -> None:
    async with Client(url) as client:
        await sign_in(client, name, os.environ["BOT_PASSWORD"])
        async with client.subscribe(await room_called(client, room_name), inbox=True) as events:
            print("listening", flush=True)
            async for event in events:
                await answer(client, event, name)


if __name__ == "__main__":
    flags = argparse.ArgumentParser(description="Repeats what it is told; the password is BOT_PASSWORD.")
    flags.add_argument("--url", default="http://localhost:8080")
    flags.add_argument("--name", default="echo", type=str.lower)
    flags.add_argument("--room", default="Lounge")
    chosen = flags.parse_args()
    asyncio.run(main(chosen.url, chosen.name, chosen.room))
