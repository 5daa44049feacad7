"""A bus of each kind, with two nodes on it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from hubbub.bus.base import Bus
from hubbub.bus.nats import NatsBus
from hubbub.cluster import programs
from hubbub.cluster.errors import Missing
from hubbub.cluster.nats import Nats


class Ears:
    """What one node heard, and what it was told of the bus."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, bytes]] = []
        self.changes: list[bool] = []

    def hear(self, channel: str, message: bytes) -> None:
        self.heard.append((channel, message))


Join = Callable[..., Awaitable[tuple[Bus, Ears]]]


@pytest.fixture
async def nats(tmp_path: Path) -> AsyncIterator[Nats]:
    try:
        programs.program("nats-server", package="nats-server")
    except Missing as missing:
        pytest.skip(f"NATS goes untested: {missing}")
    async with Nats(tmp_path) as server:
        yield server


@pytest.fixture
async def join(nats: Nats) -> AsyncIterator[Join]:
    """Opens the bus once more, for another node."""
    opened: list[Bus] = []

    async def open(*, prefix: str = "chat", url: str | None = None) -> tuple[Bus, Ears]:
        ears = Ears()
        bus = await NatsBus.open(
            [url or nats.url], prefix=prefix, name="node", heard=ears.hear, changed=ears.changes.append
        )
        opened.append(bus)
        return bus, ears

    yield open
    for bus in opened:
        await bus.close()
