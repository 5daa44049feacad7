"""A database's URL as it may be shown. Nothing here connects, or needs a driver."""

from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

_SECRET = ("password", "sslpassword", "passfile", "sslkey")


def shown(url: str) -> str:
    """Without password, whichever way one is written into it."""
    try:
        parts = urlsplit(url)
        user, host = _user(parts.netloc), parts.netloc.rpartition("@")[2]
        query = urlencode(
            [(name, value) for name, value in parse_qsl(parts.query) if name.lower() not in _SECRET],
            quote_via=quote,
            safe="/",
        )
    except ValueError:
        return "postgresql://…"
    return urlunsplit((parts.scheme, f"{user}@{host}" if user else host, parts.path, query, ""))


def _user(netloc: str) -> str:
    return netloc.rpartition("@")[0].partition(":")[0]
