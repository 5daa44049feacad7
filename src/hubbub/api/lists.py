"""What all lists share: Link, ETag and 304."""

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from urllib.parse import urlencode

import msgspec

from hubbub.api.answer import JSON, NOT_KEPT, Answer
from hubbub.api.call import Call
from hubbub.protocol.frames import encode
from hubbub.storage.base import MAX_PAGE

MAX = MAX_PAGE
"""The most entries of one page."""

_TAG_BYTES = 12

ASK_AGAIN = (b"cache-control", b"no-cache")
"""The field of an answer that is the same for everybody: it may be kept, and is asked for again each time."""


def link(call: Call, query: msgspec.Struct, rel: str, **changes: str) -> str:
    """One entry of a Link field (RFC 8288): this very list, from another place on.

    Members at their defaults are left out; those in `changes` take the place of the cursors of `query`.
    """
    kept = {
        field.name: getattr(query, field.name)
        for field in msgspec.structs.fields(query)
        if field.name not in _PLACES and getattr(query, field.name) != field.default
    }
    fields = urlencode({**kept, **changes}, safe=":")
    return f'<{call.url}{call.scope["path"]}?{fields}>; rel="{rel}"'


_PLACES = ("after", "before", "wait")


def answer(
    call: Call, entries: Sequence[msgspec.Struct], query: msgspec.Struct, follows: Mapping[str, str] | None
) -> Answer:
    """A list as a plain array, with a link to what follows, and a tag of what it says."""
    links = [link(call, query, "next", **follows)] if follows else []
    return tagged(call, encode(entries), links=links)


def tagged(
    call: Call,
    body: bytes,
    *,
    tag: str | None = None,
    links: Sequence[str] = (),
    media_type: bytes = JSON,
) -> Answer:
    """`body` with an ETag, or 304 when that is what the client has. Without `tag`, one of the body itself."""
    etag = f'"{tag or blake2b(body, digest_size=_TAG_BYTES).hexdigest()}"'
    headers = [(b"etag", etag.encode()), NOT_KEPT if call.is_personal else ASK_AGAIN]
    if links:
        headers.append((b"link", ", ".join(links).encode()))
    if matches(call.headers.get("if-none-match"), etag):
        return Answer(status=304, headers=headers)
    return Answer(body, media_type=media_type, headers=headers)


def matches(given: str | None, etag: str) -> bool:
    """Whether If-None-Match names `etag`, by the weak comparison of RFC 9110, section 13.1.2."""
    if given is None:
        return False
    return given.strip() == "*" or etag in (each.strip().removeprefix("W/") for each in given.split(","))
