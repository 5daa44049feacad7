"""What operators ask, on a listener of its own that nobody else reaches: metrics and health."""

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send


def admin_app(metrics: CollectorRegistry, health: ASGIApp) -> ASGIApp:
    """`/metrics`, and `/health/…` as `health` answers it."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if path == "/metrics":
            await _shown(metrics, Headers(scope=scope).get("accept", ""))(scope, receive, send)
        elif path.startswith("/health/"):
            await health(scope, receive, send)
        else:
            there_is = "There are /metrics, /health/live and /health/ready here.\n"
            await PlainTextResponse(there_is, status_code=404)(scope, receive, send)

    return app


def _shown(metrics: CollectorRegistry, accept: str) -> Response:
    encode, media_type = choose_encoder(accept)
    return Response(encode(metrics), media_type=media_type)
