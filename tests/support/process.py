"""The server as people run it: a process of its own, which can be killed."""

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Self

_LISTENS = b"hubbub listens on "
_START_SECONDS = 30


class Process:
    """`python -m hubbub serve` on `data`. Use as an async context manager."""

    def __init__(self, data: Path, *flags: str) -> None:
        self._data = data
        self._flags = flags
        self._listen = "127.0.0.1:0"
        self._process: asyncio.subprocess.Process | None = None
        self.url = ""
        self.up = asyncio.Event()
        """Set while it accepts requests."""

    async def start(self) -> None:
        """Until it accepts requests; again at the same address after the first time."""
        command = ["serve", "--listen", self._listen, "--admin-listen", "off", "--data", str(self._data)]
        environment = {name: text for name, text in os.environ.items() if not name.startswith("HUBBUB_")}
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "hubbub", *command, "--limits", "off", "--log-level", "error", *self._flags),
            stdout=asyncio.subprocess.PIPE,
            env=environment,
        )
        assert self._process.stdout is not None
        async with asyncio.timeout(_START_SECONDS):
            line = b""
            while not line.startswith(_LISTENS):
                line = await self._process.stdout.readline()
                assert line, "the server ended before it listened"
        self.url = line.removeprefix(_LISTENS).decode().strip()
        self._listen = self.url.partition("//")[2]
        self.up.set()

    async def kill(self) -> None:
        """As a power cut would, without a word."""
        await self._end(signal.SIGKILL)

    async def terminate(self) -> int:
        """Ask it to stop; its exit code."""
        return await self._end(signal.SIGTERM)

    async def _end(self, how: signal.Signals) -> int:
        assert self._process is not None
        self.up.clear()
        if self._process.returncode is None:
            self._process.send_signal(how)
        async with asyncio.timeout(_START_SECONDS):
            await self._process.communicate()
        assert self._process.returncode is not None
        return self._process.returncode

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.kill()
