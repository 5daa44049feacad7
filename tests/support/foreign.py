"""Clients that are not ours: httpx2 and curl, as anybody would use them."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import httpx2


@asynccontextmanager
async def read_event_stream(
    http: httpx2.AsyncClient, url: str, **headers: str
) -> AsyncIterator[AsyncGenerator[httpx2.ServerSentEvent]]:
    """The events of a stream, the one that only brings an id included."""
    fields = {"Accept": "text/event-stream"} | {
        name.replace("_", "-"): text for name, text in headers.items()
    }
    async with http.stream("GET", url, headers=fields) as answer:
        assert answer.status_code == 200, await answer.aread()

        async def events() -> AsyncGenerator[httpx2.ServerSentEvent]:
            async for event in aiter(httpx2.EventSource(answer)):
                yield event

        async with aclosing(events()) as stream:
            yield stream


class Curl:
    """A running `curl`: what it writes, a line at a time."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def line(self) -> str:
        """The next line that is not empty."""
        assert self._process.stdout is not None
        async with asyncio.timeout(20):
            while True:
                line = await self._process.stdout.readline()
                if not line:
                    raise EOFError("curl has ended")
                if line.strip():
                    return line.decode().rstrip("\r\n")

    async def close(self) -> None:
        if self._process.returncode is None:
            self._process.terminate()
        await self._process.wait()


@asynccontextmanager
async def curl(*words: str) -> AsyncIterator[Curl]:
    """`curl --no-buffer …`, running."""
    process = await asyncio.create_subprocess_exec(
        "curl", "--no-buffer", "--silent", "--show-error", *words, stdout=asyncio.subprocess.PIPE
    )
    running = Curl(process)
    try:
        yield running
    finally:
        await running.close()


async def curl_once(*words: str) -> tuple[int, Any]:
    """The status, and the body's JSON if it has one."""
    process = await asyncio.create_subprocess_exec(
        "curl",
        "--silent",
        "--show-error",
        "--write-out",
        "\n%{http_code}",
        *words,
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate()
    body, _, status = said.decode().rpartition("\n")
    return int(status), json.loads(body) if body else None
