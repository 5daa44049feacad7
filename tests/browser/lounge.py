"""A place for plays in a browser: a server, a room in it, and whoever comes with a browser of their own."""

import asyncio
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page

from browser.person import Person
from hubbub.app import Running
from hubbub.client import Client
from hubbub.protocol.frames import RoomBody
from support.process import Process
from support.road import Road
from support.seeded import PASSWORD, token_of
from support.serving import Clock, serving

DESKTOP = {"width": 1280, "height": 800}

_ALWAYS_FORGIVEN = (
    # Who am I? A page that nobody is signed in to is told so, and the browser writes that down.
    r"sessions/current.* 401",
    r"/sessions .* 401",
)


class Lounge:
    """Always true: whatever a page says was wrong with it is kept, and `is_content` looks at it.

    `room` is there from the beginning. Its people are those of `support.seeded`, signed in only by the page.
    """

    def __init__(self, browser: Browser, data: Path, stack: AsyncExitStack) -> None:
        self.browser = browser
        self.data = data
        self.clock = Clock()
        self.room: RoomBody
        self.complaints: list[str] = []
        self.server: Running
        self.process: Process
        self.url = ""
        self._forgiven = list(_ALWAYS_FORGIVEN)
        self._stack = stack
        self._serving: AsyncExitStack | None = None
        self._contexts: list[BrowserContext] = []

    # -- the server ------------------------------------------------------------------------------------

    async def opens(self, *, port: int = 0, settings: dict[str, Any] | None = None, **config: Any) -> None:
        """Start the server in this loop."""
        self._serving = AsyncExitStack()
        self.server = await self._serving.enter_async_context(
            serving(self.data, clock=self.clock, port=port, settings=settings, **config)
        )
        self.url = self.server.url
        await self._has_a_room()

    async def closes(self) -> None:
        if self._serving is not None:
            serving_now, self._serving = self._serving, None
            await serving_now.aclose()

    async def opens_again(self, **changes: Any) -> None:
        """Another server at the same address, on what is on disk."""
        port = self.server.address.port
        await self.closes()
        await self.opens(port=port, **changes)

    async def starts(self) -> None:
        """Start the server as a process, which can be killed."""
        self.process = await self._stack.enter_async_context(Process(self.data))
        self.url = self.process.url
        await self._has_a_room()

    async def _has_a_room(self) -> None:
        if not hasattr(self, "room"):
            async with self.api("ada") as client:
                self.room = await client.create_room("Lounge")

    async def road(self) -> Road:
        """A way to the server that can be blocked and cut; its `url` is where a page comes by it."""
        return await self._stack.enter_async_context(Road(self.url))

    # -- what the server knows -------------------------------------------------------------------------

    def api(self, name: str) -> Client:
        """Somebody without a browser."""
        return Client(self.url, token=token_of(name))

    async def says(self, name: str, *texts: str, to: str | None = None, room: RoomBody | None = None) -> None:
        """Somebody without a browser says something."""
        async with self.api(name) as client:
            for text in texts:
                if to is None:
                    await client.post(text, room=room or self.room)
                else:
                    await client.post(text, to=to)

    async def log(self, room: RoomBody | None = None) -> list[tuple[int, str]]:
        """What is stored in a room, from its beginning: (seq, text)."""
        async with self.api("ada") as client:
            stored: list[tuple[int, str]] = []
            after = 0
            while page := await client.page(room or self.room, after=after, limit=500):
                stored += [(event.seq, event.text) for event in page]
                after = page[-1].seq
            return stored

    async def is_followed_by(self, name: str, *rooms: RoomBody, seq: int = 0) -> None:
        """Somebody follows rooms (this one, if none is named), having read them up to `seq`."""
        headers = {"Authorization": f"Bearer {token_of(name)}"}
        async with httpx2.AsyncClient(
            base_url=self.url, headers=headers, limits=httpx2.Limits(max_connections=20), timeout=None
        ) as http:
            marks = (http.put(f"/room/{room.id}/mark", json={"seq": seq}) for room in rooms or (self.room,))
            for marked in await asyncio.gather(*marks):
                marked.raise_for_status()

    async def has_read(self, name: str, other: str) -> None:
        """All that somebody wrote directly."""
        headers = {"Authorization": f"Bearer {token_of(name)}"}
        async with httpx2.AsyncClient(base_url=self.url, headers=headers) as http:
            last = (await http.get(f"/user/{other}/messages")).json()[-1]["seq"]
            (await http.put(f"/user/{other}/mark", json={"seq": last})).raise_for_status()

    # -- the people ------------------------------------------------------------------------------------

    async def visitor(self, name: str = "", *, url: str | None = None, **device: Any) -> Person:
        """Somebody who has opened the page and has not signed in. `device`: what its browser is like."""
        person = await self._at_a_browser(name, url, device)
        await person.opens_a_tab()
        return person

    async def person(self, name: str, *, url: str | None = None, **device: Any) -> Person:
        """Somebody who has signed in there before, and has opened the page."""
        person = await self._at_a_browser(name, url, device)
        signed_in = await person.context.request.post(
            f"{self.url}/sessions",
            data={"name": name, "password": PASSWORD, "cookie": True},
            headers={"Origin": self.url},
        )
        assert signed_in.ok, await signed_in.text()
        await person.opens_a_tab()
        await person.is_in()
        return person

    async def _at_a_browser(self, name: str, url: str | None, device: dict[str, Any]) -> Person:
        context = await self.browser.new_context(
            **{"viewport": DESKTOP, "reduced_motion": "reduce", "locale": "en-GB"} | device
        )
        self._contexts.append(context)
        context.on("page", self._listens_to)
        return Person(name, self, context, url or self.url)

    async def people(self, *names: str) -> list[Person]:
        return [await self.person(name) for name in names]

    async def guests(self, *names: str) -> list[Person]:
        """People who have signed in, and are in the room."""
        people = await self.people(*names)
        for person in people:
            await person.enters(self.room)
        return people

    # -- what pages complain of ------------------------------------------------------------------------

    def forgives(self, *patterns: str) -> None:
        """What a page may complain of in this play."""
        self._forgiven += patterns

    def forgives_a_lost_connection(self) -> None:
        """The browser itself writes down each request that came to nothing."""
        self.forgives(r"net::ERR_", r"WebSocket connection to .* failed", r"status of 50[23]", r"EventSource")

    def is_content(self) -> None:
        """No page has complained of anything that was not expected."""
        assert not self.complaints, self.complaints

    def _listens_to(self, page: Page) -> None:
        page.on("pageerror", lambda error: self._complain(f"uncaught: {error}\n{error.stack or ''}"))
        page.on("console", self._reads)

    def _reads(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            where = message.location.get("url", "")
            self._complain(f"{message.type}: {where} {message.text}")

    def _complain(self, complaint: str) -> None:
        if not any(re.search(pattern, complaint, re.DOTALL) for pattern in self._forgiven):
            self.complaints.append(complaint)

    async def close(self) -> None:
        for context in self._contexts:
            await context.close()
        await self.closes()


@asynccontextmanager
async def lounge_on(browser: Browser, data: Path) -> AsyncIterator[Lounge]:
    async with AsyncExitStack() as stack:
        place = Lounge(browser, data, stack)
        stack.push_async_callback(place.close)
        yield place


@asynccontextmanager
async def lounge_on_a_copy(browser: Browser, data: Path, to: Path, room: RoomBody) -> AsyncIterator[Lounge]:
    """An open one, on a copy of a store that was filled for several plays. `room` is in it already."""
    async with lounge_on(browser, Path(shutil.copytree(data, to))) as place:
        place.room = room
        await place.opens()
        yield place
        place.is_content()
