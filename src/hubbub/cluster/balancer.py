"""HAProxy before the nodes: people have one address, and a node that is not ready gets nobody."""

import asyncio
import os
import signal
import socket
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from hubbub.cluster import programs
from hubbub.cluster.errors import ClusterFailed
from hubbub.cluster.node import Node
from hubbub.cluster.piece import Piece
from hubbub.cluster.ports import LOOPBACK, listening

START_SECONDS = 15.0
STOP_SECONDS = 5.0

CHECK_MS = 500
"""Between two questions to a node whether it is ready."""

_SOCKET = "HUBBUB_BALANCER_SOCKET"

_HEAD = """\
global
    hard-stop-after {stop_seconds:g}s
    fd-hard-limit 100000

defaults
    mode http
    option forwardfor
    option redispatch 1
    retries 2
    # A call that a node took and never answered goes to another, unless it might then be done twice.
    retry-on conn-failure empty-response
    timeout connect 2s
    # A node that is slow to say how it is, on a busy machine, is not away yet.
    timeout check 2s
    timeout http-request 15s
    timeout http-keep-alive 30s
    # Event streams say something every 20 seconds, WebSockets every 25, and a long poll takes 60 at most.
    timeout client 2m
    timeout server 2m
    timeout tunnel 2m

frontend people
    bind {bind}
    http-request set-header X-Forwarded-Proto http
    http-request set-header X-Forwarded-Host %[req.hdr(Host)]
    http-request disable-l7-retry unless METH_GET or {{ req.hdr(Idempotency-Key) -m found }}
    acl is_socket hdr(Upgrade) -i websocket
    acl is_stream path_end /subscribe
    use_backend streams if is_socket or is_stream
    default_backend calls

backend calls
    balance roundrobin
    option httpchk
    http-check send meth GET uri /health/ready ver HTTP/1.1 hdr Host localhost
    http-check expect status 200
"""

_STREAMS = """
# Streams stay where they are: so each goes to the node that has the fewest.
backend streams
    balance leastconn
"""


def configuration(nodes: Sequence[tuple[str, str]], bind: str) -> str:
    """HAProxy's, for nodes by their addresses, HOST:PORT, for people and for operators."""
    text = _HEAD.format(bind=bind, stop_seconds=STOP_SECONDS)
    for number, (address, admin) in enumerate(nodes, 1):
        host, _, port = admin.rpartition(":")
        text += (
            f"    server node-{number} {address} check addr {host} port {port} "
            f"inter {CHECK_MS}ms fall 1 rise 1 observe layer4 error-limit 1 on-error mark-down\n"
        )
    text += _STREAMS
    for number, (address, _) in enumerate(nodes, 1):
        text += f"    server node-{number} {address} track calls/node-{number}\n"
    return text


def is_installed() -> bool:
    try:
        _program()
    except ClusterFailed:
        return False
    return True


def _program() -> Path:
    return programs.program("haproxy", package="haproxy")


class Balancer(Piece):
    """Always true: from the first start to `leave` its port is ours, also while it is away, and who connects
    meanwhile waits for it.
    """

    def __init__(self, directory: Path, nodes: Sequence[Node], *, listen: str = f"{LOOPBACK}:0") -> None:
        """`nodes`: they have to have been started once, so that it is known where they are."""
        super().__init__("HAProxy", directory / "haproxy.log")
        self._directory = directory
        self._nodes = nodes
        self._listen = listen
        self._socket: socket.socket | None = None

    @property
    def url(self) -> str:
        assert self._socket is not None
        host, port = self._socket.getsockname()
        return f"http://{host}:{port}"

    async def start(self) -> None:
        binary = _program()
        sock = self._socket = self._socket or listening(self._listen)
        file = self._directory / "haproxy.cfg"
        file.write_text(configuration(_addresses(self._nodes), f"fd@${{{_SOCKET}}}"))
        await self._process.start(
            [str(binary), "-db", "-f", str(file.absolute())],
            environment={"PATH": os.defpath, _SOCKET: str(sock.fileno())},
            directory=self._directory,
            files=[sock.fileno()],
        )
        try:
            await self._answers()
        except BaseException:
            await self.leave()
            raise

    async def stop(self) -> None:
        """Nobody new; streams that are open get a moment."""
        await self._process.end(signal.SIGUSR1, STOP_SECONDS + 1)

    async def leave(self) -> None:
        await self.kill()
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    async def _answers(self) -> None:
        """Until it answers a request: its socket is there before it is."""
        host, port = urlsplit(self.url).hostname, urlsplit(self.url).port
        try:
            async with asyncio.timeout(START_SECONDS):
                asking = asyncio.create_task(_ask(str(host), port or 0))
                ended = asyncio.create_task(self._process.ended())
                await asyncio.wait((asking, ended), return_when=asyncio.FIRST_COMPLETED)
                for task in (asking, ended):
                    task.cancel()
                await asyncio.gather(asking, ended, return_exceptions=True)
        except TimeoutError:
            raise self._process.failed(f"did not answer within {START_SECONDS:g} s") from None
        if not self._process.is_running:
            raise self._process.failed("ended before it answered")


async def _ask(host: str, port: int) -> None:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        await reader.readline()
    finally:
        writer.close()


def _addresses(nodes: Sequence[Node]) -> list[tuple[str, str]]:
    return [(urlsplit(node.url).netloc, urlsplit(node.admin_url).netloc) for node in nodes]
