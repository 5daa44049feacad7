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


Address = tuple[str, int]


class Server(Protocol):
    """What is measured: one process, or the nodes of a cluster, over which the clients are spread."""

    @property
    def addresses(self) -> Sequence[Address]:
        """Of its nodes, one at least."""
        ...

    @property
    def pids(self) -> Mapping[str, int]:
        """The processes of its nodes by their names; none when nobody said which they are: then its CPU and
        memory are not known."""
        ...

    @property
    def beside(self) -> Mapping[str, int]:
        """What else works for it, each with all that descends from it: its CPU is the server's too."""
        ...

    @property
    def metrics(self) -> Sequence[str]:
        """Where the metrics of its nodes are, as far as that is known."""
        ...

    @property
    def described(self) -> str:
        """How it was started, or where it is."""
        ...

    async def counted(self) -> Mapping[str, int]:
        """What it has counted so far of what it did; nothing where that is not looked at."""
        ...


class RunningServer:
    """One somebody else has started, or several that are nodes of one cluster."""

    beside: Mapping[str, int] = {}

    def __init__(self, urls: Sequence[str], pids: Sequence[int] = (), metrics: Sequence[str] = ()) -> None:
        self.addresses = [_address(url) for url in urls]
        self.pids = {f"node {number}": pid for number, pid in enumerate(pids, 1)}
        self.metrics = metrics
        at = ", ".join(url if "//" in url else f"http://{url}" for url in urls)
        self.described = f"{'servers' if len(urls) > 1 else 'a server'} that ran already at {at}"

    async def counted(self) -> Mapping[str, int]:
        return {}


def _address(url: str) -> Address:
    parts = urlsplit(url if "//" in url else f"http://{url}")
    if parts.scheme not in ("http", "ws") or not parts.hostname:
        raise ServerFailed(f"{url}: say http://HOST:PORT; TLS is measured by measuring the proxy")
    # By number, so that clients can connect from many addresses of the loopback.
    host = "127.0.0.1" if parts.hostname == "localhost" else parts.hostname
    return host, parts.port or 80


class OwnServer:
    """`hubbub serve` on a store of its own, pinned to its cores. Use as an async context manager.

    Always true: between `start` and the end of it, `pids` has the process that this started.
    """

    beside: Mapping[str, int] = {}

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
        self.metrics: list[str] = []
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pids(self) -> Mapping[str, int]:
        return {"server": self._process.pid} if self._process else {}

    @property
    def address(self) -> Address:
        host, _, port = self._listen.rpartition(":")
        return host, int(port)

    @property
    def addresses(self) -> Sequence[Address]:
        return [self.address]

    async def counted(self) -> Mapping[str, int]:
        return {}

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
                self.metrics = [await self._told(self._process, _METRICS)]
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
