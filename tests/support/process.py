"""The server as people run it: a process of its own, which can be killed."""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

_LISTENS = b"hubbub listens on "
_METRICS = b"metrics for operators: "
_START_SECONDS = 30

HUBBUB = ("-m", "hubbub")


class Process:
    """`python -m hubbub serve` on `data`. Use as an async context manager."""

    def __init__(
        self,
        data: Path,
        *flags: str,
        program: Sequence[str] = HUBBUB,
        environment: Mapping[str, str] | None = None,
        limits: bool = False,
        metrics: bool = False,
    ) -> None:
        """`program`: what python runs in hubbub's place; `limits`: as they are by default, or none."""
        self.data = data
        self.program = program
        self.environment = dict(environment or {})
        self._flags = (*flags, *(() if limits else ("--limits", "off")))
        self._listen = "127.0.0.1:0"
        self._admin = "127.0.0.1:0" if metrics else "off"
        self._process: asyncio.subprocess.Process | None = None
        self.url = ""
        self.metrics: str | None = None
        """The address of its metrics, when it was asked to have one."""
        self.up = asyncio.Event()
        """Set while it accepts requests."""

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    async def start(self) -> None:
        """Until it accepts requests; again at the same address after the first time."""
        await self.launch()
        assert self._process is not None
        assert self._process.stdout is not None
        async with asyncio.timeout(_START_SECONDS):
            self.url = await self._told(_LISTENS)
            if self._admin != "off":
                self.metrics = await self._told(_METRICS)
        self._listen = self.url.partition("//")[2]
        self.up.set()

    async def launch(self) -> None:
        """Start it, and do not wait for anything."""
        command = ["serve", "--listen", self._listen, "--admin-listen", self._admin, "--data", str(self.data)]
        environment = {name: text for name, text in os.environ.items() if not name.startswith("HUBBUB_")}
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            *(*self.program, *command, "--log-level", "error", *self._flags),
            stdout=asyncio.subprocess.PIPE,
            env=environment | self.environment,
        )

    async def _told(self, what: bytes) -> str:
        assert self._process is not None
        assert self._process.stdout is not None
        line = b""
        while not line.startswith(what):
            line = await self._process.stdout.readline()
            assert line, "the server ended before it listened"
        return line.removeprefix(what).decode().strip()

    async def kill(self) -> None:
        """As a power cut would, without a word."""
        await self._end(signal.SIGKILL)

    async def terminate(self) -> int:
        """Ask it to stop; its exit code."""
        return await self._end(signal.SIGTERM)

    async def ended(self) -> int:
        """Wait until it has ended by itself; its exit code."""
        return await self._end(None)

    def freeze(self) -> None:
        """It does nothing from now on, and holds on to all it has."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    async def _end(self, how: signal.Signals | None) -> int:
        assert self._process is not None
        self.up.clear()
        if how is not None and self._process.returncode is None:
            self._process.send_signal(how)
        async with asyncio.timeout(_START_SECONDS):
            await self._process.communicate()
        assert self._process.returncode is not None
        return self._process.returncode

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._process is not None:
            await self.kill()
