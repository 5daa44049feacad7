"""`hubbub user …`: looking after accounts, also while the server runs, which notices within a second."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated, TypeVar

from cyclopts import App, Parameter

from hubbub.cli.asked import Data, Database, Place, asked_place, hashed, new_password, now_ms
from hubbub.cli.errors import Failed
from hubbub.cli.places import beside_servers, has_store
from hubbub.domain.ids import UserId
from hubbub.domain.model import User
from hubbub.domain.policy import user_name
from hubbub.storage.base import Store

user = App(name="user", help="Look after accounts, also while the server runs.")

Answer = TypeVar("Answer")
Name = Annotated[str, Parameter(help="The user's handle.")]


@user.command
def add(name: Name, /, *, data: Data = None, database: Database = None) -> None:
    """Make an account. The password is asked for, or read from standard input."""
    handle = user_name(name)
    password_hash = hashed(new_password())

    async def work(store: Store) -> None:
        await store.create_user(User(name=handle, created_at_ms=now_ms()), password_hash)

    where = asked_place(data, database)
    is_new = not asyncio.run(has_store(where))
    _with_store(where, work, create=True)
    print(f"added {handle} to a new store in {where}" if is_new else f"added {handle}")


@user.command
def password(name: Name, /, *, data: Data = None, database: Database = None) -> None:
    """Give an account another password, and end all its sessions."""
    handle = user_name(name)

    async def work(store: Store) -> int:
        await _known(store, handle)
        return len(await store.set_password(handle, hashed(new_password())))

    print(f"{handle} has a new password; sessions ended: {_with_store(asked_place(data, database), work)}")


@user.command
def disable(name: Name, /, *, data: Data = None, database: Database = None) -> None:
    """Keep an account from signing in, and end all its sessions."""
    _set_disabled(name, asked_place(data, database), now_ms())
    print(f"disabled {user_name(name)}")


@user.command
def enable(name: Name, /, *, data: Data = None, database: Database = None) -> None:
    """Let a disabled account sign in again."""
    _set_disabled(name, asked_place(data, database), None)
    print(f"enabled {user_name(name)}")


@user.command
def sessions(
    name: Name,
    /,
    *,
    end: Annotated[bool, Parameter(help="End them all.")] = False,
    data: Data = None,
    database: Database = None,
) -> None:
    """List an account's sessions: id, when it was begun, when it ends unless it is used, by what."""
    handle = user_name(name)

    async def work(store: Store) -> None:
        await _known(store, handle)
        for session in await store.sessions(handle):
            if session.alive(now_ms()):
                print(session.id, _date(session.created_at_ms), _date(session.expires_at_ms), session.agent)
        if end:
            print(f"sessions ended: {len(await store.end_sessions(handle))}")

    _with_store(asked_place(data, database), work)


def _set_disabled(name: str, where: Place, at_ms: int | None) -> None:
    handle = user_name(name)

    async def work(store: Store) -> None:
        await _known(store, handle)
        await store.disable(handle, at_ms)

    _with_store(where, work)


async def _known(store: Store, handle: UserId) -> None:
    if await store.user(handle) is None:
        raise Failed(f"there is no user {handle}")


def _with_store(where: Place, work: Callable[[Store], Awaitable[Answer]], *, create: bool = False) -> Answer:
    async def run() -> Answer:
        store = await beside_servers(where, create=create)
        try:
            return await work(store)
        finally:
            await store.close()

    return asyncio.run(run())


def _date(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%dT%H:%MZ")
