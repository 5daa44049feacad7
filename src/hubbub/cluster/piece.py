"""What all pieces of a cluster have in common, whatever they do."""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Self

from hubbub.cluster.process import Process


class Piece(ABC):
    """A server that can be ill-treated. Use as an async context manager.

    Always true: once it was started it keeps its address, whatever becomes of it.
    """

    def __init__(self, name: str, log: Path) -> None:
        self.name = name
        self._process = Process(name, log)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process.is_running

    @property
    def log(self) -> Path:
        return self._process.log

    @abstractmethod
    async def start(self) -> None:
        """Until it can be used; the first time, or again. Raises Missing, ClusterFailed."""

    @abstractmethod
    async def stop(self) -> None:
        """In order."""

    async def restart(self) -> None:
        """Away for a moment, and back where it was."""
        await self.stop()
        await self.start()

    async def kill(self) -> None:
        """As a power cut would, without a word, with all it has started."""
        await self._process.kill()

    def freeze(self) -> None:
        """It does nothing from now on, and holds on to all it has: connections stay, and nothing comes
        through them."""
        self._process.freeze()

    def thaw(self) -> None:
        self._process.thaw()

    async def leave(self) -> None:
        """End it for good, and leave nothing behind that is not kept."""
        await self.kill()

    async def __aenter__(self) -> Self:
        try:
            await self.start()
        except BaseException:
            await self.leave()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.leave()
