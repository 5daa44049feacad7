"""One node: `python -m hubbub serve` as people run it, which can be killed and frozen."""

import asyncio
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from hubbub.cluster.piece import Piece

START_SECONDS = 60.0
STOP_SECONDS = 15.0
"""More than a node takes to take its leave, by its own `--stop-seconds`."""

HUBBUB = ("-m", "hubbub")

_LISTENS = b"hubbub listens on "
_METRICS = b"metrics for operators: "


class Node(Piece):
    """Always true: the addresses of the database and of the bus, which hold passwords, reach it by its
    environment and never by its command line.
    """

    def __init__(
        self,
        directory: Path,
        *flags: str,
        name: str = "node",
        database: str | None = None,
        bus: str | None = None,
        environment: Mapping[str, str],
        program: Sequence[str] = HUBBUB,
        listen: str = "127.0.0.1:0",
    ) -> None:
        """`database`, `bus`: their addresses; without a database it keeps everything in a directory of its
        own. `environment`: of the process, with nothing in it that is meant for another server; `program`:
        what python runs in hubbub's place."""
        super().__init__(name, directory / f"{name}.log")
        self.database = database
        self.bus = bus
        self.program = program
        self.environment = dict(environment)
        self._directory = directory
        self._flags = flags
        self._listen = listen
        self._admin_listen = "127.0.0.1:0"
        self.url = ""
        self.metrics = ""
        """The address of its metrics."""
        self.up = asyncio.Event()
        """Set while it accepts requests."""

    @property
    def data(self) -> Path:
        """Where it keeps everything, when it has no database."""
        return self._directory / self.name

    @property
    def admin_url(self) -> str:
        """Where operators ask it: metrics, health."""
        return self.metrics.removesuffix("/metrics")

    async def start(self) -> None:
        await self.launch()
        try:
            async with asyncio.timeout(START_SECONDS):
                self.url = await self._told(_LISTENS)
                self.metrics = await self._told(_METRICS)
        except TimeoutError:
            await self.kill()
            raise self._process.failed(f"did not listen within {START_SECONDS:g} s") from None
        except BaseException:
            await self.kill()
            raise
        self._listen = self.url.partition("//")[2]
        self._admin_listen = self.admin_url.partition("//")[2]
        self.up.set()

    async def launch(self) -> None:
        """Start it, and do not wait for anything."""
        self._directory.mkdir(parents=True, exist_ok=True)
        await self._process.start(
            [sys.executable, *self.program, "serve", *self._words()],
            environment=self._environment(),
            directory=self._directory,  # where no hubbub.toml lies
            tells=True,
        )

    def _words(self) -> list[str]:
        data = [] if self.database else ["--data", str(self.data.absolute())]
        return ["--listen", self._listen, "--admin-listen", self._admin_listen, *data, *self._flags]

    def _environment(self) -> dict[str, str]:
        pieces = {"HUBBUB_DATABASE": self.database, "HUBBUB_BUS": self.bus}
        return self.environment | {name: url for name, url in pieces.items() if url}

    async def _told(self, what: bytes) -> str:
        line = b""
        while not line.startswith(what):
            line = await self._process.stdout.readline()
            if not line:
                await self._process.ended()
                raise self._process.failed("ended before it listened")
        return line.removeprefix(what).decode().strip()

    async def kill(self) -> None:
        self.up.clear()
        await super().kill()

    async def stop(self) -> None:
        await self.terminate()

    async def terminate(self) -> int | None:
        """Ask it to stop; its exit code."""
        self.up.clear()
        return await self._process.end(signal.SIGTERM, STOP_SECONDS)

    async def ended(self) -> int:
        """Its exit code, once it has ended by itself."""
        code = await self._process.ended()
        self.up.clear()
        return code
