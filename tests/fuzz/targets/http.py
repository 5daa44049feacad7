"""An HTTP connection fed with anything, with the whole server behind it: it answers, refuses or closes.

Whichever way the bytes are cut, the same requests are seen in them, and no other than h11 sees.
"""

import asyncio
import logging
import re
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import h11
import uvicorn
from structlog.testing import capture_logs
from uvicorn.server import ServerState

from fuzz.targets import cut, cut_at, halved, whole
from hubbub.api.http import build_app
from hubbub.api.settings import Settings
from hubbub.api.transport import PARSED_AT_ONCE, http_class
from hubbub.api.websocket import websocket_class
from hubbub.app import assemble
from hubbub.backends import Backend, Seams
from hubbub.config import Config
from hubbub.domain.ids import RoomId, UserId
from hubbub.domain.model import Room
from hubbub.membership import Membership
from hubbub.service.passwords import Cost, Passwords
from hubbub.storage.base import Seed
from hubbub.storage.sqlite import SqliteStore
from support.seeded import seed, token_of

ADA = token_of("ada")
ROOM = "lounge"
TURNS = 6
"""Turns of the loop between two pieces, and for what a request starts to be done."""

SETTLED_SECONDS = 20.0
SETTINGS = Settings(max_head_bytes=4096, max_body_bytes=8192, max_frame_bytes=2048)
_FAILED = re.compile(rb"HTTP/1\.[01] 5\d\d ")

Request = tuple[str, bytes, tuple[tuple[bytes, bytes], ...]]


class Transport:
    """A connection to nowhere: what is written is kept, and always taken at once."""

    def __init__(self) -> None:
        self.written = bytearray()
        self.closing = False
        self.reading = True
        self.protocol: Any = None

    def write(self, data: bytes) -> None:
        if not self.closing:
            self.written += data

    def close(self) -> None:
        self.closing = True

    abort = close

    def is_closing(self) -> bool:
        return self.closing

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def set_protocol(self, protocol: Any) -> None:
        self.protocol = protocol

    def get_protocol(self) -> Any:
        return self.protocol

    def set_write_buffer_limits(self, high: int) -> None:
        pass

    def get_write_buffer_size(self) -> int:
        return 0

    def get_extra_info(self, name: str) -> Any:
        return ("192.0.2.1", 4711) if name == "peername" else None


