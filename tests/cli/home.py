"""A person's home on a machine: where sessions and cursors are kept, and the commands as typed there."""

import asyncio
import fcntl
import json
import os
import pty
import struct
import sys
import termios
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from hubbub.terminal import Session, Sessions
from support.deadline import deadline
from support.seeded import token_of

from .commands import ENVIRONMENT, HUBBUB, Ended, hubbub, started


class Home:
    """Commands are run here as processes of their own."""

    def __init__(self, directory: Path, url: str) -> None:
        self.directory = directory
        self.url = url
        self.config = directory / "config" / "hubbub"
        self.state = directory / "state" / "hubbub"
        directory.mkdir(exist_ok=True)
        self.environment = {
            "HOME": str(directory),
            "XDG_CONFIG_HOME": str(directory / "config"),
            "XDG_STATE_HOME": str(directory / "state"),
            "TZ": "UTC",
            "TERM": "xterm-256color",
        }

    def sign_in(self, name: str) -> "Home":
        """As `hubbub login` would have done it."""
        Sessions(self.config).keep(Session(server=self.url, user=name, token=token_of(name)))
        return self

    async def run(self, *words: str, said: str = "", **environment: str) -> Ended:
        return await hubbub(*words, said=said, cwd=self.directory, **{**self.environment, **environment})

    async def start(self, *words: str, **environment: str) -> asyncio.subprocess.Process:
        return await started(*words, cwd=self.directory, **{**self.environment, **environment})

    async def shell(self, line: str) -> Ended:
        """A line of shell in which `hubbub` is the command."""
        command = f'hubbub() {{ "{sys.executable}" {" ".join(HUBBUB)} "$@"; }}; {line}'
        process = await asyncio.create_subprocess_exec(
            "sh", "-c", command,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            cwd=self.directory, env=ENVIRONMENT | self.environment,
        )  # fmt: skip
        return await ended(process)

    async def start_into(self, file: str, *words: str) -> asyncio.subprocess.Process:
        """With standard output in a file."""
        with open(file, "wb") as out:
            return await asyncio.create_subprocess_exec(
                sys.executable, *HUBBUB, *words,
                stdout=out, stderr=asyncio.subprocess.PIPE,
                cwd=self.directory, env=ENVIRONMENT | self.environment,
            )  # fmt: skip

    @asynccontextmanager
    async def pipeline(
        self, first: Sequence[str], second: Sequence[str] = (), program: Sequence[str] = HUBBUB
    ) -> AsyncIterator[tuple[asyncio.subprocess.Process, asyncio.subprocess.Process]]:
        """Two commands as a shell joins them with |; the second may be another program."""
        reads, writes = os.pipe()
        kept: dict[str, Any] = {
            "cwd": self.directory, "env": ENVIRONMENT | self.environment, "stderr": asyncio.subprocess.PIPE
        }  # fmt: skip
        processes = []
        try:
            processes.append(
                await asyncio.create_subprocess_exec(sys.executable, *HUBBUB, *first, stdout=writes, **kept)
            )
            processes.append(
                await asyncio.create_subprocess_exec(
                    sys.executable, *program, *second, stdin=reads, stdout=asyncio.subprocess.PIPE, **kept
                )
            )
            os.close(reads)
            os.close(writes)
            yield processes[0], processes[1]
        finally:
            for process in processes:
                if process.returncode is None:
                    process.kill()
                    await process.communicate()

    def texts(self) -> str:
        """All that lies in files here."""
        return "".join(path.read_text("utf-8") for path in self.directory.rglob("*") if path.is_file())


async def lines(process: asyncio.subprocess.Process, count: int) -> list[dict]:
    """The next lines of JSON a command prints."""
    assert process.stdout is not None
    async with deadline():
        return [json.loads(await process.stdout.readline()) for _ in range(count)]


async def end(process: asyncio.subprocess.Process, number: int) -> Ended:
    """Send it a signal and wait for it."""
    process.send_signal(number)
    return await ended(process)


async def ended(process: asyncio.subprocess.Process) -> Ended:
    async with deadline():
        out, err = await process.communicate()
    assert process.returncode is not None
    return Ended(process.returncode, (out or b"").decode(), err.decode())


class Terminal:
    """A command at a terminal of its own: what is shown there, and typing."""

    def __init__(self, process: asyncio.subprocess.Process, screen: int) -> None:
        self.process = process
        self.shown = b""
        self._screen = screen
        self._more = asyncio.Event()
        os.set_blocking(screen, False)
        asyncio.get_running_loop().add_reader(screen, self._read)

    @classmethod
    async def start(cls, home: Home, *words: str, columns: int = 80, **environment: str) -> "Terminal":
        screen, keyboard = pty.openpty()
        fcntl.ioctl(keyboard, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *HUBBUB,
            *words,
            stdin=keyboard,
            stdout=keyboard,
            stderr=keyboard,
            cwd=home.directory,
            env=ENVIRONMENT | home.environment | environment,
            start_new_session=True,
        )
        os.close(keyboard)
        return cls(process, screen)

    def _read(self) -> None:
        try:
            chunk = os.read(self._screen, 65536)
        except OSError:
            chunk = b""
        if not chunk:
            asyncio.get_running_loop().remove_reader(self._screen)
        self.shown += chunk
        self._more.set()

    async def shows(self, text: str) -> None:
        async with deadline():
            while text.encode() not in self.shown:
                self._more.clear()
                await self._more.wait()

    def type(self, text: str) -> None:
        os.write(self._screen, text.encode())

    async def ends(self) -> int:
        async with deadline():
            code = await self.process.wait()
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._screen)
        with suppress(OSError):
            while chunk := os.read(self._screen, 65536):
                self.shown += chunk
        os.close(self._screen)
        return code
