"""A bus of each kind, with two nodes on it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from hubbub.bus import nats as bus_module
from hubbub.bus.base import Bus
from hubbub.bus.nats import NatsBus
from hubbub.cluster import programs
from hubbub.cluster.errors import Missing
from hubbub.cluster.nats import Nats
from support.deadline import DEADLINE_SECONDS, deadline


class Ears:
    """What one node heard, and what it was told of the bus."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, bytes]] = []
        self.changes: list[bool] = []

    def hear(self, channel: str, message: bytes) -> None:
        self.heard.append((channel, message))


async def until(true: Callable[[], object]) -> None:
    async with deadline():
        while not true():
            await asyncio.sleep(0.005)


Join = Callable[..., Awaitable[tuple[Bus, Ears]]]


@pytest.fixture
async def nats(tmp_path: Path) -> AsyncIterator[Nats]:
    try:
        programs.program("nats-server", package="nats-server")
    except Missing as missing:
        pytest.skip(f"NATS goes untested: {missing}")
    async with Nats(tmp_path) as server:
        yield server


@pytest.fixture(autouse=True)
def at_leisure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever listens goes on when that is confirmed, however long it takes."""
    monkeypatch.setattr(bus_module, "LISTEN_SECONDS", DEADLINE_SECONDS)


@pytest.fixture
async def join(nats: Nats) -> AsyncIterator[Join]:
    """Opens the bus once more, for another node; `up`: until it is."""
    opened: list[Bus] = []

    async def open(*, prefix: str = "chat", url: str | None = None, up: bool = True) -> tuple[Bus, Ears]:
        ears = Ears()
        bus = await NatsBus.open(
            [url or nats.url], prefix=prefix, name="node", heard=ears.hear, changed=ears.changes.append
        )
        opened.append(bus)
        await until(lambda: bus.up or not up)
        return bus, ears

    yield open
    for bus in opened:
        await bus.close()
