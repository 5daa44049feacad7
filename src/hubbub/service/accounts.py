"""People: signing up, in and out, and which sessions are alive.

A session is what a sign-in makes. It ends when it is signed out, when it was not used for its lifetime, or
when its user is disabled; every live stream that hangs on it ends within a second of that.

A refused sign-in never says why: unknown, wrong and disabled get the same words after the same work, and
the throttle counts names whether or not somebody has them. It counts by place, so that a stranger's guesses
do not keep the owner out.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import islice

from msgspec.structs import replace

from hubbub.domain.errors import (
    NameTaken,
    NoSuchSession,
    NoSuchUser,
    NotSignedIn,
    SignUpClosed,
    TooFast,
    TooMany,
    Unavailable,
    WrongCredentials,
)
from hubbub.domain.ids import SessionId, UserId
from hubbub.domain.model import Session, SessionEnd, User
from hubbub.domain.policy import check_password, is_handle, user_name
from hubbub.service.familiar import Familiar, Place
from hubbub.service.limits import Limits
from hubbub.service.paging import DEFAULT_LIMIT, check_limit
from hubbub.service.passwords import Passwords
from hubbub.service.remembered import Remembered
from hubbub.service.security import NOWHERE, SecurityLog, Source, printable
from hubbub.service.tokens import looks_like_a_token, new_session_id, new_token, token_hash
from hubbub.service.watchers import Stream, Watchers
from hubbub.storage.base import Store

MAX_SESSIONS = 100
"""Of one user. With one more, the one unused the longest is signed out: a bot that signs in at each
start and never out fills no disk and locks nobody out."""

_REMEMBERED = 32_768  # sessions, some 20 MB; above the ten thousands that are here at once
_SLIDES = 20  # a session's expiry slides in steps of this part of its lifetime, not at every request
_SLIDES_WRITTEN = 200  # in one tick: when ten thousand come back at once, their commits must not hold them up
_SWEEP_MS = 60_000
_LOOKUPS_AT_ONCE = 100  # about a millisecond on SQLite, before others have their turn of the loop

_ENDED = "Your session has ended; sign in again."


class Accounts:
    """Always true: a session that ended here admits nobody from that moment on; one that was ended by
    another process (`hubbub user …`) from the next `tick` on, which comes twice a second."""

    def __init__(
        self,
        store: Store,
        passwords: Passwords,
        limits: Limits,
        *,
        now_ms: Callable[[], int],
        randomness: Callable[[int], bytes],
        session_seconds: int,
        sign_up_open: bool,
        security: SecurityLog | None = None,
    ) -> None:
        self._store = store
        self._passwords = passwords
        self._limits = limits
        self._now_ms = now_ms
        self._randomness = randomness
        self._lifetime_ms = session_seconds * 1000
        self._sign_up_open = sign_up_open
        self._security = security or SecurityLog()
        self._familiar = Familiar(store.ticket_secret, randomness)
        self._remembered = Remembered(_REMEMBERED)
        self._watchers = Watchers()
        self._endings_seen: int | None = None
        self._next_sweep_ms = 0
        self._unwritten: dict[SessionId, int] = {}
        self.sign_in_failures = 0

    # -- people -------------------------------------------------------------

    async def sign_up(self, name: str, password: str, *, address: str, agent: str = "") -> User:
        """Raises SignUpClosed, BadInput, TooFast, TooMany or NameTaken."""
        if not self._sign_up_open:
            raise SignUpClosed("This server does not take sign-ups; ask whoever runs it for an account.")
        user = User(name=user_name(name), created_at_ms=self._now_ms())
        check_password(password)
        self._limits.sign_ups.take(address)
        if await self._store.user(user.name) is not None:  # before the work of hashing
            raise NameTaken(f"The name {user.name} is taken.", conflicts_with=f"/user/{user.name}")
        try:
            password_hash = await self._passwords.hash(password)
        except TooMany:
            self._limits.sign_ups.give_back(address)
            raise
        await self._store.create_user(user, password_hash)
        self._security.tell("signed up", Source(address, agent), user=user.name)
        return user

    async def user(self, name: str) -> User:
        """Raises NoSuchUser, also for what could not be a name."""
        handle = name.lower()
        user = await self._store.user(UserId(handle)) if is_handle(handle) else None
        if user is None:
            raise NoSuchUser("There is no user of this name.")
        return user

    async def users(
        self, prefix: str = "", after: str | None = None, limit: int = DEFAULT_LIMIT
    ) -> tuple[Sequence[User], bool]:
        """Users whose name starts with `prefix`, in the order of names, after the name `after` (which need
        not be anyone's); and whether there are more. Raises BadInput."""
        check_limit(limit)
        start = None if after is None else user_name(after)
        return await self._store.users(prefix=prefix.lower(), after=start, limit=limit)

    # -- signing in and out -------------------------------------------------

    async def sign_in(
        self, name: str, password: str, *, address: str, agent: str, device: str | None = None
    ) -> tuple[str, Session]:
        """The token, which nobody can be shown again, and the session. `device` is what `device_proof` gave
        the same browser an earlier time.

        Raises WrongCredentials, BadInput for what could not be a name, TooFast, TooMany.
        """
        user = user_name(name)
        source = Source(address, agent)
        password_hash = await self._check(user, password, source, device)
        token = new_token(self._randomness)
        now_ms = self._now_ms()
        session = Session(
            id=new_session_id(self._randomness),
            user=user,
            created_at_ms=now_ms,
            expires_at_ms=now_ms + self._lifetime_ms,
            agent=printable(agent),
        )
        try:
            await self._store.create_session(session, token_hash(token), password_hash=password_hash)
        except WrongCredentials:  # disabled, or given another password, while this one was checked
            raise self._failed(user, source) from None
        await self._end_unused(session)
        self._familiar.remember(user, address)
        self._security.tell("signed in", source, user=user, session=session.id)
        return token, session

    def device_proof(self, user: UserId) -> str:
        """What a browser in which `user` has signed in shows the next time, to be no stranger then."""
        return self._familiar.new_proof(user)

    async def sign_out(
        self, session: Session, id: str | None = None, *, address: str = "", agent: str = ""
    ) -> None:
        """End `session`, or the other session `id` of the same user. Raises NoSuchSession."""
        target = SessionId(id) if id is not None else session.id
        found = await self._store.session(target)
        if found is None or found.user != session.user:
            raise NoSuchSession("You have no session with this id.")
        await self._end(found, Source(address, agent))

    async def sessions(self, user: UserId) -> Sequence[Session]:
        """Those alive, oldest first."""
        now_ms = self._now_ms()
        return [session for session in await self._store.sessions(user) if session.alive(now_ms)]

    async def _check(self, user: UserId, password: str, source: Source, device: str | None) -> str:
        """The user's hash, which `password` is right for. Raises WrongCredentials, TooFast or TooMany.

        A try is counted before it is known to be wrong: else a thousand at once would each be the first.
        """
        self._limits.sign_ins_by_address.take(source.address)
        place = self._familiar.place(user, source.address, device)
        self._take_try(user, place, source)
        credential = await self._store.credential(user)
        known = credential is not None and not credential.disabled
        try:
            right = await self._passwords.verify(
                credential.password_hash if credential and known else None, password
            )
        except TooMany:
            self._limits.sign_ins_by_address.give_back(source.address)
            self._give_back_try(user, place)
            raise
        if credential is None or not right:
            # A name that nobody has may be a password typed in the wrong field.
            raise self._failed(user if credential else None, source)
        self._give_back_try(user, place)
        return credential.password_hash

    def _failed(self, user: UserId | None, source: Source) -> WrongCredentials:
        self.sign_in_failures += 1
        self._security.warn("sign-in failed", source, user=user)
        return WrongCredentials()

    def _take_try(self, user: UserId, place: Place, source: Source) -> None:
        """Count a try against the place, and one from a strange place against the account. Raises TooFast."""
        by_place = self._limits.sign_ins_by_place
        try:
            by_place.take(_at(user, place))
            if not place.familiar:
                try:
                    self._limits.sign_ins_by_account.take(user)
                except TooFast:
                    by_place.give_back(_at(user, place))
                    raise
        except TooFast as error:  # the name is not told: nobody looked whether it is one
            self._security.warn_seldom("throttled", source, cause=_at(user, place), policy=error.policy)
            raise

    def _give_back_try(self, user: UserId, place: Place) -> None:
        self._limits.sign_ins_by_place.give_back(_at(user, place))
        if not place.familiar:
            self._limits.sign_ins_by_account.give_back(user)

    async def _end_unused(self, newest: Session) -> None:
        others = [session for session in await self._store.sessions(newest.user) if session.id != newest.id]
        others.sort(key=lambda session: session.expires_at_ms)  # which slides with use
        for session in others[: max(len(others) + 1 - MAX_SESSIONS, 0)]:
            await self._end(session)

    async def _end(self, session: Session, source: Source = NOWHERE) -> None:
        await self._store.end_session(session.id)
        self._finish(session, "signed-out", source)

    # -- being signed in ----------------------------------------------------

    async def authenticate(self, token: str, *, once: bool = False) -> Session:
        """The session `token` stands for, its expiry slid forward. Raises NotSignedIn.

        `once`: the token will not soon be shown again, so that the session need not be remembered by it.
        """
        if not looks_like_a_token(token):
            raise NotSignedIn("This is not a token of this server.")
        hashed = token_hash(token)
        session = self._remembered.by_token(hashed)
        if session is None or not session.alive(self._now_ms()):  # another node may have slid it forward
            forgettings = self._remembered.forgettings
            session = self._alive(await self._store.session_by_token(hashed))
            if not once and forgettings == self._remembered.forgettings:
                self._remembered.keep(session, hashed)
        return self._slide(self._alive(session))

    async def by_id(self, id: SessionId) -> Session:
        """The session, for who proved by other means to have it. Raises NotSignedIn."""
        return self._alive(self._known(id) or await self._store.session(id))

    async def touch(self, session: Session) -> Session:
        """Slide the expiry of a session that is in use. Raises NotSignedIn."""
        return self._slide(await self.by_id(session.id))

    def _known(self, id: SessionId) -> Session | None:
        return self._watchers.session(id) or self._remembered.by_id(id)

    def _alive(self, session: Session | None) -> Session:
        if session is None or not session.alive(self._now_ms()):
            raise NotSignedIn(_ENDED)
        return session

    def _slide(self, session: Session) -> Session:
        expires_at_ms = self._now_ms() + self._lifetime_ms
        if expires_at_ms - session.expires_at_ms < self._lifetime_ms // _SLIDES:
            return session
        slid = replace(session, expires_at_ms=expires_at_ms)
        self._remembered.update(slid)
        self._watchers.update(slid)
        self._unwritten[session.id] = expires_at_ms
        return slid

    # -- live streams -------------------------------------------------------

    def watch(self, session: Session, stream: Stream) -> None:
        """Have `stream` ended within a second of the end of `session`, until `unwatch`."""
        self._watchers.watch(session, stream)

    def unwatch(self, session: Session, stream: Stream) -> None:
        self._watchers.unwatch(session.id, stream)

    async def tick(self) -> None:
        """What time and other processes did to sessions. To be called twice a second, never twice at once."""
        now_ms = self._now_ms()
        endings = await self._store.endings(self._endings_seen)
        if endings.sessions is None:
            self._remembered.forget_all()
            doubtful = self._watchers.everyone()
        else:
            for ended in endings.sessions:
                self._remembered.forget(ended)
            doubtful = (*endings.sessions, *self._watchers.doubtful(now_ms))
        watched = [id for id in dict.fromkeys(doubtful) if self._watchers.session(id) is not None]
        for first in range(0, len(watched), _LOOKUPS_AT_ONCE):
            await self._look_again(watched[first : first + _LOOKUPS_AT_ONCE])
            await asyncio.sleep(0)
        self._endings_seen = endings.upto
        await self._write_slides()
        if now_ms >= self._next_sweep_ms:
            self._next_sweep_ms = now_ms + _SWEEP_MS
            with suppress(Unavailable):  # as above
                await self._store.sweep_sessions(now_ms)

    async def _write_slides(self) -> None:
        for id, expires_at_ms in list(islice(self._unwritten.items(), _SLIDES_WRITTEN)):
            try:
                await self._store.extend_session(id, expires_at_ms)
            except Unavailable:
                return  # a full disk stops posting, not reading; a later tick is soon enough
            if self._unwritten.get(id) == expires_at_ms:  # else it slid on meanwhile
                del self._unwritten[id]
            await asyncio.sleep(0)

    async def _look_again(self, ids: Sequence[SessionId]) -> None:
        """End the streams of those watched sessions that are not alive."""
        found = await self._store.those(ids)
        for id in ids:
            watched = self._watchers.session(id)
            stored = found.get(id)
            if watched is None:
                continue
            if stored is None:
                self._finish(watched, await self._why_gone(watched))
            else:
                self._judge(watched, stored)

    def _judge(self, watched: Session, stored: Session) -> None:
        id = watched.id
        current = replace(stored, expires_at_ms=max(stored.expires_at_ms, self._unwritten.get(id, 0)))
        if current.alive(self._now_ms()):
            if current != watched:  # else what is known serves on, and no copy of it is kept
                self._watchers.update(current)
            self._watchers.confirm(id)
        else:
            self._finish(current, "expired")

    async def _why_gone(self, session: Session) -> SessionEnd:
        user = await self._store.user(session.user)
        if user is None or user.disabled_at_ms is not None:
            return "disabled"
        return "signed-out" if session.alive(self._now_ms()) else "expired"

    def _finish(self, session: Session, reason: SessionEnd, source: Source = NOWHERE) -> None:
        self._unwritten.pop(session.id, None)
        self._remembered.forget(session.id)
        self._watchers.end(session.id, reason)
        self._security.tell("session ended", source, user=session.user, session=session.id, reason=reason)


def _at(user: UserId, place: Place) -> str:
    return f"{user} {place.name}"
