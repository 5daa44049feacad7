"""Between a store and its PostgreSQL: a relay that knows a COMMIT, and can lose it or the answer."""

import asyncio
from typing import Literal, Self
from urllib.parse import urlsplit

_COMMIT = b"Q\x00\x00\x00\x0bCOMMIT\x00"
_CHUNK_BYTES = 64 * 1024

Cut = Literal["before", "after"]


class Middleman:
    """Use as an async context manager; `url` is the database's address by way of it."""

    def __init__(self, url: str) -> None:
        self._parts = urlsplit(url)
        self.cuts: list[Cut] = []
        """What happens to the next commits: their connection is cut before the server hears of them, or after
        it has made them and before anybody hears of that."""
        self.commits = 0
        self.url = ""
        self._server: asyncio.Server | None = None
        self._relays: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._relay, "127.0.0.1", 0)
        _, port = self._server.sockets[0].getsockname()
        self.url = self._parts._replace(
            netloc=f"{self._parts.username}:{self._parts.password}@127.0.0.1:{port}", query="sslmode=disable"
        ).geturl()
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for relay in self._relays:
            relay.cancel()
        await asyncio.gather(*self._relays, return_exceptions=True)

    async def _relay(self, client_in: asyncio.StreamReader, client_out: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._relays.add(task)
        try:
            server_in, server_out = await asyncio.open_connection(self._parts.hostname, self._parts.port)
        except OSError:
            client_out.transport.abort()
            self._relays.discard(task)
            return
        answers_go_on = asyncio.Event()
        answers_go_on.set()
        there = asyncio.ensure_future(self._carry_questions(client_in, server_out, answers_go_on))
        back = asyncio.ensure_future(self._carry_answers(server_in, client_out, answers_go_on))
        try:
            await asyncio.wait((there, back), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in (there, back):
                each.cancel()
            await asyncio.gather(there, back, return_exceptions=True)
            for writer in (client_out, server_out):
                writer.transport.abort()
            self._relays.discard(task)

    async def _carry_questions(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, answers_go_on: asyncio.Event
    ) -> None:
        while data := await source.read(_CHUNK_BYTES):
            if data.endswith(_COMMIT):
                self.commits += 1
                match self.cuts.pop(0) if self.cuts else None:
                    case "before":
                        return
                    case "after":
                        answers_go_on.clear()
            target.write(data)
            await target.drain()

    async def _carry_answers(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, answers_go_on: asyncio.Event
    ) -> None:
        while data := await source.read(_CHUNK_BYTES):
            if not answers_go_on.is_set():
                return
            target.write(data)
            await target.drain()
