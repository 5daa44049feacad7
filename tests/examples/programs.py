"""The examples as whoever copies them runs them: programs of their own."""

import asyncio
import importlib.util
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import ModuleType

from support.deadline import deadline

EXAMPLES = Path(__file__).parents[2] / "examples"
PASSWORD = "correct horse battery"


class Program:
    """A running example: what it prints, a line at a time."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def says(self, words: str) -> str:
        """Wait for the line that begins so; the rest of it."""
        assert self._process.stdout is not None
        async with deadline():
            while True:
                line = (await self._process.stdout.readline()).decode()
                assert line, f"it ended before it said {words!r}"
                if line.startswith(words):
                    return line.removeprefix(words).strip()

    async def kill(self) -> None:
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGKILL)
        await self._process.communicate()


async def start(name: str, *flags: str, **environment: str) -> Program:
    return await launch(sys.executable, str(EXAMPLES / name), *flags, **environment)


async def launch(*command: str, **environment: str) -> Program:
    return Program(
        await asyncio.create_subprocess_exec(
            *command,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "BOT_PASSWORD": PASSWORD, **environment},
        )
    )


@asynccontextmanager
async def program(name: str, *flags: str, **environment: str) -> AsyncIterator[Program]:
    running = await start(name, *flags, **environment)
    try:
        yield running
    finally:
        await running.kill()


def module(name: str) -> ModuleType:
    """The example as a module, for what no other process can reach into."""
    spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found
