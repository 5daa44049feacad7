"""One HTTP request as the handlers see it: read once, lazily, with every wrong turn a BadInput.

It stands in for the framework's request on the way of a post, which has to be short.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qsl

import msgspec
from starlette.types import Receive, Scope

from hubbub.api import address
from hubbub.api.gate import Caller
from hubbub.api.transport import EXTENSION
from hubbub.domain.errors import BadInput, HubbubError, TooLarge, UnsupportedMediaType

if TYPE_CHECKING:
    from hubbub.api.built import Built
    from hubbub.api.context import Context
    from hubbub.api.documents import Documents

Given = TypeVar("Given", bound=msgspec.Struct)

_MAX_QUERY_FIELDS = 2048
"""More than one stream may subscribe to; the bound on the head is what stops longer ones."""

_JSON_TYPE = re.compile(r"application/(?:[\w.+-]+\+)?json\s*(?:;.*)?", re.IGNORECASE)
_AT = re.compile(r"^(?P<what>.*?)(?: - at `(?:key in )?\$\.?(?P<field>[^`]*)`)?$", re.DOTALL)
_MISSING = re.compile(r"missing required field `([^`]*)`")


class Unfinished(Exception):
    """The client went away before its request was whole, or took too long to send it."""


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """What all requests share."""

    context: Context
    documents: Documents
    built: Built
    trouble: Callable[[], HubbubError | None]
    """Why the server should be sent no more requests, or None."""


class Call:
    """One request.

    Always true: `caller` is set exactly when the operation asks for a sign-in and the gate let it pass.
    """

    __slots__ = ("_url", "caller", "context", "headers", "receive", "scope", "site")

    caller: Caller

    def __init__(self, site: Site, scope: Scope, receive: Receive) -> None:
        self.site = site
        self.context = site.context
        self.scope = scope
        self.receive = receive
        self.headers = _headers(scope["headers"])
        self._url: str | None = None

    @property
    def url(self) -> str:
        """Where this server is reached, no slash at the end: what every address it gives out starts with."""
        if self._url is None:
            settings = self.context.settings
            self._url = address.public_url(self.headers, self.scope["scheme"], settings, peer=self.peer)
        return self._url

    @property
    def is_personal(self) -> bool:
        """Whether the answer is for one who is signed in, and for nobody's cache."""
        return hasattr(self, "caller")

    @property
    def peer(self) -> str:
        client = self.scope.get("client")
        return client[0] if client else ""

    @property
    def address(self) -> str:
        """Of whoever sent this: what limits per address go by."""
        trusted = address.networks(self.context.settings.trusted_proxies)
        return address.client_address(self.peer, self.headers, trusted)

    @property
    def agent(self) -> str:
        """What the client calls itself."""
        return self.headers.get("user-agent", "")

    def part(self, name: str) -> str:
        """What stands in the path where the operation has `{name}`."""
        value: str = self.scope["path_params"][name]
        return value

    def query(self, kind: type[Given]) -> Given:
        """The query as a Struct. Members it does not have are ignored. Raises BadInput."""
        given = self.scope["query_string"]
        repeated = _repeated(kind)
        values: dict[str, str | list[str]] = {name: [] for name in repeated}
        try:
            pairs = parse_qsl(
                given.decode("latin-1"), keep_blank_values=True, max_num_fields=_MAX_QUERY_FIELDS
            )
        except ValueError:
            raise BadInput(f"A query has at most {_MAX_QUERY_FIELDS} members.") from None
        for name, value in pairs:
            if name in repeated:
                values[name].append(value)  # type: ignore[union-attr]
            elif name in values and name in kind.__struct_fields__:
                raise BadInput(f"`{name}` was given twice.", field=name)
            else:
                values[name] = value
        try:
            return msgspec.convert(values, kind, strict=False)
        except msgspec.ValidationError as wrong:
            raise _bad(wrong) from None

    async def body(self, kind: type[Given]) -> Given:
        """The JSON body as a Struct. Raises BadInput, TooLarge, UnsupportedMediaType, Unfinished."""
        if not self._says_json():
            raise UnsupportedMediaType("Send the body with `Content-Type: application/json`.")
        settings = self.context.settings
        body = await self._body_in_time(settings.max_body_bytes, settings.body_seconds)
        try:
            given: Given = _decoder(kind).decode(body)
            return given
        except msgspec.ValidationError as wrong:
            raise _bad(wrong) from None
        except (msgspec.DecodeError, UnicodeDecodeError) as wrong:
            raise BadInput(f"The body has to be JSON in UTF-8: {wrong}.") from None
        except RecursionError:
            raise BadInput("The body is nested too deeply.") from None

    def _says_json(self) -> bool:
        """Without a type it is taken to be, but from a page: browsers let any site's send such a body."""
        media_type = self.headers.get("content-type")
        return "origin" not in self.headers if media_type is None else _is_json(media_type)

    async def _body_in_time(self, limit_bytes: int, seconds: float) -> bytes:
        connection = self.scope.get("extensions", {}).get(EXTENSION)
        if connection is not None and connection.has_whole_body():
            return await self._body(limit_bytes)  # nothing to wait for: a timer would cost more than reading
        try:
            async with asyncio.timeout(seconds):
                return await self._body(limit_bytes)
        except TimeoutError:
            raise Unfinished from None

    async def _body(self, limit_bytes: int) -> bytes:
        if int(self.headers.get("content-length") or 0) > limit_bytes:
            raise _too_large(limit_bytes)
        parts: list[bytes] = []
        size = 0
        more = True
        while more:
            message = await self.receive()
            if message["type"] != "http.request":
                raise Unfinished
            part = message.get("body", b"")
            more = message.get("more_body", False)
            size += len(part)
            if size > limit_bytes:
                raise _too_large(limit_bytes)
            parts.append(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)


def first(scope: Scope, name: str) -> str | None:
    """One member of the query, before the rest of it is looked at."""
    query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    return next((value for key, value in query if key == name), None)


def _too_large(limit_bytes: int) -> TooLarge:
    return TooLarge(f"The body has at most {limit_bytes} bytes.", limit_bytes=limit_bytes)


def _headers(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    return address.joined((name.decode("latin-1"), value.decode("latin-1")) for name, value in raw)


@lru_cache(maxsize=64)
def _is_json(media_type: str) -> bool:
    return _JSON_TYPE.fullmatch(media_type.strip()) is not None


@cache
def _decoder(kind: type[msgspec.Struct]) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)


@cache
def _repeated(kind: type[msgspec.Struct]) -> frozenset[str]:
    """The members of a query that may be given more than once."""
    return frozenset(
        each.name for each in msgspec.structs.fields(kind) if getattr(each.type, "__origin__", None) is list
    )


def _bad(wrong: msgspec.ValidationError) -> BadInput:
    """What msgspec found, in a sentence that names the field."""
    text = str(wrong)
    found = _AT.match(text)
    what, field = (found["what"], found["field"]) if found else (text, None)
    missing = _MISSING.search(what)
    if missing:
        return BadInput(f"`{missing[1]}` is missing.", field=missing[1])
    what = what[:1].lower() + what[1:]
    return BadInput(f"`{field}`: {what}." if field else f"The body: {what}.", field=field or None)
