"""All that are measured beside each other: the reference, hubbub, and servers others have written."""

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from string import Template

import msgspec

from contender import HOST, INSTALLED, PEERS, Contender, Crowd
from generator import GeneratorFailed, built
from hubbub.bench import frames
from hubbub.bench.connections import upgrade as signed_in_upgrade
from hubbub.bench.machine import described
from hubbub.bench.play import SERVER_FLAGS
from hubbub.bench.seats import People
from hubbub.cli.seed import seeded
from reference import Mode
from script import NUMBER, Answer, Send, Wait

PONGS = (
    Answer(seen=b"\x89\x00", said=frames.PONG),
    Answer(seen=b"\x89\x04", said=b"\x8a\x84" + bytes(4), echoed=4),
)
"""To pings that carry nothing or four bytes, as all these servers' do. A text has no such bytes in it."""


def compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


# -- the reference ----------------------------------------------------------


class Reference(Contender):
    def __init__(self, mode: Mode, keeps: str) -> None:
        self.name = f"c-{mode}"
        self.title = f"C reference, {mode}"
        self.keeps = keeps
        self._mode = mode

    def absent(self) -> str | None:
        try:
            built("fanout")
        except GeneratorFailed as error:
            return str(error)
        return None

    def version(self) -> str:
        return "of this commit"

    def command(self, directory: Path, port: int) -> Sequence[str | Path]:
        file = [directory / "lines"] if self._mode == "durable" else []
        return [built("fanout"), self._mode, str(port), *file]

    def steps(self, number: int, room: int) -> Sequence[Send | Wait]:
        name = f"room-{room}\n".encode()
        return [Send(said=name), Wait(for_bytes=name)]

    def post(self, number: int, room: int, said: str) -> bytes:
        return f"{said}\n".encode()


# -- hubbub -----------------------------------------------------------------


class Hubbub(Contender):
    answers = PONGS

    def __init__(self, *, keyed: bool) -> None:
        self.name = "hubbub-keyed" if keyed else "hubbub"
        self.title = "hubbub, each post with an idempotency key" if keyed else "hubbub"
        self.keeps = "everything, synced before anybody is told; signed in, numbered, resumable, limits counted"
        if keyed:
            self.keeps += "; a post that is sent again is known"
        self._keyed = keyed

    def version(self) -> str:
        versions: dict[str, str] = described()["versions"]
        return versions["hubbub"]

    def prepare(self, directory: Path, port: int, crowd: Crowd) -> None:
        self._people = msgspec.convert(seeded(directory / "data", crowd.clients, crowd.rooms), People)

    def command(self, directory: Path, port: int) -> Sequence[str | Path]:
        return [
            *(sys.executable, "-m", "hubbub", "serve", "--listen", f"{HOST}:{port}"),
            *("--data", directory / "data", "--admin-listen", "off", "--log-level", "error", *SERVER_FLAGS),
        ]

    def steps(self, number: int, room: int) -> Sequence[Send | Wait]:
        path = f"/room/{self._people.rooms[room].id}/subscribe"
        request = signed_in_upgrade(path, self._people.users[number].token, HOST)
        return [Send(said=request), Wait(for_bytes=b'"type":"subscribed"')]

    def post(self, number: int, room: int, said: str) -> bytes:
        frame = {"type": "post", "ref": NUMBER, "room": self._people.rooms[room].id, "text": said}
        if self._keyed:
            frame["key"] = NUMBER
        return frames.frame(compact(frame).encode())


# -- peers over WebSocket ---------------------------------------------------


def upgrade(path: str) -> bytes:
    return (
        f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: aHViYnViIGJlbmNoIDAwMA==\r\n\r\n"
    ).encode()


class Chat(Contender):
    """A small chat: the path names the room, JSON in, JSON out to all in it."""

    answers = PONGS

    def __init__(self, name: str, title: str, keeps: str = "nothing; nobody signs in") -> None:
        self.name = name
        self.title = title
        self.keeps = keeps

    def steps(self, number: int, room: int) -> Sequence[Send | Wait]:
        return [Send(said=upgrade(f"/room-{room}")), Wait(for_bytes=b'"joined"')]

    def post(self, number: int, room: int, said: str) -> bytes:
        return frames.frame(compact({"text": said}).encode())


class PythonChat(Chat):
    _python = INSTALLED / "venv" / "bin" / "python"

    def absent(self) -> str | None:
        return None if self._python.exists() else "not installed: make peers"

    def version(self) -> str:
        code = f"import importlib.metadata as m, platform; print(m.version({self.name!r}), platform.python_version())"
        package, python = _said(self._python, "-c", code).split()
        return f"{package} on Python {python}"

    def command(self, directory: Path, port: int) -> Sequence[str | Path]:
        return [self._python, PEERS / "python" / f"{self.name}_chat.py", str(port)]


class NodeChat(Chat):
    _installed = INSTALLED / "node"

    def absent(self) -> str | None:
        if shutil.which("node") is None:
            return "there is no node"
        return None if (self._installed / "node_modules").exists() else "not installed: make peers"

    def version(self) -> str:
        package = json.loads((self._installed / "node_modules" / self.name / "package.json").read_text())
        return f"{package['version']} on Node {_said('node', '--version')}"

    def command(self, directory: Path, port: int) -> Sequence[str | Path]:
        return ["node", self._installed / f"{self.name.replace('.', '')}_chat.js", str(port)]


class SocketIo(NodeChat):
    """Over its WebSocket transport, from the first request on."""

    answers = (Answer(seen=b"\x81\x012", said=frames.frame(b"3")),)  # its own pings

    def steps(self, number: int, room: int) -> Sequence[Send | Wait]:
        return [
            Send(said=upgrade("/socket.io/?EIO=4&transport=websocket")),
            Wait(for_bytes=b'"sid"'),
            Send(said=frames.frame(b"40")),
            Wait(for_bytes=b'40{"sid"'),
            Send(said=frames.frame(f'420["join","room-{room}"]'.encode())),
            Wait(for_bytes=b"430["),
        ]

    def post(self, number: int, room: int, said: str) -> bytes:
        return frames.frame(f"42{compact(['post', f'room-{room}', said])}".encode())


# -- peers of their own protocols -------------------------------------------


class Packaged(Contender):
    """One from Debian's packages, unpacked and not installed: it needs no root and changes nothing."""

    _root = INSTALLED / "debian" / "root"
    program: str
    settings: str

    def absent(self) -> str | None:
        return None if (self._root / self.program).exists() else "not installed: make peers (Debian only)"

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


def _said(*words: str | Path) -> str:
    return subprocess.run(words, capture_output=True, check=True, text=True).stdout.strip()  # noqa: S603


CONTENDERS: tuple[Contender, ...] = (
    Reference("plain", "nothing: lines go on unparsed, one send() a delivery"),
    Reference("joined", "nothing: lines go on unparsed, those of one round in one send()"),
    Reference("durable", "lines, unparsed, in a file that is synced before they go on"),
    Hubbub(keyed=False),
    Hubbub(keyed=True),
    PythonChat("socketify", "uWebSockets (C++, from Python)"),
    NodeChat("ws", "Node, ws"),
    SocketIo("socket.io", "Node, Socket.IO"),
    PythonChat("websockets", "Python, websockets broadcast()"),
    PythonChat("aiohttp", "Python, aiohttp"),
    PythonChat("fastapi", "Python, FastAPI as in its tutorial"),
    InspIrcd(),
    Prosody(),
)
"""In the order of the table."""
