"""People and rooms for a server that runs already: signed up, signed in and opened over its API, as anybody
would.

A password costs the server tens of milliseconds, so there are few people, and many clients share each of
them. One session holds only so many streams: somebody with more clients signs in more than once.

The names have the run's own, so that runs after one another never meet.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from typing import TypeVar

import httpx2
import msgspec

from hubbub.bench.asked import Asked
from hubbub.bench.refusals import limited, refusal
from hubbub.bench.screen import Screen
from hubbub.bench.seats import CLIENTS_PER_SOURCE, POSTERS, People, Person, Place, source
from hubbub.bench.server import Address, ServerFailed

AT_ONCE = 8
"""Requests under way: enough to keep the server's password workers busy, few enough never to be too many."""

SECONDS = 30.0
"""For one request: a password may stand in line."""

_T = TypeVar("_T")


class _Token(msgspec.Struct):
    token: str


class _Room(msgspec.Struct):
    id: str
    name: str


_token = msgspec.json.Decoder(_Token).decode
_room = msgspec.json.Decoder(_Room).decode


def sessions_for(asked: Asked) -> int:
    """How many sessions hold the streams of everybody who reads or posts."""
    streams = asked.clients + max(POSTERS, asked.rooms)
    return max(asked.people, -(-streams // asked.streams))


async def newcomers(addresses: Sequence[Address], asked: Asked, screen: Screen) -> People:
    """Raises Limited, ServerFailed."""
    async with AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(_client(f"http://{host}:{port}", source(first, host)))
            for first in range(0, asked.clients, CLIENTS_PER_SOURCE)
            for host, port in addresses
        ]
        return await _Arrival(clients, asked, os.urandom(4).hex(), screen).all()


def _client(url: str, address: str | None) -> httpx2.AsyncClient:
    """One that connects from an address: limits on sign-ups count each by itself."""
    transport = httpx2.AsyncHTTPTransport(local_address=address)
    return httpx2.AsyncClient(base_url=url, transport=transport, timeout=SECONDS)


class _Arrival:
    def __init__(self, clients: Sequence[httpx2.AsyncClient], asked: Asked, run: str, screen: Screen) -> None:
        self._clients = clients
        self._asked = asked
        self._run = run
        self._screen = screen
        self._password = os.urandom(16).hex()  # nobody needs it again
        self._turn = asyncio.Semaphore(AT_ONCE)

    async def all(self) -> People:
        asked = self._asked
        names = [f"bench-{self._run}-{number:04}" for number in range(1, asked.people + 1)]
        await self._each(f"signing {len(names):,} people up", names, self._sign_up)
        sessions = [names[number % len(names)] for number in range(sessions_for(asked))]
        users = await self._each(f"signing them in {len(sessions):,} times", sessions, self._sign_in)
        rooms = [
            (f"Bench {self._run} {number + 1}", users[number % len(users)]) for number in range(asked.rooms)
        ]
        return People(users, await self._each(f"opening {len(rooms):,} rooms", rooms, self._open))

    async def _each(self, what: str, of: Sequence[object], act: Callable[..., Awaitable[_T]]) -> list[_T]:
        done = 0
        self._screen.step(what)

        async def one(number: int, each: object) -> _T:
            nonlocal done
            async with self._turn:
                result = await act(self._clients[number % len(self._clients)], each)
            done += 1
            self._screen.say(f"{done:,} of {len(of):,}")
            return result

        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(one(number, each)) for number, each in enumerate(of)]
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None  # the others would say the same
        return [task.result() for task in tasks]

    async def _sign_up(self, http: httpx2.AsyncClient, name: str) -> None:
        await _posted(http, "/users", {"name": name, "password": self._password}, "a sign-up")

    async def _sign_in(self, http: httpx2.AsyncClient, name: str) -> Person:
        told = await _posted(http, "/sessions", {"name": name, "password": self._password}, "a sign-in")
        return Person(name, _token(told).token)

    async def _open(self, http: httpx2.AsyncClient, room: tuple[str, Person]) -> Place:
        name, person = room
        told = _room(await _posted(http, "/rooms", {"name": name}, "a new room", token=person.token))
        return Place(told.id, told.name)


async def _posted(
    http: httpx2.AsyncClient, path: str, body: dict[str, str], what: str, *, token: str | None = None
) -> bytes:
    """The body of a 201. Raises Limited, ServerFailed."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        answer = await http.post(path, json=body, headers=headers)
    except httpx2.TransportError as error:
        raise ServerFailed(f"{http.base_url} does not answer: {error or type(error).__name__}") from error
    if answer.status_code == 201:
        return answer.content
    said = refusal(answer.status_code, answer.content)
    if said.is_limit:
        raise limited(what, said)
    if answer.status_code == 403:
        raise ServerFailed(
            f"the server refused {what} ({said.detail or said.problem}); put people and rooms into its store"
            " with `hubbub seed` while it is stopped, and name the file that writes with --seed"
        )
    raise ServerFailed(
        f"the server refused {what}: {answer.status_code} {said.problem} {said.detail}".strip()
    )