class Complaints(logging.Handler):
    """What is logged as an error: nothing a client sends is one of ours."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(self.format(record))


class Site:
    """A server without a socket, in a loop of its own that runs only while something is tried."""

    def __init__(self, data: Path) -> None:
        self.loop = asyncio.new_event_loop()
        self.loop.set_exception_handler(lambda _, about: self.complaints.said.append(str(about)))
        self.complaints = Complaints()
        for name in ("uvicorn.error", "hubbub", "asyncio"):
            logging.getLogger(name).addHandler(self.complaints)
        self.requests: list[Request] = []
        self.loop.run_until_complete(self._build(data))

    async def _build(self, data: Path) -> None:
        await seed(data)
        seams = Seams()
        self.store = SqliteStore.open(
            data, now_ms=seams.now_ms, randomness=seams.randomness, on_broken=self.complaints.said.append
        )
        room = Room(
            id=RoomId(ROOM), name=ROOM, created_at_ms=seams.now_ms(), created_by=UserId("ada"), head=0
        )
        await self.store.seed(Seed(users=[], sessions=[], rooms=[(room, ROOM)]))
        passwords = Passwords(workers=1, queue=64, cost=Cost(memory_kib=8, passes=1))
        config = Config(data=data, limits=None, settings=SETTINGS)
        backend = Backend(store=self.store, now_ms=seams.now_ms, audit=lambda: None)
        self.context = assemble(config, backend, Membership(), passwords, seams)
        app = build_app(self.context)

        async def noting(scope: Any, receive: Any, send: Any) -> None:
            self.requests.append((scope["method"], scope["raw_path"], tuple(scope["headers"])))
            await app(scope, receive, send)

        self.config = uvicorn.Config(
            noting,
            http=http_class(self.context),
            ws=websocket_class(self.context),
            lifespan="off",
            log_config=None,
            proxy_headers=False,
            server_header=False,
        )
        self.config.load()
        self.config.loaded_app = noting

    def hear(self, pieces: Iterable[bytes]) -> tuple[list[Request], bytes]:
        """The requests that were seen in what one connection sent, and what was answered."""
        self.requests = []
        with capture_logs() as logs:
            written = self.loop.run_until_complete(self._converse(pieces))
        assert not [entry for entry in logs if entry["log_level"] in ("error", "critical")], logs
        assert not self.complaints.said, self.complaints.said
        return self.requests, written

    async def _converse(self, pieces: Iterable[bytes]) -> bytes:
        transport = Transport()
        connection = self.config.http_protocol_class(  # type: ignore[operator, call-arg]
            config=self.config, server_state=ServerState(), app_state={}, _loop=self.loop
        )
        transport.protocol = connection
        connection.connection_made(transport)
        for piece in pieces:
            if transport.closing or not transport.reading:
                break  # no more would be delivered
            transport.protocol.data_received(piece)
            for _ in range(TURNS):
                await asyncio.sleep(0)
            self._is_bounded(connection, len(piece))
        for _ in range(TURNS):
            await asyncio.sleep(0)
        transport.closing = True
        transport.protocol.connection_lost(None)
        await self._settle()
        return bytes(transport.written)

    def _is_bounded(self, connection: Any, last: int) -> None:
        assert connection._held_bytes <= SETTINGS.max_head_bytes + PARSED_AT_ONCE
        assert len(connection._unparsed) <= last
        assert len(connection.pipeline) <= PARSED_AT_ONCE // len(b"GET / HTTP/1.1\r\n\r\n") + 1

    async def _settle(self) -> None:
        """What the connection had started ends with it, and nothing of it is left."""
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        if rest:
            done, pending = await asyncio.wait(rest, timeout=SETTLED_SECONDS)
            assert not pending, f"still running: {pending}"
            for task in done:
                if not task.cancelled() and (error := task.exception()) is not None:
                    raise error
        connections = self.context.connections
        assert not connections._sockets, "a connection that is over is still counted"
        assert not connections._streams, "a session still holds a stream"
        assert not any(connections.by_transport.values())


_site: list[Site] = []


def _the_site() -> Site:
    """Made once, with its data where the system keeps what may be lost."""
    if not _site:
        folder = tempfile.TemporaryDirectory(prefix="hubbub-fuzz-")
        site = Site(Path(folder.name) / "data")
        site.folder = folder  # type: ignore[attr-defined]  # removed with it
        _site.append(site)
    return _site[0]


def try_one(data: bytes) -> None:
    pieces = cut(data)
    site = _the_site()
    seen, written = site.hear(pieces)
    assert not _FAILED.search(written) or _FAILED.search(b"".join(pieces)), written[:400]
    assert not written or written.startswith(b"HTTP/1.1 "), written[:100]
    seen_whole, _ = site.hear([b"".join(pieces)])
    # A mistake ends the connection, and what it has not begun with by then it does not begin with.
    assert seen[: len(seen_whole)] == seen_whole[: len(seen)], (seen, seen_whole)
    _are_there(seen, b"".join(pieces))


def _are_there(seen: list[Request], stream: bytes) -> None:
    """Another reader of HTTP finds them too: none begins within the body of the one before."""
    there, lawful = by_h11(stream)
    found = [(method, path) for method, path, _ in seen]
    targets = [(method, _path_in(target)) for method, target in there]
    assert found[: len(targets)] == targets[: len(found)], (found, targets)
    assert not lawful or len(found) <= len(targets), f"{found[len(targets) :]} was smuggled in"


def _path_in(target: bytes) -> bytes:
    parts = urlsplit(target) if not target.startswith(b"/") else None
    return parts.path if parts else target.partition(b"?")[0].partition(b"#")[0]


def by_h11(stream: bytes) -> tuple[list[tuple[str, bytes]], bool]:
    """The requests in `stream`, and whether they end there rather than with a mistake."""
    reader = h11.Connection(h11.SERVER, max_incomplete_event_size=len(stream) + 1)
    reader.receive_data(stream)
    there: list[tuple[str, bytes]] = []
    try:
        while True:
            event = reader.next_event()
            if event is h11.NEED_DATA or isinstance(event, h11.ConnectionClosed):
                return there, True
            if isinstance(event, h11.Request):
                there.append((event.method.decode(), event.target))
            if event is h11.PAUSED:
                if reader.our_state is not h11.SEND_RESPONSE:
                    return there, True
                reader.send(h11.Response(status_code=404, headers=[("Content-Length", "0")]))
                reader.send(h11.EndOfMessage())
                if reader.our_state is not h11.DONE:
                    return there, True
                reader.start_next_cycle()
    except h11.RemoteProtocolError:
        return there, False


def _request(method: str, path: str, *fields: str, body: bytes = b"", token: bool = True) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: a"]
    if token:
        lines.append(f"Authorization: Bearer {ADA}")
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, *fields, "", ""]).encode() + body


_CHUNKED = "Transfer-Encoding: chunked"
_UPGRADE = (
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
)

_TO_H2C = ("Connection: Upgrade", "Upgrade: h2c")


def _streams() -> Iterator[bytes]:
    yield _request("GET", "/health/live", token=False)
    yield _request("GET", "/rooms?limit=1&prefix=l")
    yield _request("GET", f"/room/{ROOM}/messages?after=0&wait=30") + _request("GET", "/rooms")
    yield _request("POST", f"/room/{ROOM}/messages", body=b'{"text": "hi"}')
    yield _request(
        "POST", f"/room/{ROOM}/messages", "Idempotency-Key: k", 'If-Match: "0"', body=b'{"text":""}'
    )
    yield (
        _request("POST", f"/room/{ROOM}/messages", _CHUNKED)
        + b'5\r\n{"tex\r\n9;x=y\r\nt":  "hi"}\r\n0\r\nX: y\r\n\r\n'
    )
    yield _request("POST", "/rooms", "Content-Type: text/plain", body=b'{"name": "x"}')
    yield _request("POST", "/users", body=b'{"name": "zoe", "password": "short"}', token=False)
    yield _request(
        "POST", "/sessions", "Expect: 100-continue", body=b'{"name": "zoe", "password": "12345678"}'
    )
    yield _request("GET", f"/room/{ROOM}/subscribe", "Accept: text/event-stream", "Last-Event-ID: 0")
    yield _request("GET", "/subscribe?room=lounge@0&inbox=", "Accept: application/x-ndjson")
    yield _request("GET", f"/room/{ROOM}/subscribe")
    yield _request("GET", "/ws", *_UPGRADE) + b"\x81\x82\0\0\0\0{}\x88\x80\0\0\0\0"
    yield _request("GET", f"/room/{ROOM}/subscribe?after=0", *_UPGRADE) + b"\x89\x80\0\0\0\0"
    yield _request("GET", "/rooms", *_UPGRADE)
    yield _request("GET", "/rooms", *_TO_H2C) + _request("GET", "/health/live")
    yield _request("POST", "/rooms", *_TO_H2C, body=_request("GET", "/rooms")) + _request("GET", "/docs")
    yield _request("POST", "/rooms", *_UPGRADE, body=b"{}") + _request("GET", "/health/live")
    yield _request("CONNECT", "a:1") + _request("GET", "/health/live")
    yield b"GET /rooms HTTP/1.0\r\n" + "\r\n".join([*_UPGRADE, "", ""]).encode() + _request("GET", "/rooms")
    yield b"GET /rooms\r\n" + "\r\n".join([*_UPGRADE, "", ""]).encode() + _request("GET", "/rooms")
    yield b"GET /rooms HTTP/2.0\r\nHost: a\r\n\r\n" + _request("GET", "/rooms")
    yield _request("HEAD", "/openapi.json", "If-None-Match: *") * 3
    yield _request("OPTIONS", "/rooms", "Origin: http://a") + _request("DELETE", "/sessions/nobody")
    yield _request("POST", "/rooms", "Content-Length: 3", _CHUNKED) + b"0\r\n\r\n" + _request("GET", "/rooms")
    yield _request("POST", "/rooms", "Content-Length: 5") + b"x" + _request("GET", "/rooms")
    yield b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" * 2
    yield b"\r\n\r\nGET http://a/rooms HTTP/1.1\r\nHost: a\r\nHost: b\r\nX : y\r\n\r\n"
    yield b"GET /docs HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 5000 + b"\r\n\r\n"
    yield b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def seeds() -> Iterator[bytes]:
    for stream in _streams():
        yield whole(stream)
        yield halved(stream)
        yield cut_at(stream.index(b"\r\n\r\n") + 4, stream)


WORDS = (
    *(
        b"GET ",
        b"POST ",
        b"DELETE ",
        b"OPTIONS ",
        b"HEAD ",
        b"CONNECT ",
        b"Upgrade: h2c\r\n",
        b" HTTP/1.1\r\n",
        b" HTTP/1.0\r\n",
        b"\r\n",
        b"\r\n\r\n",
    ),
    *(
        b"Content-Length: ",
        b"Transfer-Encoding: chunked\r\n",
        b"Connection: close\r\n",
        b"Expect: 100-continue\r\n",
    ),
    *(
        b"Authorization: Bearer " + ADA.encode() + b"\r\n",
        b"Host: a\r\n",
        b"Cookie: ",
        b"Origin: http://a\r\n",
    ),
    *(
        b"Upgrade: websocket\r\n",
        b"Connection: Upgrade\r\n",
        b"Accept: text/event-stream\r\n",
        b"Range: bytes=0-\r\n",
    ),
    *(
        b"/rooms",
        b"/users",
        b"/sessions",
        b"/room/lounge",
        b"/messages",
        b"/subscribe",
        b"/inbox",
        b"/ws",
        b"?wait=9",
    ),
    *(
        b"0\r\n\r\n",
        b"5\r\n",
        b"FFFFFFFFFFFFFFFF\r\n",
        b"-1",
        b"\0",
        b"\n",
        b"\r",
        b" ",
        b"\t",
        b":",
        b";",
        b"%00",
    ),
    *(
        b'{"text": "hi"}',
        b'{"name": "x"}',
        b"HTTP/2.0",
        b"Idempotency-Key: k\r\n",
        b'If-Match: "0"\r\n',
        b"chunked",
    ),
)
