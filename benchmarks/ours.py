"""The reference and hubbub, as the peers' page starts them and speaks to them."""

import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from chats import PONGS, compact
from contender import HOST, Contender, Crowd
from generator import GeneratorFailed, built
from hubbub.bench import frames
from hubbub.bench.connections import upgrade
from hubbub.bench.machine import described
from hubbub.bench.play import SERVER_FLAGS
from hubbub.bench.seats import People
from hubbub.cli.seed import seeded
from reference import Mode, entering, line
from script import NUMBER, Send, Wait

_PROMISES = "everything, synced before anybody is told; signed in, numbered, resumable, limits counted"


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
        return entering(f"room-{room}")

    def post(self, number: int, room: int, said: str) -> bytes:
        return line(said)


class Hubbub(Contender):
    answers = PONGS

    def __init__(self, *, keyed: bool) -> None:
        self.name = "hubbub-keyed" if keyed else "hubbub"
        self.title = "hubbub, each post with an idempotency key" if keyed else "hubbub"
        self.keeps = _PROMISES + "; a post that is sent again is known" * keyed
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
        request = upgrade(path, self._people.users[number].token, HOST)
        return [Send(said=request), Wait(for_bytes=b'"type":"subscribed"')]

    def post(self, number: int, room: int, said: str) -> bytes:
        frame = {"type": "post", "ref": NUMBER, "room": self._people.rooms[room].id, "text": said}
        if self._keyed:
            frame["key"] = NUMBER
        return frames.frame(compact(frame).encode())
