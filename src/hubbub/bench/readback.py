"""After a run: every log of it read again from the server, some posts made again, some made and read at once.

What is read is kept as numbers, page by page: a log of millions takes eight bytes an event here.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from itertools import cycle
from typing import TypeVar

import httpx2

from hubbub.bench import words
from hubbub.bench.hearing import inbox
from hubbub.bench.kept import GONE, NOT_OURS, Again, StoredLog, mark, mark_of, post_of
from hubbub.bench.orders import Findings
from hubbub.bench.seats import People
from hubbub.bench.server import ServerFailed
from hubbub.check.stored import inbox as read_inbox
from hubbub.client import Client, ClientError, Event, GapFrame, Problem

AT_ONCE = 16
PAGE = 500
REPEATED = 200
"""Posts that are made again."""
READ_BACK = 100
"""Posts that are made and read at once."""

PATIENCE_SECONDS = 10.0

_T = TypeVar("_T")


class Readback:
    """One server after a run. Where it has several nodes, they are asked in turn."""

    def __init__(
        self, urls: Sequence[str], run: str, people: People, *, patience_seconds: float = PATIENCE_SECONDS
    ) -> None:
        """`patience_seconds`: how long each request is tried again."""
        self._urls = cycle(urls)
        self._run = run
        self._patience_seconds = patience_seconds
        self._tokens = {person.name: person.token for person in people.users}
        self.texts: dict[int, tuple[str, str, str]] = {}
        """Of the posts that are to be made again: who made them, where, and what they said."""

    async def stored(self, began: Mapping[str, int], sample: Collection[int]) -> dict[str, StoredLog]:
        """All that these logs have now behind where they were when the run began, the texts of `sample` kept.

        Raises ServerFailed.
        """
        logs = {log: StoredLog(seq) for log, seq in began.items()}
        wanted = frozenset(sample)

        async def one(log: str) -> None:
            held = logs[log]
            if "/" in log:
                await self._read_inbox(log, held, wanted)
            else:
                await self._read_room(log, held, wanted)

        await _in_turn(logs, one)
        return logs

    async def _read_room(self, room: str, held: StoredLog, wanted: Collection[int]) -> None:
        async with self._client(next(iter(self._tokens))) as client:
            while page := await client.page(room, after=held.head, limit=PAGE):
                self._take(room, held, page, wanted)

    async def _read_inbox(self, log: str, held: StoredLog, wanted: Collection[int]) -> None:
        async with self._client(log.partition("/")[2]) as client:
            self._take(log, held, await read_inbox(client, after=held.began), wanted)

    def _take(self, log: str, held: StoredLog, events: Sequence[Event], wanted: Collection[int]) -> None:
        for event in events:
            if isinstance(event, GapFrame):
                held.misnumbered += event.first != held.head + 1
                held.marks.extend([GONE] * (event.last - held.head))
                continue
            if event.seq != held.head + 1:
                held.misnumbered += 1
                if event.seq <= held.head:
                    continue
                held.marks.extend([GONE] * (event.seq - held.head - 1))
            post = mark_of(self._run, event.key)
            held.marks.append(post)
            if post != NOT_OURS:
                held.changed += not words.due_ns(event.key, event.text)
            if post in wanted and event.sender in self._tokens:
                place = log if event.to is None else inbox(event.to)
                self.texts.setdefault(post, (event.sender, place, event.text))

    async def again(self, findings: Sequence[Findings], rooms: Sequence[str]) -> Again:
        """Make the sample's posts again, then some new ones. Raises ServerFailed."""
        seqs = {each.process: each.seqs for each in findings}
        told = Again()

        async def repeat(post: int) -> None:
            author, place, text = self.texts[post]
            process, number = post_of(post)
            key = words.key(self._run, process, number)
            async with self._client(author) as client:
                receipt = await client.post(text, key=key, **_to(place))
            told.repeated += 1
            if receipt.seq != seqs[process][number]:
                was = seqs[process][number]
                told.answered_otherwise.append(f"{key} was {was}, and is {receipt.seq} when posted again")

        async def read_back(number: int) -> None:
            room = rooms[number % len(rooms)]
            author = list(self._tokens)[number % len(self._tokens)]
            async with self._client(author) as client, self._client(author) as another:
                receipt = await client.post(f"read back {number}", room=room)
                page = await another.page(room, after=receipt.seq - 1, limit=1)
            told.read_back += 1
            if page[:1] != [receipt]:
                told.not_there.append(f"{room} {receipt.seq} was acknowledged and could not be read")

        await _in_turn(self.texts, repeat, may_be_limited=True)
        await _in_turn(range(READ_BACK if rooms else 0), read_back, may_be_limited=True)
        return told

    def _client(self, name: str) -> Client:
        return Client(
            next(self._urls),
            token=self._tokens[name],
            patience_seconds=self._patience_seconds,
            agent="hubbub-bench",
        )


def sample(findings: Sequence[Findings]) -> list[int]:
    """Some of the acknowledged posts, spread over all of them."""
    posts = [
        mark(each.process, number) for each in findings for number, seq in enumerate(each.seqs) if seq > 0
    ]
    return posts[:: max(1, len(posts) // REPEATED)][:REPEATED]


def _to(place: str) -> dict[str, str]:
    kind, _, name = place.rpartition("/")
    return {"to": name} if kind else {"room": name}


async def _in_turn(
    items: Iterable[_T], do: Callable[[_T], Awaitable[None]], *, may_be_limited: bool = False
) -> None:
    """So many at a time. What a limit of the server's stops is left out where it may be."""
    turn = asyncio.Semaphore(AT_ONCE)

    async def one(item: _T) -> None:
        async with turn:
            try:
                await do(item)
            except Problem as refusal:
                if not (may_be_limited and refusal.status == 429):
                    raise

    try:
        await asyncio.gather(*map(one, items))
    except (ClientError, httpx2.HTTPError) as error:
        raise ServerFailed(f"what is stored cannot be read: {error}") from error
