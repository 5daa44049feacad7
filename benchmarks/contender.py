"""What is measured beside hubbub: how each is started, and what its clients say. Nothing here measures."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hubbub.bench.seats import source
from script import Answer, Client, Script, Send, Wait, new_marker, text

HERE = Path(__file__).parent
PEERS = HERE / "peers"
INSTALLED = HERE / ".peers"
HOST = "127.0.0.1"


@dataclass(frozen=True, kw_only=True)
class Crowd:
    clients: int
    rooms: int
    payload_bytes: int

    def room_of(self, number: int) -> int:
        """Neighbours are in different rooms, so that posts in the order of the clients go round the rooms."""
        return number % self.rooms

    def at_most(self, clients: int | None) -> "Crowd":
        """A smaller crowd, in rooms of the same size."""
        if clients is None or clients >= self.clients:
            return self
        rooms = max(1, self.rooms * clients // self.clients)
        return Crowd(clients=clients, rooms=rooms, payload_bytes=self.payload_bytes)


class Contender(ABC):
    name: str
    """On the command line."""
    title: str
    """In tables."""
    keeps: str
    """What it stores, checks and promises, which is what its figures are to be read with."""
    most_clients: int | None = None
    """More would take too long to connect."""
    at_once: int = 64
    answers: Sequence[Answer] = ()

    def absent(self) -> str | None:
        """Why it cannot be measured here; None when it can."""
        return None

    @abstractmethod
    def version(self) -> str: ...

    def prepare(self, directory: Path, port: int, crowd: Crowd) -> None:
        """Before it is started: `directory` is its own, empty, and gone afterwards."""
        del directory, port, crowd

    @abstractmethod
    def command(self, directory: Path, port: int) -> Sequence[str | Path]: ...

    def environment(self) -> Mapping[str, str]:
        """Beside what this process has."""
        return {}

    @abstractmethod
    def steps(self, number: int, room: int) -> Sequence[Send | Wait]:
        """Until client `number` is told what is said in the room."""

    @abstractmethod
    def post(self, number: int, room: int, said: str) -> bytes: ...

    def script(self, port: int, crowd: Crowd) -> Script:
        marker = new_marker()
        said = text(marker, crowd.payload_bytes)
        return Script(
            port=port,
            marker=marker,
            answers=self.answers,
            at_once=self.at_once,
            clients=(self._client(number, crowd.room_of(number), said) for number in range(crowd.clients)),
        )

    def _client(self, number: int, room: int, said: str) -> Client:
        return Client(
            address=source(number, HOST) or HOST,
            room=room,
            steps=self.steps(number, room),
            post=self.post(number, room, said),
        )
