"""An HTTP answer: status, header fields, body. A few times lighter than a framework's response."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.types import Receive, Scope, Send

Headers = Sequence[tuple[bytes, bytes]]
"""Header fields as ASGI has them: names in lower case."""

JSON = b"application/json"
HTML = b"text/html; charset=utf-8"
PROBLEM = "application/problem+json"


class Answer:
    """A whole answer, itself an ASGI application that gives it."""

    __slots__ = ("body", "headers", "media_type", "status")

    def __init__(
        self, body: bytes = b"", *, status: int = 200, media_type: bytes = JSON, headers: Headers = ()
    ) -> None:
        self.status = status
        self.body = body
        self.media_type = media_type
        self.headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it; to a HEAD only what would stand before the body (RFC 9110, section 9.3.2)."""
        headers: list[tuple[bytes, bytes]] = list(self.headers)
        if self.status not in (204, 304):
            headers.append((b"content-type", self.media_type))
            headers.append((b"content-length", b"%d" % len(self.body)))
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        body = b"" if scope["method"] == "HEAD" else self.body
        await send({"type": "http.response.body", "body": body})


NOT_KEPT = (b"cache-control", b"no-store")
"""The field of an answer that nobody on the way may keep."""


def created(body: bytes, location: str, headers: Headers = ()) -> Answer:
    """201 with the thing that was made, and its address, which has to be absolute."""
    return Answer(body, status=201, headers=[(b"location", location.encode()), NOT_KEPT, *headers])
