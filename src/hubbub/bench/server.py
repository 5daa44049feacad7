"""The server under load: one this starts itself, or one that runs already."""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from hubbub.bench import machine

START_SECONDS = 60.0
STOP_SECONDS = 15.0

_LISTENS = b"hubbub listens on "
_METRICS = b"metrics for operators: "


class ServerFailed(Exception):
    """It did not start, or cannot be reached."""


class Server(Protocol):
    """What is measured."""

    @property
    def pid(self) -> int | None:
        """None when nobody said which process it is: then its CPU and memory are not known."""
        ...

    @property
    def metrics(self) -> str | None:
        """The address of its metrics, where that is known."""
        ...

    @property
    def address(self) -> tuple[str, int]: ...

    @property
    def described(self) -> str:
        """How it was started, or where it is."""
        ...


class RunningServer:
    """One somebody else has started."""

    def __init__(self, url: str, pid: int | None, metrics: str | None = None) -> None:
        parts = urlsplit(url if "//" in url else f"http://{url}")
        if parts.scheme not in ("http", "ws") or not parts.hostname:
            raise ServerFailed(f"{url}: say http://HOST:PORT; TLS is measured by measuring the proxy")
        # By number, so that clients can connect from many addresses of the loopback.
        host = "127.0.0.1" if parts.hostname == "localhost" else parts.hostname
        self.address = (host, parts.port or 80)
        self.pid = pid
        self.metrics = metrics
        self.described = f"a server that ran already at {parts.scheme}://{parts.netloc}"


class OwnServer:
    """`hubbub serve` on a store of its own, pinned to its cores. Use as an async context manager.

    Always true: between `start` and the end of it, `pid` is a process that this started.
    """

    def __init__(
        self,
        data: Path,
        *,
        flags: Sequence[str],
        environment: Mapping[str, str],
        cores: frozenset[int],
        watched: bool = False,
    ) -> None:
        """`watched`: its metrics are wanted."""
        self._data = data
        self._flags = flags
        self._environment = environment
        self._cores = cores
        self._listen = "127.0.0.1:0"
        self._admin_listen = "127.0.0.1:0" if watched else "off"
        self.metrics: str | None = None
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def address(self) -> tuple[str, int]:
        host, _, port = self._listen.rpartition(":")
        return host, int(port)

    @property
    def described(self) -> str:
        where = f", on core {', '.join(map(str, sorted(self._cores)))}" if self._cores else ""
        return f"server: {' '.join(['hubbub', *self._words()])}{where}"

    def _words(self) -> list[str]:
        return [
            *("serve", "--listen", self._listen, "--data", str(self._data)),
            *("--admin-listen", self._admin_listen, "--log-level", "error", *self._flags),
        ]

    async def start(self) -> None:
        """Until it accepts requests; again at the same address after the first time. Raises ServerFailed."""
        # Threads inherit the cores of who starts them, so the server has them from its first instruction.
        with machine.on(self._cores):
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "hubbub", *self._words()),
                stdout=asyncio.subprocess.PIPE,
                cwd=self._data.parent,  # where no hubbub.toml lies
                env=dict(self._environment),
            )
        try:
            self._listen = (await self._told(self._process, _LISTENS)).partition("//")[2]
            if self._admin_listen != "off":
                self.metrics = await self._told(self._process, _METRICS)
        except BaseException:  # nobody else would stop it
            await self.kill()
            raise

    async def _told(self, process: asyncio.subprocess.Process, what: bytes) -> str:
        assert process.stdout is not None
        line = b""
        try:
            async with asyncio.timeout(START_SECONDS):
                while not line.startswith(what):
                    line = await process.stdout.readline()
                    if not line:
                        raise ServerFailed("the server ended before it listened")
        except TimeoutError:
            raise ServerFailed(f"the server did not listen within {START_SECONDS:g} s") from None
        return line.removeprefix(what).decode().strip()

    async def kill(self) -> None:
        """As a power cut would, without a word."""
        await self._end(signal.SIGKILL)

    async def _end(self, how: signal.Signals) -> None:
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.send_signal(how)
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await process.communicate()
        except TimeoutError:
            os.kill(process.pid, signal.SIGKILL)
            await process.communicate()

    async def __aenter__(self) -> "OwnServer":
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._end(signal.SIGTERM)
