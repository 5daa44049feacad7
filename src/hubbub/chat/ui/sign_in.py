"""Signing in, or up: which server, who, and the password."""

from msgspec import Struct
from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Button, Input, Label, Static

from hubbub.chat import words
from hubbub.chat.talk import AGENT
from hubbub.client import Client, ClientError
from hubbub.terminal import BadAddress, Session, in_words, is_private, see_hubbub, server_address


class Given(Struct, frozen=True):
    """What the fields hold at first, and what is to be said above them."""

    server: str = ""
    name: str = ""
    message: str = ""


class SignInScreen(Screen[Session]):
    """Dismissed with the session that was made."""

    def __init__(self, given: Given) -> None:
        super().__init__()
        self._given = given

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="sign-in"):
            yield Static(Content(words.BRAND), id="brand", markup=False)
            yield Static(Content(self._given.message), id="message", markup=False)
            yield Label(words.SERVER, markup=False)
            yield Input(self._given.server, placeholder="https://chat.example.org", id="server")
            yield Label(words.NAME, markup=False)
            yield Input(self._given.name, id="name")
            yield Label(words.PASSWORD, markup=False)
            yield Input(password=True, id="password")
            with Horizontal(id="buttons"):
                yield Button(words.SIGN_IN, variant="primary", id="in")
                yield Button(words.SIGN_UP, id="up")
            yield Static("", id="trouble", markup=False)

    def on_mount(self) -> None:
        self.query_one("#message").display = bool(self._given.message)
        empty = next((each for each in self.query(Input) if not each.value), None)
        if empty is not None:
            empty.focus()
        self._warn()

    @on(Input.Changed, "#server")
    def _warn(self) -> None:
        try:
            private = is_private(server_address(self._value("server")))
        except BadAddress:
            private = True
        self._say("" if private else words.NOT_PRIVATE)

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        if event.input.id == "password":
            self._begin(new=False)
        else:
            self.focus_next()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        self._begin(new=event.button.id == "up")

    def _begin(self, *, new: bool) -> None:
        name, password = self._value("name"), self.query_one("#password", Input).value
        if not (self._value("server") and name and password):
            self._say(words.MISSING)
            return
        self._say(words.SIGNING_IN)
        self._sign_in(self._value("server"), name, password, new=new)

    @work(exclusive=True)
    async def _sign_in(self, server: str, name: str, password: str, *, new: bool) -> None:
        try:
            address = server_address(server)
        except BadAddress as error:
            self._say(str(error))
            return
        try:
            async with Client(address, agent=AGENT, patience_seconds=0) as client:
                await see_hubbub(client)
                if new:
                    await client.sign_up(name, password)
                signed_in = await client.sign_in(name, password)
        except ClientError as error:
            self._say(in_words(error, address))
            return
        assert signed_in.token is not None
        self.dismiss(Session(server=address, user=signed_in.user, token=signed_in.token))

    def _value(self, field: str) -> str:
        return self.query_one(f"#{field}", Input).value.strip()

    def _say(self, what: str) -> None:
        self.query_one("#trouble", Static).update(Content(what))
