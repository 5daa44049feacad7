"""What people call a server, as one spelling: it is what saved sessions are found by. Pure."""

import re
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from hubbub.terminal.errors import BadAddress

_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"[a-z0-9_]([a-z0-9._-]*[a-z0-9_.])?")


def server_address(given: str) -> str:
    """`given` as `scheme://host[:port][/path]`. Raises BadAddress.

    Without a scheme it is https, but for this machine itself, to which nobody can listen in.
    """
    text = given.strip()
    if "://" not in text:
        text = f"{'http' if _is_loopback(_host(f'http://{text}')) else 'https'}://{text}"
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise BadAddress(given) from None
    scheme, host = parts.scheme.lower(), parts.hostname or ""
    if scheme not in _PORTS or not _plain(parts) or not _is_host(host):
        raise BadAddress(given)
    shown = f"[{host}]" if ":" in host else host
    if port is not None and port != _PORTS[scheme]:
        shown += f":{port}"
    return f"{scheme}://{shown}{parts.path.rstrip('/')}"


def is_private(server: str) -> bool:
    """Whether nobody on the way can read along: it is https, or it does not leave this machine."""
    return server.startswith("https://") or _is_loopback(_host(server))


def _plain(parts: SplitResult) -> bool:
    """Nothing but host, port and path, and nothing that could mislead whoever sees it."""
    rest = (parts.username, parts.password, parts.query, parts.fragment)
    return not any(rest) and "@" not in parts.netloc and re.fullmatch(r"[!-~]*", parts.path) is not None


def _is_host(host: str) -> bool:
    if ":" in host:
        try:
            return ip_address(host).version == 6
        except ValueError:
            return False
    return _HOST.fullmatch(host) is not None


def _host(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
