"""Who is calling, and where this server is reached: what may be believed of Host and X-Forwarded-*.

A header of a request is the caller's word. It counts only from proxies the operator named.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from hubbub.api.settings import Settings
from hubbub.domain.errors import BadInput

Network = IPv4Network | IPv6Network

# What a Host field may say: RFC 3986, section 3.2.2, less what no host of ours is called.
_HOST = re.compile(r"(?:[A-Za-z0-9][A-Za-z0-9._-]{0,252}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
_DEFAULT_PORT = {"http": ":80", "https": ":443"}
_SCHEME = {"http": "http", "https": "https", "ws": "http", "wss": "https"}


@lru_cache(maxsize=16)
def networks(given: tuple[str, ...]) -> tuple[Network, ...]:
    """Addresses and CIDR ranges as networks. Raises ValueError."""
    return tuple(ip_network(each, strict=False) for each in given)


def joined(fields: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Header fields by name, which is in lower case; those given twice joined (RFC 9110, section 5.2)."""
    headers: dict[str, str] = {}
    for name, value in fields:
        if name in headers:
            value = headers[name] + ("; " if name == "cookie" else ", ") + value
        headers[name] = value
    return headers


def _parsed(address: str) -> IPv4Address | IPv6Address | None:
    """An address, an IPv4 one also when it comes in IPv6's clothes; None when it is none."""
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return None
    return ip.ipv4_mapped or ip if isinstance(ip, IPv6Address) else ip


@lru_cache(maxsize=4096)
def is_trusted(address: str, trusted: tuple[Network, ...]) -> bool:
    ip = _parsed(address)
    return ip is not None and any(ip in network for network in trusted)


def client_address(peer: str, headers: Mapping[str, str], trusted: Sequence[Network]) -> str:
    """The address of whoever sent the request.

    Proxies append to X-Forwarded-For, so it is read from its end, as long as those who wrote it are
    trusted: what stands further left anybody can have made up.
    """
    if not trusted:
        return peer
    known = tuple(trusted)
    address = peer
    hops = headers.get("x-forwarded-for", "").split(",")
    while hops and is_trusted(address, known):
        before = _parsed(hops.pop().strip())
        if before is None:
            break
        address = str(before)  # as anybody else would be known who comes from there
    return address


def public_url(headers: Mapping[str, str], scheme: str, settings: Settings, *, peer: str = "") -> str:
    """Where people reach this server: scheme and authority, no slash at the end.

    The configured URL, or else the request's own host, or what a trusted proxy at `peer` says it was.
    This is also the one Origin that pages of ours have. Raises BadInput for a Host that is none.
    """
    if settings.public_url is not None:
        return settings.public_url
    host = headers.get("host", "")
    if settings.trusted_proxies and is_trusted(peer, networks(settings.trusted_proxies)):
        host = _nearest(headers, "x-forwarded-host") or host
        scheme = _nearest(headers, "x-forwarded-proto") or scheme
    return _own_url(scheme, host)


def _nearest(headers: Mapping[str, str], name: str) -> str:
    """What the proxy next to us wrote: each one appends."""
    return headers.get(name, "").rpartition(",")[2].strip()


@lru_cache(maxsize=256)
def _own_url(scheme: str, host: str) -> str:
    if scheme.lower() not in _SCHEME:
        raise BadInput("X-Forwarded-Proto is http or https.", field="X-Forwarded-Proto")
    if not _HOST.fullmatch(host):
        raise BadInput("The Host field has to name this server.", field="Host")
    scheme = _SCHEME[scheme.lower()]
    return f"{scheme}://{host.lower().removesuffix(_DEFAULT_PORT[scheme])}"
