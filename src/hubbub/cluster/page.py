"""A page that shows the nodes and their readers as they are now, on a port of its own."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hubbub.cluster.watch import Watch

_SITE = Path(__file__).parent / "site"

_FILES = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
    "/page.js": ("page.js", "text/javascript; charset=utf-8"),
}

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def app(watch: Watch) -> Starlette:
    """`/` for people, and `/cluster.json` for the page and for scripts."""

    async def file(request: Request) -> Response:
        name, kind = _FILES[request.url.path]
        return Response((_SITE / name).read_bytes(), media_type=kind, headers=_HEADERS)

    async def seen(request: Request) -> Response:
        body = msgspec.json.encode(await watch.look())
        return Response(body, media_type="application/json", headers=_HEADERS)

    return Starlette(routes=[*(Route(path, file) for path in _FILES), Route("/cluster.json", seen)])


@asynccontextmanager
async def served(watch: Watch, sock: socket.socket) -> AsyncIterator[str]:
    """The page's address, while the block lasts. `sock` listens already."""
    config = uvicorn.Config(
        app(watch), lifespan="off", log_config=None, access_log=False, ws="none", timeout_graceful_shutdown=1
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve([sock]))
    host, port = sock.getsockname()
    try:
        yield f"http://{host}:{port}/"
    finally:
        server.should_exit = True
        await task


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """They belong to who shows the page."""
        yield
