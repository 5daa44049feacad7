"""The application: signing in, and then talking."""

import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import tzinfo
from typing import ClassVar

from msgspec.structs import replace
from textual.app import App
from textual.binding import Binding, BindingType
from textual.events import AppFocus

from hubbub.chat import words
from hubbub.chat.talk import AGENT, Talk
from hubbub.chat.ui.place_screen import PlaceScreen
from hubbub.chat.ui.sign_in import Given, SignInScreen
from hubbub.chat.ui.themes import DARK, LIGHT, THEMES
from hubbub.client import ClientError, Message
from hubbub.terminal import (
    Session,
    Sessions,
    TerminalError,
    harmless_line,
    in_words,
    open_client,
    who_am_i,
)


class ChatApp(App[None]):
    CSS_PATH = "chat.tcss"
    TITLE = words.BRAND
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+t", "light_or_dark", show=False, priority=True),
        Binding("f4", "ring", show=False, priority=True),
    ]

    def __init__(
        self,
        sessions: Sessions,
        session: Session | None,
        *,
        server: str = "",
        theme: str = DARK,
        bell: bool = False,
        zone: tzinfo | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`session`: whose talk this is; with None, signing in comes first. `zone`: None is the machine's."""
        super().__init__()
        self._sessions = sessions
        self._session = session
        self._server = server
        self._bell = bell
        self._zone = zone
        self._title = ""
        self._monotonic = monotonic
        self._talking = AsyncExitStack()
        self.talk: Talk | None = None
        for each in THEMES:
            self.register_theme(each)
        self.theme = theme

    async def on_mount(self) -> None:
        if self._session is None:
            self._ask(Given(server=self._server))
        else:
            await self._begin(self._session)

    async def on_unmount(self) -> None:
        await self._talking.aclose()

    # -- who is here ---------------------------------------------------------

    def _ask(self, given: Given) -> None:
        self.titled(words.title("", 0))
        self.push_screen(SignInScreen(given), self._signed_in)

    async def _signed_in(self, session: Session | None) -> None:
        if session is None:
            return
        try:
            self._sessions.keep(session)
        except TerminalError as error:  # it goes on all the same, and has to be signed in again the next time
            self.notify(str(error), severity="warning", markup=False)
        await self._begin(session)

    async def _begin(self, session: Session) -> None:
        if not session.user and not (session := await self._named(session)).user:
            return
        self._session = session
        screens: list[PlaceScreen] = []
        talk = Talk(
            session,
            session.user,
            changed=lambda: screens[0].changed() if screens else None,
            direct=self._direct,
            monotonic=self._monotonic,
        )
        screens.append(PlaceScreen(talk, zone=self._zone, monotonic=self._monotonic))
        self.talk = await self._talking.enter_async_context(talk)
        await self.push_screen(screens[0], self._ended)

    async def _named(self, session: Session) -> Session:
        """With the name that belongs to its token; without one where the server does not tell it."""
        try:
            async with open_client(session, agent=AGENT, patience_seconds=0) as client:
                return replace(session, user=await who_am_i(session, client))
        except ClientError as error:
            self._ask(Given(server=session.server, message=in_words(error, session.server)))
            return session

    async def _ended(self, reason: str | None) -> None:
        """The session is over: what was saved of it is of no use any more."""
        assert self._session is not None
        ended, self._session = self._session, None
        await self._talking.aclose()
        self.talk = None
        try:
            self._sessions.forget(ended)
        except TerminalError as error:
            self.notify(str(error), severity="warning", markup=False)
        self._ask(Given(server=ended.server, name=ended.user, message=words.ended(reason or "")))

    # -- the terminal --------------------------------------------------------

    def titled(self, title: str) -> None:
        """Name the terminal's window."""
        if title != self._title and self._driver is not None and not self.is_headless:
            self._title = title
            self._driver.write(f"\x1b]2;{harmless_line(title)}\x07")

    def _direct(self, message: Message) -> None:
        if self._bell:
            self.bell()

    def action_ring(self) -> None:
        self._bell = not self._bell
        self.notify(words.BELL_ON if self._bell else words.BELL_OFF, markup=False)

    def action_light_or_dark(self) -> None:
        self.theme = DARK if self.theme == LIGHT else LIGHT

    def on_app_focus(self, _: AppFocus) -> None:
        """Somebody looks again: what came meanwhile is seen now."""
        if isinstance(self.screen, PlaceScreen):
            self.call_later(self.screen.look)  # once the focus is noted
