"""Small chats on other people's WebSocket servers, which lie in `peers/`, and what is said to them."""

import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from contender import HOST, INSTALLED, PEERS, Contender
from hubbub.bench import frames
from script import Answer, Send, Wait

PONGS: Sequence[Answer] = (
    Answer(seen=b"\x89\x00", said=frames.PONG),
    Answer(seen=b"\x89\x04", said=b"\x8a\x84" + bytes(4), echoed=4),
)
"""To pings that carry nothing or four bytes, as all these servers' do. A text has no such bytes in it."""


def compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


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
        return None if self._python.exists() else "not installed: make bench-peers does"

    def version(self) -> str:
        code = f"import importlib.metadata as installed; print(installed.version({self.name!r}))"
        return f"{_said(self._python, '-c', code)} on {_said(self._python, '--version')}"

    def command(self, directory: Path, port: int) -> Sequence[str | Path]:
        return [self._python, PEERS / "python" / f"{self.name}_chat.py", str(port)]


class NodeChat(Chat):
    _installed = INSTALLED / "node"

    def absent(self) -> str | None:
        if shutil.which("node") is None:
            return "there is no node"
        return None if (self._installed / "node_modules").exists() else "not installed: make bench-peers does"

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


def _said(*words: str | Path) -> str:
    return subprocess.run(words, capture_output=True, check=True, text=True).stdout.strip()
