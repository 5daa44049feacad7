"""Users and sessions over HTTP: sign up, sign in, sign out, who is there."""

from typing import Annotated

import msgspec
from msgspec import Meta

from hubbub.api import lists
from hubbub.api.answer import NOT_KEPT, Answer, created
from hubbub.api.call import Call
from hubbub.api.gate import check_origin, clear_cookie, set_cookie
from hubbub.domain.ids import SessionId
from hubbub.domain.model import User
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
    user = await call.context.accounts.sign_up(given.name, given.password, address=call.address)
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
    if given.cookie:
        check_origin(call.headers, call.url, required=True)
    token, session = await call.context.accounts.sign_in(
        given.name,
        given.password,
        address=call.address,
        agent=call.headers.get("user-agent", ""),
    )
    body = SignedIn(
        token=None if given.cookie else token,
        id=session.id,
        user=session.user,
        expires_at=timestamp(session.expires_at_ms),
    )
    headers = [NOT_KEPT]
    if given.cookie:
        headers.append((b"set-cookie", set_cookie(token, secure=call.url.startswith("https:"))))
    return Answer(encode(body), status=201, headers=headers)


async def list_sessions(call: Call) -> Answer:
    mine = call.caller.session
    sessions = await call.context.accounts.sessions(mine.user)
    bodies = [
        SessionBody(
            id=each.id,
            created_at=timestamp(each.created_at_ms),
            expires_at=timestamp(each.expires_at_ms),
            agent=each.agent,
            current=each.id == mine.id,
        )
        for each in sessions
    ]
    return Answer(encode(bodies), headers=[NOT_KEPT])


async def sign_out(call: Call) -> Answer:
    await call.context.accounts.sign_out(call.caller.session)
    return _signed_out(call, itself=True)


async def end_session(call: Call) -> Answer:
    mine = call.caller.session
    ended = SessionId(call.part("sessionId"))
    await call.context.accounts.sign_out(mine, ended)
    return _signed_out(call, itself=ended == mine.id)


def _signed_out(call: Call, *, itself: bool) -> Answer:
    """204; the browser forgets the cookie of a session that is no more."""
    if itself and call.caller.via == "cookie":
        cookie = clear_cookie(secure=call.url.startswith("https:"))
        return Answer(status=204, headers=[(b"set-cookie", cookie)])
    return Answer(status=204)
