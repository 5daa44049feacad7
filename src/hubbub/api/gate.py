"""The one gate: who a request speaks for. HTTP, event streams and WebSocket all come in here.

A caller shows one of three things:

  * `Authorization: Bearer TOKEN`, which nobody's browser sends by itself;
  * a ticket in the URL: half a minute long, for one user and the logs it names, to listen only;
  * the cookie of this server's own pages, which browsers send by themselves, so that everything that
    changes something, and every WebSocket, must also come from this server's own Origin, and whatever a
    browser says comes from another site is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

import msgspec

from hubbub.domain.errors import ForeignOrigin, NotAllowed, NotSignedIn
from hubbub.domain.ids import LogId
from hubbub.domain.model import Session
from hubbub.service.security import Source, printable

if TYPE_CHECKING:
    from hubbub.api.context import Context

COOKIE = "hubbub_session"
"""What signs a browser in."""

DEVICE_COOKIE = "hubbub_device"
"""What a browser that was signed in shows at the next sign-in: see `service.familiar`."""

# Under https browsers take a cookie of such a name from this very host alone, for all of its paths: none of
# its neighbours in the domain, and nobody on the way, can plant one (RFC 6265bis, section 4.1.3.2).
_HOST_PREFIX = "__Host-"

# The longest browsers keep one (RFC 6265bis, section 5.5). It is the server that says when a session ends.
_COOKIE_SECONDS = 400 * 24 * 3600


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody signed in, and how they proved it."""

    session: Session
    scope: frozenset[LogId] | None = None
    """The logs a ticket opens; None for everything its user may read."""
    via: Literal["bearer", "ticket", "cookie"]

    def check_may_read(self, log: LogId) -> None:
        """Raises NotAllowed for a log the caller's ticket does not open."""
        if self.scope is not None and log not in self.scope:
            raise NotAllowed("This ticket is for another log.")


async def admit(
    context: Context,
    headers: Mapping[str, str],
    *,
    ticket: str | None,
    public_origin: str,
    address: str,
    safe: bool,
    once: bool = False,
) -> Caller:
    """Who sends a request with these `headers` (names in lower case), from `address`.

    `ticket` is the one in the URL, where one may be. `safe` says that the request changes nothing and
    opens no WebSocket; `once` that the caller will not have to prove it again soon. Raises NotSignedIn,
    ForeignOrigin.
    """
    authorization = headers.get("authorization")
    if authorization is not None:
        session = await context.accounts.authenticate(_bearer(authorization), once=once)
        return Caller(session=session, via="bearer")
    if ticket is not None:
        admitted = context.tickets.redeem(ticket)
        session = await context.accounts.by_id(admitted.session)
        return Caller(session=session, scope=frozenset(admitted.logs), via="ticket")
    token = cookie(headers, COOKIE, public_origin)
    if token is None:
        raise NotSignedIn("Send `Authorization: Bearer TOKEN`, with the token that `POST /sessions` gave.")
    check_origin(context, headers, public_origin, address=address, required=not safe)
    return Caller(session=await context.accounts.authenticate(token, once=once), via="cookie")


def check_origin(
    context: Context, headers: Mapping[str, str], public_origin: str, *, address: str, required: bool
) -> None:
    """Raises ForeignOrigin unless the request comes from a page of ours, exactly.

    Without `required`, a request that names no Origin passes, for browsers leave it out of plain reads; most
    say then in Sec-Fetch-Site (Fetch Metadata, section 2.4) whose page it was. SameSite alone would let the
    neighbours in our domain read, whom browsers take for the same site.
    """
    origin, site = headers.get("origin"), headers.get("sec-fetch-site")
    ours = origin == public_origin or (origin is None and not required)
    if ours and site in (None, "same-origin", "none"):
        return
    source = Source(address, headers.get("user-agent", ""))
    said = printable(origin or "") or None
    context.security.warn_seldom("foreign origin", source, cause=address, origin=said)
    raise ForeignOrigin(
        f"With a cookie, this takes requests from pages of {public_origin} only; others send a bearer token."
    )


def _bearer(authorization: str) -> str:
    """The token of an Authorization field. Raises NotSignedIn for another scheme (RFC 6750, section 2.1)."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise NotSignedIn("The Authorization field has to be `Bearer TOKEN`.")
    return token.strip()


def _is_secure(public_origin: str) -> bool:
    return public_origin.startswith("https:")


def cookie_name(name: str, public_origin: str) -> str:
    """What one of our cookies is called by a server that is reached at `public_origin`."""
    return _HOST_PREFIX + name if _is_secure(public_origin) else name


def cookie(headers: Mapping[str, str], name: str, public_origin: str) -> str | None:
    """What one of our cookies says in a request, if it is there."""
    wanted, field = cookie_name(name, public_origin), headers.get("cookie", "")
    for part in field.split(";") if wanted in field else ():
        given, equals, value = part.strip().partition("=")
        if given == wanted and equals and value:
            return value
    return None


def set_cookie(name: str, value: str, public_origin: str) -> tuple[bytes, bytes]:
    """The field that gives a page of ours one of our cookies."""
    return _cookie_field(name, value, _COOKIE_SECONDS, public_origin)


def clear_cookie(name: str, public_origin: str) -> tuple[bytes, bytes]:
    """The field that has it forgotten."""
    return _cookie_field(name, "", 0, public_origin)


def _cookie_field(name: str, value: str, seconds: int, public_origin: str) -> tuple[bytes, bytes]:
    said = f"{cookie_name(name, public_origin)}={value}; Max-Age={seconds}; Path=/; HttpOnly; SameSite=Strict"
    return b"set-cookie", (said + "; Secure" if _is_secure(public_origin) else said).encode()
