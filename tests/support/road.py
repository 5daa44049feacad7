"""The road between a client and the server: it can be blocked, and it can be cut.

A TCP relay with small buffers, so that a reader behind a blocked road is soon one whose socket is full.
"""

import asyncio
import socket
from typing import Self
from urllib.parse import urlsplit

_CHUNK_BYTES = 16 * 1024
_BUFFER_BYTES = 8 * 1024


class Road:
    """Use as an async context manager; `url` is its client's end."""

    def __init__(self, server_url: str) -> None:
        parts = urlsplit(server_url)
        self._to = (parts.hostname, parts.port)
        self._open = asyncio.Event()
        self._open.set()
        self._server: asyncio.Server | None = None
        self._travels: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self.url = ""

    def block(self) -> None:
        """Nothing comes through from the server any more; what it sends piles up on its side."""
        self._open.clear()

    def free(self) -> None:
        self._open.set()

    def cut(self) -> None:
        """Every connection there is breaks, without a word. New ones may be made."""
        for writer in list(self._writers):
            writer.transport.abort()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._travel, "127.0.0.1", 0, limit=_CHUNK_BYTES)
        host, port = self._server.sockets[0].getsockname()
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in list(self._travels):
            task.cancel()
        await asyncio.gather(*self._travels, return_exceptions=True)
        self.cut()

    async def _travel(self, client_in: asyncio.StreamReader, client_out: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._travels.add(task)
        try:
            sock = socket.socket()
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
            sock.setblocking(False)
            await asyncio.get_running_loop().sock_connect(sock, self._to)
            server_in, server_out = await asyncio.open_connection(sock=sock, limit=_CHUNK_BYTES)
        except OSError:
            client_out.transport.abort()
            self._travels.discard(task)
            return
        self._writers |= {client_out, server_out}
        there = asyncio.ensure_future(self._carry(client_in, server_out, None))
        back = asyncio.ensure_future(self._carry(server_in, client_out, self._open))
        try:
            await asyncio.wait((there, back), return_when=asyncio.FIRST_COMPLETED)
            if not back.done():  # the client has finished: whatever the server still says is of no use
                back.cancel()
        finally:
            there.cancel()
            back.cancel()
            await asyncio.gather(there, back, return_exceptions=True)
            self._writers -= {client_out, server_out}
            for writer in (client_out, server_out):
                writer.close()
            self._travels.discard(task)

    async def _carry(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, gate: asyncio.Event | None
    ) -> None:
        try:
            while True:
                if gate is not None:
                    await gate.wait()
                data = await source.read(_CHUNK_BYTES)
                if not data:
                    return
                if gate is not None:
                    await gate.wait()
                target.write(data)
                await target.drain()
        except OSError:
            target.transport.abort()
