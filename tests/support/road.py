"""The road between a client and the server: it can be blocked, cut, narrow, slow, and lead nowhere.

A TCP relay with small buffers, so that a reader behind a blocked road is soon one whose socket is full.
"""

import asyncio
import socket
from typing import Self
from urllib.parse import urlsplit

_CHUNK_BYTES = 16 * 1024
_BUFFER_BYTES = 8 * 1024
_REFUSAL = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Way:
    """One direction of all connections: to the server, or back."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.open.set()
        self.cut_after: int | None = None
        """Both ends of the next connection are reset when it has carried so many bytes."""
        self.piece_bytes = _CHUNK_BYTES
        """What is carried at a time."""
        self.pause_seconds = 0.0
        """Between two pieces."""
        self.carried = 0
        """By the connection that was made last."""


class Road:
    """Use as an async context manager; `url` is its client's end."""

    def __init__(self, server_url: str) -> None:
        parts = urlsplit(server_url)
        self._to = (parts.hostname, parts.port)
        self.there, self.back = Way(), Way()
        self.leads_nowhere = False
        """New connections are taken, and whatever is sent on them is swallowed."""
        self.loses_ends = False
        """A client's end of its connection is not told to the server: half of it stays open."""
        self.shut = False
        """New connections are broken at once, as where no server is."""
        self.refuses_upgrades = False
        """A connection that begins by asking for a WebSocket is answered 403, as some proxies do."""
        self.travelled = 0
        """How many connections were made."""
        self._server: asyncio.Server | None = None
        self._travels: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self.url = ""

    def block(self) -> None:
        """Nothing comes through from the server any more; what it sends piles up on its side."""
        self.back.open.clear()

    def free(self) -> None:
        self.back.open.set()

    def vanish(self) -> None:
        """Nothing comes through in either direction, and nobody is told."""
        self.there.open.clear()
        self.back.open.clear()

    def chop(self, piece_bytes: int = 1) -> None:
        """Carry so few bytes at a time."""
        self.there.piece_bytes = self.back.piece_bytes = piece_bytes

    def drip(self, bytes_per_second: int, *, each_seconds: float = 0.1) -> None:
        """From the server comes no more than so much."""
        self.back.piece_bytes = max(1, int(bytes_per_second * each_seconds))
        self.back.pause_seconds = each_seconds

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
        self.travelled += 1
        self._writers.add(client_out)
        try:
            if self.shut:
                raise ConnectionResetError
            if self.leads_nowhere:
                while await client_in.read(_CHUNK_BYTES):
                    pass
                raise ConnectionResetError
            begun = b""
            if self.refuses_upgrades:
                begun = await client_in.read(_CHUNK_BYTES)
                if b"upgrade: websocket" in begun.lower():
                    client_out.write(_REFUSAL)
                    await client_out.drain()
                    raise ConnectionResetError
            sock = socket.socket()
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
            sock.setblocking(False)
            await asyncio.get_running_loop().sock_connect(sock, self._to)
            server_in, server_out = await asyncio.open_connection(sock=sock, limit=_CHUNK_BYTES)
        except OSError:
            client_out.transport.abort()
            self._writers.discard(client_out)
            self._travels.discard(task)
            return
        self._writers.add(server_out)
        server_out.write(begun)
        there = asyncio.ensure_future(self._carry(client_in, server_out, self.there))
        back = asyncio.ensure_future(self._carry(server_in, client_out, self.back))
        try:
            await asyncio.wait((there, back), return_when=asyncio.FIRST_COMPLETED)
            if self.loses_ends and there.done() and not back.done():
                await asyncio.Event().wait()  # until the road is given up
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

    async def _carry(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, way: Way) -> None:
        way.carried = 0
        carried, cut_after = 0, way.cut_after
        try:
            while True:
                await way.open.wait()
                if cut_after is not None and carried >= cut_after:
                    return self.cut()
                most = way.piece_bytes if cut_after is None else min(way.piece_bytes, cut_after - carried)
                data = await source.read(most)
                if not data:
                    return None
                await way.open.wait()
                target.write(data)
                await target.drain()
                carried += len(data)
                way.carried = carried
                if way.pause_seconds:
                    await asyncio.sleep(way.pause_seconds)
        except OSError:
            target.transport.abort()
