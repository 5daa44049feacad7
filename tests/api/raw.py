"""A client that speaks ASGI itself: for what no well-behaved one does."""

import asyncio
from typing import Any

from starlette.types import ASGIApp, Message


class RawClient:
    """One request, whose body comes when `says` gives it."""

    def __init__(
        self,
        app: ASGIApp,
        method: str,
        path: str,
        token: str | None = None,
        *,
        query: str = "",
        headers: dict[str, str] | None = None,
    ) -> None:
        fields = {"host": "chat.example"} | (headers or {})
        if token is not None:
            fields["authorization"] = f"Bearer {token}"
        self._app = app
        self._scope: dict[str, Any] = {
            "type": "http",
            "method": method,
            "scheme": "http",
            "path": path,
            "query_string": query.encode(),
            "headers": [(name.encode(), value.encode("latin-1")) for name, value in fields.items()],
            "client": ("192.0.2.1", 50000),
        }
        self._said: asyncio.Queue[Message] = asyncio.Queue()
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = b""

    def says(self, *messages: Message) -> None:
        for message in messages:
            self._said.put_nowait(message)

    async def ask(self) -> None:
        await self._app(self._scope, self._said.get, self._hear)

    async def _hear(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode(): value.decode("latin-1") for name, value in message["headers"]}
        else:
            self.body += message.get("body", b"")


def part(body: bytes, *, more: bool = True) -> Message:
    """A piece of a body sent in chunks."""
    return {"type": "http.request", "body": body, "more_body": more}
