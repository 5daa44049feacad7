"""Pages of other sites that may call this server: none, unless the operator names them.

They may send a bearer token, never the cookie (no credentials are allowed): what they do, they do in the name
of whoever handed them a token. After the Fetch standard, section 3.3.
"""

from starlette.types import Scope

from hubbub.api.answer import Headers
from hubbub.api.settings import Settings

_ALLOWED = (
    (b"access-control-allow-methods", b"GET, POST, PUT, DELETE"),
    (
        b"access-control-allow-headers",
        b"Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Last-Event-ID",
    ),
    (b"access-control-max-age", b"7200"),
)
_EXPOSED = (
    (b"access-control-expose-headers", b"ETag, Link, Location, RateLimit, RateLimit-Policy, Retry-After"),
)
_VARIES = ((b"vary", b"Origin"),)


class Cors:
    def __init__(self, settings: Settings) -> None:
        self._origins = frozenset(origin.encode() for origin in settings.cors_origins)
        self.open = bool(self._origins)
        """Whether any other site is allowed; if not there is nothing to say."""

    def fields(self, scope: Scope) -> tuple[tuple[bytes, bytes], ...]:
        """What the answer to a request says about who may read it."""
        origin = next((value for name, value in scope["headers"] if name == b"origin"), None)
        if origin not in self._origins:
            return _VARIES
        allowed: Headers = _ALLOWED if scope["method"] == "OPTIONS" else _EXPOSED
        return (*_VARIES, (b"access-control-allow-origin", origin), *allowed)
