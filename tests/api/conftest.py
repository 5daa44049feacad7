"""The HTTP side over the real services and a real store, asked in process, with a clock of our own."""

import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.types import ASGIApp

from hubbub.api.context import Context
from hubbub.api.http import build_app
from hubbub.api.settings import Settings
from hubbub.app import assemble
from hubbub.backends import Backend, Seams
from hubbub.config import Config
from hubbub.domain.errors import HubbubError
from hubbub.membership import Membership
from hubbub.service.passwords import Cost, Passwords
from hubbub.storage.sqlite import SqliteStore
from support.clock import Clock

PASSWORD = "correct horse"
URL = "http://chat.example"


class Site:
    """A server, and how to ask it something."""

    def __init__(self, app: ASGIApp, context: Context, clock: Clock, client: httpx2.AsyncClient) -> None:
        self.app = app
        self.context = context
        self.clock = clock
        self.client = client
        self.trouble: HubbubError | None = None

    async def ask(self, method: str, path: str, token: str | None = None, **more: Any) -> httpx2.Response:
        headers = dict(more.pop("headers", {}))
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        return await self.client.request(method, path, headers=headers, **more)

    async def get(self, path: str, token: str | None = None, **more: Any) -> httpx2.Response:
        return await self.ask("GET", path, token, **more)

    async def post(self, path: str, token: str | None = None, **more: Any) -> httpx2.Response:
        return await self.ask("POST", path, token, **more)

    async def delete(self, path: str, token: str | None = None, **more: Any) -> httpx2.Response:
        return await self.ask("DELETE", path, token, **more)

    async def sign_up(self, name: str) -> str:
        """The token of somebody new."""
        answer = await self.post("/users", json={"name": name, "password": PASSWORD})
        assert answer.status_code == 201, answer.text
        return await self.sign_in(name)

    async def sign_in(self, name: str) -> str:
        answer = await self.post("/sessions", json={"name": name, "password": PASSWORD})
        assert answer.status_code == 201, answer.text
        token: str = answer.json()["token"]
        return token

    async def open_room(self, token: str, name: str = "Lounge") -> str:
        answer = await self.post("/rooms", token, json={"name": name})
        assert answer.status_code == 201, answer.text
        id: str = answer.json()["id"]
        return id

    async def say(self, token: str, room: str, *texts: str) -> None:
        for text in texts:
            answer = await self.post(f"/room/{room}/messages", token, json={"text": text})
            assert answer.status_code == 201, answer.text


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def serve(tmp_path: Path, clock: Clock) -> Callable[..., Any]:
    """`async with serve(**config)` gives a Site; `settings` are those of the wire."""

    @asynccontextmanager
    async def serving(*, settings: dict[str, Any] | None = None, **config: Any) -> AsyncIterator[Site]:
        seams = Seams(now_ms=clock.now_ms, monotonic=clock.monotonic, randomness=random.Random(7).randbytes)
        store = SqliteStore.open(
            tmp_path / "data",
            now_ms=seams.now_ms,
            randomness=seams.randomness,
            on_broken=lambda why: pytest.fail(f"the store broke: {why}"),
        )
        passwords = Passwords(workers=1, queue=4, cost=Cost(memory_kib=8, passes=1))
        full = Config(data=tmp_path / "data", settings=Settings(**(settings or {})), **config)
        backend = Backend(store=store, now_ms=seams.now_ms, audit=lambda: None)
        context = assemble(full, backend, Membership(), passwords, seams)
        app = build_app(context, trouble=lambda: site.trouble)
        transport = httpx2.ASGITransport(app, client=("192.0.2.1", 50000))
        async with httpx2.AsyncClient(transport=transport, base_url=URL) as client:
            site = Site(app, context, clock, client)
            yield site
        passwords.close()
        await store.close()

    return serving


@pytest.fixture
async def site(serve: Callable[..., Any]) -> AsyncIterator[Site]:
    async with serve() as opened:
        yield opened


@pytest.fixture
async def ada(site: Site) -> str:
    """Ada's token."""
    return await site.sign_up("ada")


@pytest.fixture
async def bob(site: Site) -> str:
    return await site.sign_up("bob")


@pytest.fixture
async def lounge(site: Site, ada: str) -> str:
    """The id of a room."""
    return await site.open_room(ada)
