"""The one gate: who a request speaks for. HTTP, event streams and WebSocket all come in here.

A caller shows one of three things:

  * `Authorization: Bearer TOKEN`, which nobody's browser sends by itself;
  * a ticket in the URL: half a minute long, for one user and the logs it names, to listen only;
  * the cookie of this server's own pages, which browsers send by themselves, so that everything that
    changes something, and every WebSocket, must also come from this server's own Origin.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

import msgspec

from hubbub.domain.errors import ForeignOrigin, NotAllowed, NotSignedIn
from hubbub.domain.ids import LogId
from hubbub.domain.model import Session

if TYPE_CHECKING:
    from hubbub.api.context import Context

COOKIE = "hubbub_session"

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
    safe: bool,
    once: bool = False,
) -> Caller:
    """Who sends a request with these `headers` (names in lower case).

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
    token = _cookie(headers.get("cookie", ""))
    if token is None:
        raise NotSignedIn("Send `Authorization: Bearer TOKEN`, with the token that `POST /sessions` gave.")
    check_origin(headers, public_origin, required=not safe)
    return Caller(session=await context.accounts.authenticate(token, once=once), via="cookie")


def check_origin(headers: Mapping[str, str], public_origin: str, *, required: bool) -> None:
    """Raises ForeignOrigin unless the request comes from a page of ours, exactly.

    Without `required`, a request that names no Origin passes: browsers leave it out of plain reads.
    """
    origin = headers.get("origin")
    if origin == public_origin or (origin is None and not required):
        return
    raise ForeignOrigin(
        f"With a cookie, this takes requests from pages of {public_origin} only; others send a bearer token."
    )


def _bearer(authorization: str) -> str:
    """The token of an Authorization field. Raises NotSignedIn for another scheme (RFC 6750, section 2.1)."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise NotSignedIn("The Authorization field has to be `Bearer TOKEN`.")
    return token.strip()


def _cookie(field: str) -> str | None:
    for part in field.split(";") if COOKIE in field else ():
        name, equals, value = part.strip().partition("=")
        if name == COOKIE and equals and value:
            return value
    return None


def set_cookie(token: str, *, secure: bool) -> bytes:
    """The Set-Cookie field that signs a page of ours in; `secure` under https."""
    return _cookie_field(token, _COOKIE_SECONDS, secure=secure)


def clear_cookie(*, secure: bool) -> bytes:
    """The Set-Cookie field that forgets it."""
    return _cookie_field("", 0, secure=secure)


def _cookie_field(value: str, seconds: int, *, secure: bool) -> bytes:
    field = f"{COOKIE}={value}; Max-Age={seconds}; Path=/; HttpOnly; SameSite=Strict"
    return (field + "; Secure" if secure else field).encode()
