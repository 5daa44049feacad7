"""uvicorn, told how hubbub listens and how it leaves.

The way out: accept nobody, say good-bye to every stream, let what was said get through, and drop whoever has
not taken it when the time is up. An event stream sees no disconnect of its own at a shutdown, so it has to be
told; signals belong to the application, which ends with an exit code of its own.
"""

import asyncio
import contextlib
import errno
import socket
from collections.abc import Callable, Generator, Sequence
from typing import Any, cast

import uvicorn

from hubbub.knobs import Address

DEAD_PEER_SECONDS = 60
"""How long sent bytes may stay unacknowledged, or a full receiver stay full, before the kernel gives the
peer up (RFC 5482). It tells a reader who is slow, but alive, from one who is gone."""

UNSENT_BYTES = 16 * 1024
"""What the kernel takes for a reader beside what is on its way to it; the rest waits with us, where it is
counted. Linux would take megabytes, and sockets share the pages that it copies to: a few bytes that nobody
fetches hold on to thirty-two thousand, and writing to everybody becomes dearer.
"""

_TICK_SECONDS = 1.0

_LOOK_SECONDS = 0.005
"""Between two looks at who is still there, while leaving."""

_WHY = {
    errno.EADDRINUSE: "it is in use",
    errno.EADDRNOTAVAIL: "this machine does not have that address",
    errno.EACCES: "ports below 1024 need the right to bind them",
}


class CannotListen(Exception):
    """The address cannot be had; the text names it and says why."""


def listen(address: Address, *, backlog: int) -> list[socket.socket]:
    """Sockets on every address the host name stands for; with port 0, the same free port on each.

    Raises CannotListen.
    """
    sockets: list[socket.socket] = []
    port = address.port
    try:
        for family, _, _, _, where in socket.getaddrinfo(
            address.host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        ):
            if family not in (socket.AF_INET, socket.AF_INET6):
                continue
            sock = socket.create_server((str(where[0]), port), family=family, backlog=backlog)
            # Inherited by each connection. asyncio would set it itself, but not on sockets made this way,
            # and an answer sent in two writes then waits 40 ms for the client's acknowledgement.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if hasattr(socket, "TCP_USER_TIMEOUT"):  # inherited too
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, DEAD_PEER_SECONDS * 1000)
            if hasattr(socket, "TCP_NOTSENT_LOWAT"):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES)
            sock.setblocking(False)
            sockets.append(sock)
            port = sock.getsockname()[1]
    except OSError as error:
        for sock in sockets:
            sock.close()
        why = _WHY.get(error.errno or 0) or error.strerror or str(error)
        raise CannotListen(f"cannot listen on {address}: {why}") from error
    if not sockets:
        raise CannotListen(f"cannot listen on {address}: it stands for no address")
    return sockets


def bound(sockets: Sequence[socket.socket]) -> Address:
    """Where the first of them listens."""
    name = sockets[0].getsockname()
    return Address(name[0], name[1])


class Server(uvicorn.Server):
    """Always true: once `shutdown` has returned no connection is open."""

    def __init__(
        self,
        config: uvicorn.Config,
        *,
        farewell: Callable[[], object] = lambda: None,
        handshake_seconds: float = 10.0,
    ) -> None:
        """`farewell` tells the live streams; it is called once nobody new can come in. `handshake_seconds` is
        how long TLS may take to begin, and to end."""
        super().__init__(config)
        self._farewell = farewell
        self._handshake_seconds = handshake_seconds
        self.ready = asyncio.Event()
        self._leaving = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave signals alone: uvicorn would raise them again at the end, and the exit code with them."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn's, which leaves a client a minute for the handshake of TLS."""
        tls: dict[str, Any] = {}
        if self.config.ssl is not None:
            seconds = self._handshake_seconds
            tls = {
                "ssl": self.config.ssl,
                "ssl_handshake_timeout": seconds,
                "ssl_shutdown_timeout": seconds,
            }
        loop = asyncio.get_running_loop()
        self.servers = [
            await loop.create_server(self._connection, sock=sock, backlog=self.config.backlog, **tls)
            for sock in sockets or ()
        ]
        self.started = True
        self.ready.set()

    def _connection(self) -> asyncio.Protocol:
        kind = cast("Callable[..., asyncio.Protocol]", self.config.http_protocol_class)
        return kind(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)

    def leave(self) -> None:
        """Have `serve` end, by way of `shutdown`."""
        self._leaving.set()

    async def main_loop(self) -> None:
        """As uvicorn's, which looks ten times a second whether it is to end."""
        while not self._leaving.is_set():
            await self.on_tick(0)  # the Date field of the next second's answers
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_TICK_SECONDS):
                    await self._leaving.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn's, which is never done in less than a tenth of a second."""
        for server in self.servers:
            server.close()
        self._farewell()
        state = self.server_state
        for connection in list(state.connections):
            connection.shutdown()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.config.timeout_graceful_shutdown):
                # uvicorn tells nobody when the last has gone.
                while (state.connections or state.tasks) and not self.force_exit:  # noqa: ASYNC110
                    await asyncio.sleep(_LOOK_SECONDS)
        for task in state.tasks:
            task.cancel()
        for connection in list(state.connections):
            connection.transport.abort()
        await asyncio.sleep(0)  # they hear of it in the next turn
