"""Somebody at a terminal with the full-screen client: what is on the screen, and typing."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC
from pathlib import Path

from rich.cells import cell_len
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input

from hubbub.chat.state.places import PersonPlace, RoomPlace
from hubbub.chat.state.rows import NewRow, PendingRow, SaidRow
from hubbub.chat.talk import Talk
from hubbub.chat.ui.app import ChatApp
from hubbub.chat.ui.composer import Composer
from hubbub.chat.ui.history import History
from hubbub.chat.ui.row_view import RowView
from hubbub.protocol.frames import RoomBody
from hubbub.terminal import Session, Sessions
from support.deadline import deadline
from support.seeded import token_of


class Seat:
    """Nothing here sleeps: it waits for what has to be shown, under a deadline."""

    def __init__(self, app: ChatApp, pilot: Pilot) -> None:
        self.app = app
        self.pilot = pilot

    @property
    def talk(self) -> Talk:
        assert self.app.talk is not None
        return self.app.talk

    # -- seeing --------------------------------------------------------------

    @property
    def lines(self) -> list[str]:
        """The screen's cells, line by line."""
        compositor = self.app.screen._compositor
        return ["".join(part.text for part in strip) for strip in compositor.render_strips()]

    def sees(self, text: str) -> bool:
        return any(text in line for line in self.lines)

    @property
    def rows(self) -> list[RowView]:
        return list(self.app.screen.query(RowView))

    @property
    def said(self) -> list[str]:
        """The texts in the history, whatever has become of them, in their order."""
        texts = []
        for each in self.rows:
            if isinstance(each.row, SaidRow):
                texts.append(each.row.text)
            elif isinstance(each.row, PendingRow):
                texts.append(each.row.pending.text)
        return texts

    @property
    def fates(self) -> list[str]:
        """Of what I wrote and have not heard back."""
        return [each.row.pending.fate for each in self.rows if isinstance(each.row, PendingRow)]

    @property
    def first_new(self) -> str | None:
        """The text below the line that says that what follows is new."""
        for above, below in zip(self.rows, self.rows[1:], strict=False):
            if isinstance(above.row, NewRow) and isinstance(below.row, SaidRow):
                return below.row.text
        return None

    def unread(self, name: str) -> int | None:
        """The count beside a name in the list at the side."""
        side = self.talk.state.side
        counts = {each.name: each.unread for each in side.rooms} | {p.user: p.unread for p in side.people}
        return counts.get(name)

    async def until(self, condition: Callable[[], object]) -> None:
        async with deadline():
            while not condition():
                await asyncio.sleep(_GLANCE_SECONDS)

    async def shows(self, text: str) -> None:
        """Waits until it is on the screen; a failure shows the screen."""
        try:
            await self.until(lambda: self.sees(text))
        except TimeoutError:
            raise AssertionError("\n".join([f"{text!r} is not on the screen:", *self.lines])) from None

    # -- doing ---------------------------------------------------------------

    async def press(self, *keys: str) -> None:
        """One after another, each after what came of the one before. (The pilot's own waits for the machine
        to be idle, and several people share this loop.)"""
        for key in keys:
            self._send(key, None)
            await self.settled()

    async def type(self, text: str) -> None:
        """Without a pause; `\r` is Enter, and `\n` Ctrl-J, as terminals have it."""
        for character in text:
            self._send(_KEYS.get(character, character), character)
        await self.settled()

    def _send(self, key: str, character: str | None) -> None:
        driver = self.app._driver
        assert driver is not None
        event = events.Key(key, character)
        event.set_sender(self.app)
        driver.send_message(event)

    async def click(self, text: str) -> None:
        """On the middle of it, once it is on the screen."""
        await self.shows(text)
        line = next(number for number, each in enumerate(self.lines) if text in each)
        column = cell_len(self.lines[line].partition(text)[0]) + len(text) // 2
        await self.pilot.click(offset=(column, line))
        await self.settled()

    async def settled(self) -> None:
        """Everything that was sent has been dealt with, and what came of it is on the screen."""
        done = asyncio.Event()
        self.app.call_later(done.set)
        async with deadline():
            await done.wait()
            await self.pilot._wait_for_screen()
            await self.pilot._wait_for_screen()

    async def says(self, text: str) -> None:
        self.app.screen.query_one(Composer).focus()
        await self.type(text)
        await self.press("enter")

    async def opens(self, where: RoomBody | str) -> None:
        """A room, or the conversation with a person, and everything there is loaded."""
        if isinstance(where, str):
            self.talk.open(PersonPlace(where), where)
        else:
            self.talk.open(RoomPlace(where.id), where.name)
        await self.opened()

    async def opened(self) -> None:
        def is_there() -> bool:
            window = self.talk.state.open
            return window is not None and window.loading == "no" and len(self.said) >= len(window.entries)

        await self.until(is_there)

    async def live(self) -> None:
        await self.shows("● live")

    def field(self, id: str) -> Input:
        return self.app.screen.query_one(f"#{id}", Input)

    @property
    def history(self) -> History:
        return self.app.screen.query_one(History)


_KEYS = {"\r": "enter", "\n": "ctrl+j"}

_GLANCE_SECONDS = 0.01
"""Between two looks at the screen: nothing is taken for granted after it."""


@asynccontextmanager
async def seated(
    home: Path, url: str, name: str | None = "ada", *, size: tuple[int, int] = (100, 30), bell: bool = False
) -> AsyncIterator[Seat]:
    """`name`: who is signed in already; None for nobody."""
    session = Session(server=url, user=name, token=token_of(name)) if name else None
    sessions = Sessions(home)
    if session is not None:
        sessions.keep(session)
    app = ChatApp(sessions, session, server=url, bell=bell, zone=UTC)
    async with app.run_test(size=size) as pilot:
        seat = Seat(app, pilot)
        if session is not None:
            await seat.live()
        yield seat
