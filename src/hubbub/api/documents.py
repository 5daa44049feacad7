"""The documents of this server, ready to be sent: made once, then only the server's address is put in.

The address may come with each request (its own host), so nothing that costs may hang on it.
"""

from collections.abc import Callable, Sequence
from functools import cache
from urllib.parse import urlsplit

from hubbub.api.about import about
from hubbub.api.asyncapi import asyncapi
from hubbub.api.docs import docs
from hubbub.api.openapi import openapi
from hubbub.api.operation import Operation
from hubbub.protocol.frames import encode

_HOST = "hubbub.invalid"  # RFC 2606: nobody is reached there

Make = Callable[[Sequence[Operation], str], str | dict[str, object]]


class Documents:
    """Always true: what is given out names the address it was asked for, and no placeholder."""

    def __init__(self, operations: Sequence[Operation]) -> None:
        self._operations = operations
        self._made = cache(self._make)

    def openapi(self, url: str) -> bytes:
        return self._at(url, openapi)

    def asyncapi(self, url: str) -> bytes:
        return self._at(url, asyncapi)

    def docs(self, url: str) -> bytes:
        return self._at(url, docs)

    def about(self, url: str) -> bytes:
        return self._at(url, about)

    def _at(self, url: str, make: Make) -> bytes:
        place = urlsplit(url)
        made = self._made(make, place.scheme)
        made = made.replace(f"{place.scheme}://{_HOST}".encode(), url.encode())
        return made.replace(_HOST.encode(), place.netloc.encode())

    def _make(self, make: Make, scheme: str) -> bytes:
        made = make(self._operations, f"{scheme}://{_HOST}")
        return made.encode() if isinstance(made, str) else encode(made)
