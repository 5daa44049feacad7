"""The page in which people talk, as `web/build` left it: read once, at the start, and given out of memory.

What a request names is looked up among the names the directory held then; it never becomes a path. A page
that is built anew under a running server is seen by the next one: nobody gets half of each.

Without a built page there is nothing here, and the server serves everything else.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from hashlib import blake2b
from importlib.resources import files
from importlib.resources.abc import Traversable

import msgspec

from hubbub.api.answer import HTML, Answer
from hubbub.api.lists import ASK_AGAIN, matches

PLACE: Traversable = files("hubbub") / "web"

MEDIA_TYPES: Mapping[str, bytes] = {
    "css": b"text/css; charset=utf-8",
    "js": b"text/javascript; charset=utf-8",
    "png": b"image/png",
    "svg": b"image/svg+xml",
    "txt": b"text/plain; charset=utf-8",
    "webmanifest": b"application/manifest+json",
    "woff2": b"font/woff2",
}
"""What may be given out, by the end of its name. Other files are as if they were not there."""

CODINGS: Mapping[str, str] = {"br": "br", "gzip": "gz"}
"""Content codings that a file may be there in, the better first, and what such a file's name ends with."""

IDENTITY = "identity"

_NEVER_CHANGES = (b"cache-control", b"public, max-age=31536000, immutable")  # RFC 9111: a year; RFC 8246
_VARIES = (b"vary", b"Accept-Encoding")
_TAG_BYTES = 12


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """A file's bytes in one content coding."""

    body: bytes
    etag: str
    headers: tuple[tuple[bytes, bytes], ...]


class File(msgspec.Struct, frozen=True, kw_only=True):
    """A file in every content coding it is there in; `identity` is always one of them."""

    media_type: bytes
    forms: Mapping[str, Form]

    def answer(self, headers: Mapping[str, str]) -> Answer:
        """In the coding the request likes best, or 304 when the client has just that."""
        form = self.forms[preferred(headers.get("accept-encoding"), tuple(self.forms))]
        if matches(headers.get("if-none-match"), form.etag):
            return Answer(status=304, headers=form.headers)
        return Answer(form.body, media_type=self.media_type, headers=form.headers)


class Built(msgspec.Struct, frozen=True, kw_only=True):
    """The page, and by their names the files it loads."""

    index: File | None = None
    assets: Mapping[str, File] = {}


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """`built.json`: what `web/build` notes about what it made."""

    immutable: frozenset[str] = frozenset()
    """The names that carry a digest of what is in them: another content has another name."""


def read(place: Traversable | None = None) -> Built:
    """The page at `place`, or no page. A page without a record, built by hand, is served and never kept."""
    place = place or PLACE
    if not (place / "index.html").is_file():
        return Built()
    record = place / "built.json"
    immutable = msgspec.json.decode(record.read_bytes(), type=Record).immutable if record.is_file() else ()
    return Built(
        index=_file(place, "index.html", HTML, kept=ASK_AGAIN),
        assets=dict(_assets(place / "assets", immutable)),
    )


def _assets(place: Traversable, immutable: Collection[str]) -> Iterator[tuple[str, File]]:
    if not place.is_dir():
        return
    for each in place.iterdir():
        media_type = MEDIA_TYPES.get(each.name.rpartition(".")[2])
        if media_type is not None and each.is_file():
            kept = _NEVER_CHANGES if each.name in immutable else ASK_AGAIN
            yield each.name, _file(place, each.name, media_type, kept=kept)


def _file(place: Traversable, name: str, media_type: bytes, *, kept: tuple[bytes, bytes]) -> File:
    whole = (place / name).read_bytes()
    digest = blake2b(whole, digest_size=_TAG_BYTES).hexdigest()
    forms = {IDENTITY: _form(whole, f'"{digest}"', kept)}
    for coding, end in CODINGS.items():
        smaller = place / f"{name}.{end}"
        if smaller.is_file():
            # Other bytes, so another strong tag (RFC 9110, section 8.8.3.3).
            encoded = (b"content-encoding", coding.encode())
            forms[coding] = _form(smaller.read_bytes(), f'"{digest}-{coding}"', kept, encoded)
    return File(media_type=media_type, forms=forms)


def _form(body: bytes, etag: str, *headers: tuple[bytes, bytes]) -> Form:
    return Form(body=body, etag=etag, headers=((b"etag", etag.encode()), _VARIES, *headers))


# -- which coding -------------------------------------------------------------

_ENTRY = re.compile(r"([!#$%&'*+.^_`|~0-9a-z-]+)[ \t]*(?:;[ \t]*q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?))?")

_UNSAID = 0.0005
"""The weight of identity where it is not named: below all that can be asked for, above what is refused."""


@lru_cache(maxsize=64)
def preferred(accept: str | None, there: tuple[str, ...]) -> str:
    """The content coding for an Accept-Encoding (RFC 9110, section 12.5.3), of those that are `there`.

    Who refuses even identity and can be given nothing else is given that: it is better than nothing.
    """
    weights: dict[str, float] = {}
    for entry in (accept or "").lower().split(","):
        found = _ENTRY.fullmatch(entry.strip(" \t"))
        if found is not None:
            weights[found[1]] = float(found[2] or 1)
    best, weight = IDENTITY, weights.get(IDENTITY, weights.get("*", _UNSAID))
    for coding in reversed(tuple(CODINGS)):  # the better wins when both are liked as much
        liked = weights.get(coding, weights.get("*", 0.0))
        if coding in there and liked > 0 and liked >= weight:
            best, weight = coding, liked
    return best
