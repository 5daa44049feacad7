"""Every kind of proof somebody can come with: good, worn out, somebody else's, made up."""

import json
import os
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from hubbub.api.gate import COOKIE
from hubbub.app import Running
from hubbub.domain.ids import LogId, SessionId, UserId, room_log
from hubbub.domain.model import Session
from hubbub.service.tickets import Ticket, Tickets
from hubbub.service.tokens import new_session_id, new_token, token_hash

MONTH_MS = 30 * 86_400_000  # as long as one lives that is in use, so that none is slid forward


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """What a request carries, and how to end the session behind it."""

    fields: dict[str, str] = {}
    """Header fields, with underscores for hyphens."""
    ticket: str | None = None
    session: Session | None = None


class Proofs:
    """Made for `ada`, each for one use: whoever signs out with one leaves the others alone."""

    def __init__(self, server: Running) -> None:
        self.server = server
        self.kinds: dict[str, Callable[[Sequence[LogId]], Any]] = {
            "none": self._none,
            "malformed": lambda _: self._bearer("no-token-at-all"),
            "unknown": lambda _: self._bearer(new_token(os.urandom)),
            "expired": self._expired,
            "signed-out": self._signed_out,
            "disabled": self._disabled,
            "token": self._good,
            "cookie": lambda _: self._cookie(Origin=server.url, Sec_Fetch_Site="same-origin"),
            "cookie-foreign": lambda _: self._cookie(Origin="https://elsewhere.example"),
            "cookie-sibling": lambda _: self._cookie(Sec_Fetch_Site="same-site"),
            "cookie-bare": lambda _: self._cookie(),
            "ticket": self._ticket,
            "ticket-other": lambda _: self._ticket([room_log("another-room")]),
            "ticket-expired": self._ticket_expired,
            "ticket-ended": self._ticket_ended,
            "ticket-forged": self._ticket_forged,
        }

    async def make(self, kind: str, logs: Sequence[LogId]) -> Proof:
        """One that has to do with `logs`, if it is of a kind that has to do with any."""
        proof: Proof = await self.kinds[kind](logs)
        return proof

    async def end(self, session: Session, how: str) -> None:
        """What makes a good proof one of the kind `how`, at once and not when the clock comes to it."""
        accounts, store = self.server.context.accounts, self.server.store
        match how:
            case "signed-out":
                await accounts.sign_out(session)
            case "expired":
                await store.extend_session(session.id, 1)
                accounts._changes_seen = None
            case "disabled":
                await store.disable(session.user, now_ms())
                accounts._changes_seen = None
        await accounts.tick()
        await store.disable(session.user, None)

    # -- the kinds ------------------------------------------------------------

    async def signed_in(self, user: str = "ada", expires_in_ms: int = MONTH_MS) -> tuple[str, Session]:
        token, now = new_token(os.urandom), now_ms()
        session = Session(
            id=new_session_id(os.urandom),
            user=UserId(user),
            created_at_ms=now,
            expires_at_ms=now + expires_in_ms,
        )
        await self.server.store.create_session(session, token_hash(token))
        return token, session

    async def _none(self, _: object) -> Proof:
        return Proof()

    async def _bearer(self, token: str, session: Session | None = None) -> Proof:
        return Proof(fields={"Authorization": f"Bearer {token}"}, session=session)

    async def _good(self, _: object) -> Proof:
        return await self._bearer(*await self.signed_in())

    async def _expired(self, _: object) -> Proof:
        return await self._bearer(*await self.signed_in(expires_in_ms=-1))

    async def _signed_out(self, _: object) -> Proof:
        token, session = await self.signed_in()
        await self.server.context.accounts.sign_out(session)
        return await self._bearer(token)

    async def _disabled(self, _: object) -> Proof:
        token, session = await self.signed_in("dan")
        await self.server.store.disable(session.user, now_ms())
        await self.server.store.disable(session.user, None)  # being enabled again brings no session back
        return await self._bearer(token)

    async def _cookie(self, **fields: str) -> Proof:
        token, session = await self.signed_in()
        return Proof(fields={"Cookie": f"theme=dark; {COOKIE}={token}", **fields}, session=session)

    async def _ticket(self, logs: Sequence[LogId]) -> Proof:
        _, session = await self.signed_in()
        ticket, _ = self.server.context.tickets.issue(session.id, session.user, logs)
        return Proof(ticket=ticket, session=session)

    async def _ticket_expired(self, logs: Sequence[LogId]) -> Proof:
        _, session = await self.signed_in()
        then = Tickets(self.server.store.ticket_secret, lambda: now_ms() - 30_000)
        return Proof(ticket=then.issue(session.id, session.user, logs)[0])

    async def _ticket_ended(self, logs: Sequence[LogId]) -> Proof:
        proof = await self._ticket(logs)
        assert proof.session is not None
        await self.server.context.accounts.sign_out(proof.session)
        return proof

    async def _ticket_forged(self, logs: Sequence[LogId]) -> Proof:
        """A good one for another log, which says now that it is for these."""
        proof = await self._ticket([room_log("another-room")])
        assert proof.ticket is not None
        said, _, signature = proof.ticket.partition(".")
        real = msgspec.msgpack.decode(urlsafe_b64decode(said + "=="), type=Ticket)
        forged = msgspec.msgpack.encode((real.session, real.user, sorted(logs), real.expires_at_ms))
        return Proof(ticket=f"{urlsafe_b64encode(forged).rstrip(b'=').decode()}.{signature}")


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def session_of(name: str) -> SessionId:
    """The id of a seeded person's session."""
    return SessionId(f"session-of-{name}")


def body(**members: Any) -> bytes:
    return json.dumps(members).encode()
