"""What operators ask, on a listener of its own that nobody else reaches: metrics and health, and, for who has
the admin token, whether the store is whole."""

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from time import monotonic

import msgspec
import structlog
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from hubbub.storage.auditing import Auditing
from hubbub.storage.errors import StoreUnusable
from hubbub.verify import Anchor, Counts, Done, Earlier, Progress, Report, Walk

MAX_EARLIER_BYTES = 64 << 20
"""Of an earlier report that is to be compared with: some 90 bytes a log."""

TOLD_SECONDS = 1.0
"""Between two lines about a check that goes on."""

_log = structlog.get_logger("hubbub.admin")

_THERE_IS = (
    "There are /metrics, /health/live and /health/ready here, and POST /verify with the admin token.\n"
)


def admin_app(metrics: CollectorRegistry, health: ASGIApp, verification: ASGIApp) -> ASGIApp:
    """`/metrics`, `/health/…` as `health` answers it, and `/verify`."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if path == "/metrics":
            await _shown(metrics, Headers(scope=scope).get("accept", ""))(scope, receive, send)
        elif path.startswith("/health/"):
            await health(scope, receive, send)
        elif path == "/verify":
            await verification(scope, receive, send)
        else:
            await PlainTextResponse(_THERE_IS, status_code=404)(scope, receive, send)

    return app


def _shown(metrics: CollectorRegistry, accept: str) -> Response:
    encode, media_type = choose_encoder(accept)
    return Response(encode(metrics), media_type=media_type)


class Verification:
    """`POST /verify`: the server looks its store through, and goes on serving.

    Always true: one check at a time; a check takes at most half of the loop's time, a batch at once, and ends
    when who asked for it has gone.
    """

    def __init__(
        self,
        open_audit: Callable[[], Awaitable[Auditing]],
        token_hash: bytes | None,
        *,
        now_ms: Callable[[], int],
    ) -> None:
        """`token_hash`: SHA-256 of what opens it; with None nothing does."""
        self._open_audit = open_audit
        self._token_hash = token_hash
        self._now_ms = now_ms
        self._is_running = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        refusal = self._refusal(request)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        self._is_running = True  # before anything is awaited
        try:
            against = await _earlier(request)
            if against is None:
                refusal = _told(400, "The body has to be an earlier report, or empty.")
                await refusal(scope, receive, send)
                return
            await self._check(against, scope, receive, send)
        finally:
            self._is_running = False

    def _refusal(self, request: Request) -> Response | None:
        if self._token_hash is None:
            return _told(404, "There is no admin token, so nobody may ask for this: set --admin-token-file.")
        if not self._may(request.headers.get("authorization", "")):
            return _told(401, "This needs the admin token.", {"WWW-Authenticate": "Bearer"})
        if request.method != "POST":
            return _told(405, "Ask with POST.", {"Allow": "POST"})
        if self._is_running:
            return _told(409, "A check is going on already.")
        return None

    def _may(self, authorization: str) -> bool:
        scheme, _, token = authorization.partition(" ")
        given = hashlib.sha256(token.strip().encode()).digest()
        assert self._token_hash is not None
        return hmac.compare_digest(given, self._token_hash) and scheme.lower() == "bearer"

    async def _check(self, against: Mapping[str, Anchor], scope: Scope, receive: Receive, send: Send) -> None:
        try:
            store = await self._open_audit()
        except StoreUnusable as error:
            await _told(503, str(error))(scope, receive, send)
            return
        walk = Walk(store, against=against, pause=Half())

        async def look() -> Report:
            try:
                return await walk.run(now_ms=self._now_ms, monotonic=monotonic)
            finally:
                await store.close()

        # A task of its own, which comes to its end whatever becomes of the one it tells.
        check = asyncio.get_running_loop().create_task(look())
        try:
            lines = _lines(check, walk.counts)
            await StreamingResponse(lines, media_type="application/x-ndjson")(scope, receive, send)
        finally:
            check.cancel()


async def _lines(check: asyncio.Task[Report], counts: Counts) -> AsyncIterator[bytes]:
    """How far it is, every second, and the report at last; nothing more once the database is gone."""
    while not (await asyncio.wait([check], timeout=TOLD_SECONDS))[0]:
        yield msgspec.json.encode(Progress(checked=counts)) + b"\n"
    try:
        report = check.result()
    except StoreUnusable as error:
        _log.warning("a check could not go on", reason=str(error))
        return
    yield msgspec.json.encode(Done(report=report)) + b"\n"


class Half:
    """A pause as long as the work since the last one: half of the time is everyone else's."""

    def __init__(self) -> None:
        self._since = monotonic()

    async def __call__(self) -> None:
        await asyncio.sleep(monotonic() - self._since)
        self._since = monotonic()


async def _earlier(request: Request) -> Mapping[str, Anchor] | None:
    """The anchors of the report in the body; none when it is empty. None for a body that is none."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MAX_EARLIER_BYTES:
            return None
    if not body:
        return {}
    try:
        return msgspec.json.decode(body, type=Earlier).anchors
    except msgspec.DecodeError:
        return None


def _told(status: int, text: str, headers: Mapping[str, str] | None = None) -> Response:
    return PlainTextResponse(text + "\n", status_code=status, headers=headers)
