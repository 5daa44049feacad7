"""Chat servers of their own protocols, from Debian's packages: IRC and XMPP."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from string import Template

from contender import INSTALLED, PEERS, Contender, Crowd
from script import Answer, Send, Wait


class Packaged(Contender):
    """One from Debian's packages, unpacked and not installed: it needs no root and changes nothing."""

    _root = INSTALLED / "debian" / "root"
    program: str
    settings: str

    def absent(self) -> str | None:
        there = (self._root / self.program).exists()
        return None if there else "not installed: make bench-peers does, on Debian"

    def prepare(self, directory: Path, port: int, crowd: Crowd) -> None:
        written = Template((PEERS / "debian" / self.settings).read_text()).substitute(
            port=port, directory=directory, modules=self._root / "usr/lib/inspircd/modules"
        )
        (directory / self.settings).write_text(written)

    def version(self) -> str:
        return (INSTALLED / "debian" / f"{self.name}.version").read_text().strip()


class InspIrcd(Packaged):
    name = "inspircd"
    title = "InspIRCd"
    keeps = "nothing; IRC, a channel for each room; who is in a channel is known to all in it"
    program = "usr/sbin/inspircd"
    settings = "inspircd.conf"
    at_once = 2000  # it lets people in once a second
    answers = (Answer(seen=b"PING :irc.example\r\n", said=b"PONG :irc.example\r\n"),)

    def command(self, directory: Path, port: int) -> Sequence[str | Path]:
        asked = f"--config={directory / self.settings}"
        return [self._root / self.program, asked, "--nofork", "--nopid", "--runasroot"]

    def steps(self, number: int, room: int) -> Sequence[Send | Wait]:
        name = f"u{number}"
        return [
            Send(said=f"CAP REQ :echo-message\r\nNICK {name}\r\nUSER {name} 0 * :x\r\nCAP END\r\n".encode()),
            Wait(for_bytes=b" 001 "),
            Send(said=f"JOIN #room-{room}\r\n".encode()),
            Wait(for_bytes=b" 366 "),
        ]

    def post(self, number: int, room: int, said: str) -> bytes:
        return f"PRIVMSG #room-{room} :{said}\r\n".encode()


class Prosody(Packaged):
    name = "prosody"
    title = "Prosody"
    keeps = "nothing as set up here; XMPP, a MUC for each room; who is in a room is known to all in it"
    program = "usr/bin/prosody"
    settings = "prosody.cfg.lua"
    most_clients = 2000

    _stream = (
        b"<?xml version='1.0'?><stream:stream to='localhost' version='1.0' xmlns='jabber:client'"
        b" xmlns:stream='http://etherx.jabber.org/streams'>"
    )

    def command(self, directory: Path, port: int) -> Sequence[str | Path]:
        lua = self._root / "usr/bin/lua5.4"
        return [lua, self._root / self.program, "-F", "--config", directory / self.settings]

    def environment(self) -> Mapping[str, str]:
        shared, compiled = self._root / "usr/share/lua/5.4", self._root / "usr/lib/x86_64-linux-gnu"
        return {
            "LUA_PATH": f"{shared}/?.lua;{shared}/?/init.lua;;",
            "LUA_CPATH": f"{compiled}/lua/5.4/?.so;;",
            "LD_LIBRARY_PATH": str(compiled),
        }

    def steps(self, number: int, room: int) -> Sequence[Send | Wait]:
        place = f"room-{room}@rooms.localhost/u{number}"
        join = f"<presence to='{place}'><x xmlns='http://jabber.org/protocol/muc'/></presence>"
        return [
            Send(said=self._stream),
            Wait(for_bytes=b"</stream:features>"),
            Send(said=b"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='ANONYMOUS'/>"),
            Wait(for_bytes=b"<success"),
            Send(said=self._stream),
            Wait(for_bytes=b"</stream:features>"),
            Send(said=b"<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>"),
            Wait(for_bytes=b"</iq>"),
            Send(said=join.encode()),
            Wait(for_bytes=b"code='110'"),
        ]

    def post(self, number: int, room: int, said: str) -> bytes:
        place = f"room-{room}@rooms.localhost"
        return f"<message to='{place}' type='groupchat'><body>{said}</body></message>".encode()
