"""Everyone who listens right now: counting them, keeping them alive, telling them good-bye.

One sweep serves all: each second it beats the share of the connections whose turn it is. There is no timer
and no task for each.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Literal, Protocol, TypeVar

from hubbub.api.address import is_trusted, networks
from hubbub.api.settings import Settings
from hubbub.domain.errors import ShuttingDown, TooMany
from hubbub.domain.ids import SessionId
from hubbub.protocol.frames import EndReason
from hubbub.service.limits import neighbourhood

Kind = Literal["websocket", "sse", "ndjson"]
_Key = TypeVar("_Key")


class Connection(Protocol):
    """One live stream, whatever its transport."""

    @property
    def kind(self) -> Kind: ...

    slot: int
    """Its place on the wheel of its kind; kept here for `Wheel`."""

    def beat(self) -> None:
        """Show life, and end the connection when the other side shows none."""
        ...

    def end(self, reason: EndReason, retry_after: float | None = None) -> None:
        """Say `bye` and close."""
        ...


class Wheel:
    """Connections spread over the seconds of a period, so that each turn meets about as many."""

    def __init__(self, seconds: float) -> None:
        # Dictionaries for sets, which take twice the room.
        self._slots: list[dict[Connection, None]] = [{} for _ in range(max(1, round(seconds)))]
        self._next = 0
        self._now = 0

    def add(self, connection: Connection) -> None:
        self._next = (self._next + 1) % len(self._slots)
        connection.slot = self._next
        self._slots[self._next][connection] = None

    def remove(self, connection: Connection) -> None:
        self._slots[connection.slot].pop(connection, None)

    def turn(self) -> None:
        self._now = (self._now + 1) % len(self._slots)
        for connection in list(self._slots[self._now]):
            connection.beat()

    def __len__(self) -> int:
        return sum(map(len, self._slots))

    def all(self) -> list[Connection]:
        return [connection for slot in self._slots for connection in slot]


class Connections:
    """Always true: a session holds at most `streams_per_session` streams, long polls among them, an address
    at most `sockets_per_address` sockets (0, or a trusted proxy: as many as it likes). An IPv6 /64 is one."""

    def __init__(self, settings: Settings, *, chance: Callable[[], float]) -> None:
        """`chance` gives a number from 0 up to 1: it spreads those who are told to come back."""
        self._settings = settings
        self._proxies = networks(settings.trusted_proxies)
        self._chance = chance
        self._wheels: dict[Kind, Wheel] = {
            "websocket": Wheel(settings.ping_seconds),
            "sse": Wheel(settings.heartbeat_seconds),
            "ndjson": Wheel(settings.heartbeat_seconds),
        }
        self._streams: Counter[SessionId] = Counter()
        self._sockets: Counter[str] = Counter()
        self._leaving = False

    # -- sockets ------------------------------------------------------------

    def open_socket(self, address: str) -> None:
        """Count a connection, whatever it is for. Raises TooMany for the address's next one too many."""
        cap = self._settings.sockets_per_address
        if is_trusted(address, self._proxies):
            return  # it stands for everyone behind it
        address = neighbourhood(address)
        if cap and self._sockets[address] >= cap:
            raise TooMany(f"One address may hold {cap} connections at a time.", retry_after_seconds=10.0)
        self._sockets[address] += 1

    def close_socket(self, address: str) -> None:
        _take_off(self._sockets, neighbourhood(address))

    # -- streams ------------------------------------------------------------

    @property
    def by_transport(self) -> dict[Kind, int]:
        """How many streams there are of each kind."""
        return {kind: len(wheel) for kind, wheel in self._wheels.items()}

    def join(self, connection: Connection, session: SessionId) -> None:
        """Raises TooMany, or ShuttingDown."""
        self.hold(session)
        self._wheels[connection.kind].add(connection)

    def leave(self, connection: Connection, session: SessionId) -> None:
        self.let_go(session)
        self._wheels[connection.kind].remove(connection)

    def hold(self, session: SessionId) -> None:
        """Count one that waits for what is new, until `let_go`. Raises TooMany, or ShuttingDown."""
        if self._leaving:
            raise ShuttingDown(retry_after_seconds=self._later())
        most = self._settings.streams_per_session
        if self._streams[session] >= most:
            raise TooMany(
                f"One session may hold {most} live streams and long polls at a time.",
                retry_after_seconds=10.0,
            )
        self._streams[session] += 1

    def let_go(self, session: SessionId) -> None:
        _take_off(self._streams, session)

    def tick(self) -> None:
        """To be called once a second."""
        for wheel in self._wheels.values():
            wheel.turn()

    def farewell(self) -> int:
        """Tell everyone that the server goes away and when to come back, and take no one new.

        Answers how many were told.
        """
        self._leaving = True
        told = [connection for wheel in self._wheels.values() for connection in wheel.all()]
        for connection in told:
            connection.end("shutting-down", self._later())
        return len(told)

    def retry_ms(self) -> int:
        """How long an event stream's client waits before it comes back: for each one its own."""
        return round(1000 * self._settings.retry_seconds * (0.5 + self._chance()))

    def _later(self) -> float:
        """A moment for one of the herd to come back, in seconds."""
        return round(0.5 + self._chance() * self._settings.herd_seconds, 2)


def _take_off(counter: Counter[_Key], key: _Key) -> None:
    counter[key] -= 1
    if counter[key] <= 0:  # below 0: it never counted
        del counter[key]
