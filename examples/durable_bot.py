"""A bot that misses no question and answers none twice, whoever is killed: itself, or the server.

    BOT_PASSWORD=… .venv/bin/python examples/durable_bot.py --name oracle --room Lounge --place oracle.db

Then ask something in that room that ends with a question mark. Kill the bot, ask on, start it again.

Three habits make it so:
  * It keeps the cursor of what it has dealt with in a file, and moves it only after the answer is stored.
    Killed in between, it meets the same question again: at least once.
  * The key of an answer is made from the question, so answering again stores nothing: at most once.
  * Nothing else is remembered, so being killed is no special case, and every start is a recovery.
"""

import argparse
import asyncio
import math
import os
import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from hubbub.client import Client, ConnectionLost, Message, Problem, SignedOut


class Place:
    """Where the bot stands in one room, in a small file.

    Always true: everything between `start` and `cursor` has been dealt with.
    """

    def __init__(self, path: Path, room: str) -> None:
        self._room = room
        self._file = sqlite3.connect(path, isolation_level=None)
        # A power cut may take back the last steps, which are then walked again; it never damages the file.
        self._file.execute("PRAGMA journal_mode = WAL")
        self._file.execute("PRAGMA synchronous = NORMAL")
        self._file.execute(
            "CREATE TABLE IF NOT EXISTS place (room TEXT PRIMARY KEY, start INTEGER, cursor TEXT)"
        )

    @property
    def cursor(self) -> str | None:
        """What to subscribe after; None before the first time: then what comes next."""
        row = self._file.execute("SELECT cursor FROM place WHERE room = ?", (self._room,)).fetchone()
        return row[0] if row else None

    def keep(self, cursor: str) -> None:
        seq = int(cursor.rpartition(":")[2])
        self._file.execute(
            "INSERT INTO place VALUES (?, ?, ?) ON CONFLICT (room) DO UPDATE SET cursor = excluded.cursor",
            (self._room, seq, cursor),
        )

    def go_back(self, head: int) -> None:
        """To where the bot first began, or to the room's `head` if the room ends before that now."""
        self._file.execute("UPDATE place SET cursor = min(start, ?) WHERE room = ?", (head, self._room))

    def close(self) -> None:
        self._file.close()


def answer_to(question: Message) -> str:
    """Your bot's wits go here."""
    return f"@{question.sender} You ask “{question.text}”. I have thought about it: yes."


async def answer_questions(
    client: Client, room: str, name: str, place: Place, ready: Callable[[], None] = lambda: None
) -> None:
    """Answer whatever is asked in `room`, from `place` on; ends only by an error, or when cancelled."""
    async with client.subscribe(room, after=place.cursor) as events:
        place.keep(str(events.cursors()[room]))  # known, since the subscription is open
        ready()
        async for event in events:
            if isinstance(event, Message) and event.sender != name and event.text.endswith("?"):
                await answer_once(client, event)
            place.keep(str(events.cursors()[room]))


async def answer_once(client: Client, question: Message) -> None:
    try:
        await client.post(answer_to(question), room=question.room, key=f"answer-{question.id}")
    except Problem as problem:
        # Answered before in other words, by an earlier version or by a model that never says a thing twice
        # in the same way. The first answer stands.
        if problem.code != "key-reused":
            raise


async def sign_in(client: Client, name: str, password: str) -> None:
    try:
        await client.sign_in(name, password)
    except Problem as problem:
        if problem.code != "wrong-credentials":
            raise
        await client.sign_up(name, password)  # refused as name-taken: then it is the password that is wrong
        await client.sign_in(name, password)


async def room_called(client: Client, name: str) -> str:
    try:
        return (await client.room(name)).id
    except Problem as problem:
        if problem.code != "no-such-room":
            raise
        return (await client.create_room(name)).id


async def run(url: str, name: str, room_name: str, path: Path) -> None:
    """One life of the bot, for as long as the server goes on knowing it."""
    async with Client(url, patience_seconds=math.inf) as client:
        await sign_in(client, name, os.environ["BOT_PASSWORD"])
        room = await room_called(client, room_name)
        with closing(Place(path, room)) as place:
            try:
                await answer_questions(client, room, name, place, lambda: print("listening", flush=True))
            except Problem as problem:
                if problem.code != "stale-cursor":
                    raise
                # The server was restored from a backup. What the bot answered since then is gone, or is
                # there under its key: so go over everything again.
                place.go_back((await client.room_by_id(room)).head)


async def main(url: str, name: str, room_name: str, path: Path) -> None:
    while True:
        try:
            await run(url, name, room_name, path)
        except (ConnectionLost, SignedOut):  # at the start; or listening for a month without a word
            await asyncio.sleep(random.uniform(0.1, 2.0))  # noqa: S311 - to spread load, not to keep a secret
        except Problem as problem:
            if not problem.passing:
                raise
            await asyncio.sleep(problem.retry_after or random.uniform(0.1, 2.0))  # noqa: S311


if __name__ == "__main__":
    flags = argparse.ArgumentParser(description="Answers each question once; the password is BOT_PASSWORD.")
    flags.add_argument("--url", default="http://localhost:8080")
    flags.add_argument("--name", default="oracle", type=str.lower)
    flags.add_argument("--room", default="Lounge")
    flags.add_argument("--place", default="oracle.db", type=Path, help="the file to remember its place in")
    chosen = flags.parse_args()
    asyncio.run(main(chosen.url, chosen.name, chosen.room, chosen.place))
