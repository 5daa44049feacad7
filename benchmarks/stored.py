"""A server on a store that has something in it: how soon it accepts, and how long requests take, one by one.

One request after the other over one connection: what is measured is what the store's size costs, not a load.
"""

import asyncio
import os
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2

from hubbub.bench import machine
from hubbub.bench.figures import Latency, latency
from hubbub.bench.histogram import Histogram
from hubbub.bench.play import SERVER_FLAGS
from hubbub.bench.seats import Person
from hubbub.bench.server import OwnServer
from hubbub.cli.asked import without_settings

Ask = Callable[[], Awaitable[object]]


def server(data: Path) -> OwnServer:
    cores, _ = machine.split_cores()
    return OwnServer(data, flags=SERVER_FLAGS, environment=without_settings(), cores=cores)


@asynccontextmanager
async def visiting(data: Path, person: Person) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of a server on the store, signed in."""
    async with server(data) as running:
        host, port = running.address
        async with httpx2.AsyncClient(
            base_url=f"http://{host}:{port}",
            headers={"Authorization": f"Bearer {person.token}"},
            trust_env=False,
        ) as http:
            yield http


async def seconds_to_accept(data: Path) -> float:
    """From the command until the first request is answered; the interpreter's own start is part of it."""
    begun = time.monotonic()
    async with server(data) as running:
        host, port = running.address
        async with httpx2.AsyncClient(base_url=f"http://{host}:{port}", trust_env=False) as http:
            (await http.get("/health/ready")).raise_for_status()
        return time.monotonic() - begun


async def timed(asks: Iterable[Ask], *, pause_seconds: float = 0.0) -> Latency:
    """How long each took. In a pause after each the server finishes what that has left it to do."""
    taken = Histogram()
    for ask in asks:
        begun_ns = time.monotonic_ns()
        await ask()
        taken.add((time.monotonic_ns() - begun_ns) // 1000)
        await asyncio.sleep(pause_seconds)
    return latency(taken)


def get(http: httpx2.AsyncClient, path: str) -> Ask:
    async def ask() -> None:
        (await http.get(path)).raise_for_status()

    return ask


def post(http: httpx2.AsyncClient, path: str, body: dict[str, Any]) -> Ask:
    async def ask() -> None:
        (await http.post(path, json=body)).raise_for_status()

    return ask


def resume(http: httpx2.AsyncClient, path: str, events: int) -> Ask:
    """Come back to a stream with a cursor, until so many events were told."""

    async def ask() -> None:
        left = events
        async with http.stream("GET", path, headers={"Accept": "application/x-ndjson"}) as answer:
            async for line in answer.aiter_lines():
                left -= bool(line)
                if not left:
                    return

    return ask


def scratch() -> "tempfile.TemporaryDirectory[str]":
    """Where a store is made that nobody needs afterwards; on a disk, for one in memory syncs at once."""
    return tempfile.TemporaryDirectory(prefix="hubbub-stored-", dir=os.environ.get("TMPDIR"))


def run(work: Awaitable[Any]) -> Any:
    async def all_of_it() -> Any:
        return await work

    return asyncio.run(all_of_it())
