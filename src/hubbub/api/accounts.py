"""Users and sessions over HTTP: sign up, sign in, sign out, who is there."""

from contextlib import suppress
from typing import Annotated

import msgspec
from msgspec import Meta

from hubbub.api import lists
from hubbub.api.answer import NOT_KEPT, Answer, created
from hubbub.api.call import Call
from hubbub.api.gate import COOKIE, DEVICE_COOKIE, check_origin, clear_cookie, cookie, set_cookie
from hubbub.domain.errors import NoSuchSession, NotSignedIn
from hubbub.domain.ids import SessionId
from hubbub.domain.model import Session, User
from hubbub.protocol.frames import NewUser, SessionBody, SignedIn, SignIn, UserBody, encode, timestamp


class UsersQuery(msgspec.Struct, frozen=True, kw_only=True):
    prefix: str = ""
    """Only those whose name starts with this, without regard to case."""
    limit: Annotated[int, Meta(ge=1, le=lists.MAX)] = lists.MAX
    """The most users to answer with."""
    after: str | None = None
    """The last name of the page before."""


def _body(user: User) -> UserBody:
    return UserBody(name=user.name, created_at=timestamp(user.created_at_ms))


async def sign_up(call: Call, given: NewUser) -> Answer:
    user = await call.context.accounts.sign_up(
        given.name, given.password, address=call.address, agent=call.agent
    )
    return created(encode(_body(user)), f"{call.url}/user/{user.name}")


async def list_users(call: Call, query: UsersQuery) -> Answer:
    users, more = await call.context.accounts.users(query.prefix, query.after, query.limit)
    follows = {"after": users[-1].name} if more and users else None
    return lists.answer(call, [_body(user) for user in users], query, follows)


async def read_user(call: Call) -> Answer:
    user = await call.context.accounts.user(call.part("userId"))
    return lists.tagged(call, encode(_body(user)))


async def sign_in(call: Call, given: SignIn) -> Answer:
    """With `cookie` the token goes where no script can read it; only our own pages may ask for that."""
    accounts = call.context.accounts
    if given.cookie:
        check_origin(call.context, call.headers, call.url, address=call.address, required=True)
    token, session = await accounts.sign_in(
        given.name,
        given.password,
        address=call.address,
        agent=call.agent,
        device=cookie(call.headers, DEVICE_COOKIE, call.url),
    )
    body = SignedIn(
        token=None if given.cookie else token,
        id=session.id,
        user=session.user,
        expires_at=timestamp(session.expires_at_ms),
    )
    headers = [NOT_KEPT]
    if given.cookie:
        await _end_replaced(call)
        headers.append(set_cookie(COOKIE, token, call.url))
        headers.append(set_cookie(DEVICE_COOKIE, accounts.device_proof(session.user), call.url))
    return Answer(encode(body), status=201, headers=headers)


async def _end_replaced(call: Call) -> None:
    """A browser has one cookie: end the session whose token is about to be overwritten."""
    token, accounts = cookie(call.headers, COOKIE, call.url), call.context.accounts
    if token is not None:
        with suppress(NotSignedIn, NoSuchSession):
            replaced = await accounts.authenticate(token, once=True)
            await accounts.sign_out(replaced, address=call.address, agent=call.agent)


def _session(session: Session, mine: Session) -> SessionBody:
    return SessionBody(
        id=session.id,
        user=session.user,
        created_at=timestamp(session.created_at_ms),
        expires_at=timestamp(session.expires_at_ms),
        agent=session.agent,
        current=session.id == mine.id,
    )


async def list_sessions(call: Call) -> Answer:
    mine = call.caller.session
    sessions = await call.context.accounts.sessions(mine.user)
    return Answer(encode([_session(each, mine) for each in sessions]), headers=[NOT_KEPT])


async def read_session(call: Call) -> Answer:
    mine = call.caller.session
    return Answer(encode(_session(mine, mine)), headers=[NOT_KEPT])


async def sign_out(call: Call) -> Answer:
    return await _sign_out(call, call.caller.session.id)


async def end_session(call: Call) -> Answer:
    return await _sign_out(call, SessionId(call.part("sessionId")))


async def _sign_out(call: Call, ended: SessionId) -> Answer:
    mine = call.caller.session
    await call.context.accounts.sign_out(mine, ended, address=call.address, agent=call.agent)
    return _signed_out(call, itself=ended == mine.id)


def _signed_out(call: Call, *, itself: bool) -> Answer:
    """204; the browser forgets the cookie of a session that is no more."""
    if itself and call.caller.via == "cookie":
        return Answer(status=204, headers=[clear_cookie(COOKIE, call.url)])
    return Answer(status=204)
