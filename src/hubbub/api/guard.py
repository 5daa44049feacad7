"""What every answer tells browsers to refuse, whoever gives it: the application, the HTTP connection that
cannot read a request, the WebSocket that is not opened, the operators' listener.

Pages run, load and call what this server has, and nothing else. What runs is a file of /assets: no script
stands in a page, and no script can turn a text into one, or into HTML. Nobody may frame a page, reach it
through a window they opened, embed what it is made of, or guess at types.
"""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hubbub.api.answer import Headers
from hubbub.api.settings import Settings

SECURITY_FIELDS: tuple[tuple[bytes, bytes], ...] = (
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
        b"connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; "
        b"frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
    ),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)

# A year, as browsers want it at the least for their lists (RFC 6797). For this host alone: what else the
# domain serves is not known here.
_ONLY_TLS = ((b"strict-transport-security", b"max-age=31536000"),)

_UNDER_TLS = SECURITY_FIELDS + _ONLY_TLS


def guard(settings: Settings, scheme: str) -> Headers:
    """The fields of an answer on a connection of this `scheme`.

    Under TLS, this server's own or that of the proxy that `public_url` tells of, browsers are asked to come
    back in no other way. Over plain HTTP they would not listen (RFC 6797, section 8.1).
    """
    tls = scheme in ("https", "wss") or (settings.public_url or "").startswith("https:")
    return _UNDER_TLS if tls else SECURITY_FIELDS


def without_guard(app: ASGIApp) -> ASGIApp:
    """For a listener that adds the fields by itself, also where `app` is never asked: none of them twice."""
    ours = {name for name, _ in SECURITY_FIELDS}

    async def bare(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_bare(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [field for field in message["headers"] if field[0] not in ours]
            await send(message)

        await app(scope, receive, send_bare)

    return bare
