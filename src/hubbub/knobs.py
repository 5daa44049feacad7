"""How one setting is read from text: what it may be, and what to say when it is not.

Each reader takes what a person wrote and gives the value, or raises ValueError with half a sentence
that says what to write instead. Nothing here knows where the text came from.
"""

import hashlib
import ipaddress
import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

import msgspec

Read = Callable[[str], object]


class Knob(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that can be set: `--the-name`, `HUBBUB_THE_NAME`, or `the_name` in a file."""

    name: str
    value: str
    """What stands for the value in the help."""
    help: str
    default: object
    read: Read
    many: bool = False
    """Whether it takes a list: repeated, or with commas. `read` then reads one item."""

    @property
    def flag(self) -> str:
        return "--" + self.name.replace("_", "-")

    @property
    def variable(self) -> str:
        return "HUBBUB_" + self.name.upper()


class Address(NamedTuple):
    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def address(text: str) -> Address:
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or not (port.isascii() and port.isdigit()) or int(port) > 65_535:
        raise ValueError(
            "say HOST:PORT, such as 127.0.0.1:8080, or [::]:8080 for every address; a port is at most 65535"
        )
    return Address(host, int(port))


def address_or_off(text: str) -> Address | None:
    return None if text == "off" else address(text)


def whole(least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        digits = text.replace("_", "")
        if not (digits.isascii() and digits.isdigit() and least <= int(digits) <= most):
            raise ValueError(f"a whole number from {least} to {most}")
        return int(digits)

    return read


def whole_or_off(least: int, most: int) -> Callable[[str], int | None]:
    number = whole(least, most)

    def read(text: str) -> int | None:
        try:
            return None if text == "off" else number(text)
        except ValueError as error:
            raise ValueError(f"{error}, or off") from None

    return read


def seconds(least: float, most: float) -> Callable[[str], float]:
    def read(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = -1.0
        if not least <= number <= most:
            raise ValueError(f"seconds, from {least:g} to {most:g}")
        return number

    return read


def one_of(*words: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in words:
            raise ValueError(" or ".join(words))
        return text

    return read


def switch(on: str, off: str) -> Callable[[str], bool]:
    word = one_of(on, off)

    def read(text: str) -> bool:
        return word(text) == on

    return read


def directory(text: str) -> Path:
    if not text:
        raise ValueError("say a directory, which is made if need be; . is the current one")
    path = Path(text).expanduser().absolute()
    if path.exists() and not path.is_dir():
        raise ValueError("there is a file of that name; say a directory, which is made if need be")
    return path


def file(text: str) -> Path:
    """One that can be read; else OSError says why."""
    path = Path(text).expanduser().absolute()
    if not path.is_file():
        raise ValueError("there is no such file")
    path.open("rb").close()
    return path


def token_file(text: str) -> bytes:
    """The SHA-256 of the token in a file: the token itself is kept nowhere."""
    try:
        token = file(text).read_text("utf-8").strip()
    except UnicodeDecodeError:
        token = ""
    if not re.fullmatch(r"[!-~]{32,1024}", token):
        raise ValueError("a file with one token in it, of 32 visible ASCII characters or more")
    return hashlib.sha256(token.encode()).digest()


class ServerUrl(msgspec.Struct, frozen=True):
    """Where another server is. There may be a password in it: as text it shows where, and not how."""

    secret: str
    """As it was given."""

    def __str__(self) -> str:
        parts = urlsplit(self.secret)
        host = parts.netloc.rpartition("@")[2]
        return f"{parts.scheme}://{host}{parts.path}"

    __repr__ = __str__


# One host of several, and its port; a socket's directory stands in the query.
_HOST = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[^\[\]:]*)(?::([0-9]{1,5}))?")


def server_url(*schemes: str, example: str) -> Callable[[str], ServerUrl]:
    def read(text: str) -> ServerUrl:
        try:
            parts = urlsplit(text)
        except ValueError:
            parts = urlsplit("")
        if parts.scheme not in schemes or not (parts.netloc or parts.query) or not _is_told_apart(parts):
            raise ValueError(
                f"an address such as {example}, and in a password `/` as %2F, `@` as %40, `?` and `#` alike"
            )
        return ServerUrl(text)

    return read


def _is_told_apart(parts: SplitResult) -> bool:
    """Whether no part of a password is taken for what may be shown: for whoever reads an address it ends at
    the first `/`, `?` or `#`, and hosts have to follow it."""
    hosts = [_HOST.fullmatch(host) for host in parts.netloc.rpartition("@")[2].split(",")]
    ports_are_some = all(host and 1 <= int(host[1] or 1) <= 65_535 for host in hosts)
    return ports_are_some and "@" not in parts.path + parts.query + parts.fragment


database_url = server_url("postgresql", "postgres", example="postgresql://hubbub@db.internal/hubbub")


def origin(text: str) -> str:
    """What a browser calls a site: scheme, host, and port where it is not the scheme's own (RFC 6454)."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if (
        parts.scheme not in ("http", "https")
        or not parts.hostname
        or parts.path not in ("", "/")
        or parts.query
        or parts.fragment
        or "@" in parts.netloc
    ):
        raise ValueError("scheme and host only, such as https://chat.example.org")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    own = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{host}" + (f":{port}" if port not in (None, own) else "")


def network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text, strict=False))
    except ValueError:
        raise ValueError("an address or a network, such as 127.0.0.1 or 10.0.0.0/8") from None
