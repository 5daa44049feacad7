"""hubbub's command as its users meet it: a process, what it prints, how it ends."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, redirect_stderr, redirect_stdout
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import NamedTuple

from hubbub.cli import main
from support.deadline import DEADLINE_SECONDS, deadline

_NOT_OURS = ("HUBBUB_", "NO_COLOR", "FORCE_COLOR", "PYTHONUNBUFFERED")
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_OURS)}
HUBBUB = ("-m", "hubbub")


class Ended(NamedTuple):
    code: int
    out: str
    err: str


async def started(
    *words: str | Path, program: Sequence[str] = HUBBUB, cwd: Path | None = None, **environment: str
) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *program,
        *map(str, words),
        stdin=pipe,
        stdout=pipe,
        stderr=pipe,
        cwd=cwd,
        env=ENVIRONMENT | environment,
    )


async def hubbub(*words: str | Path, said: str = "", cwd: Path | None = None, **environment: str) -> Ended:
    """Run a command to its end, with `said` on its standard input."""
    process = await started(*words, cwd=cwd, **environment)
    out, err = await communicated(process, said.encode())
    assert process.returncode is not None
    return Ended(process.returncode, out.decode(), err.decode())


async def communicated(
    process: asyncio.subprocess.Process, said: bytes = b"", *, within_seconds: float = DEADLINE_SECONDS
) -> tuple[bytes, bytes]:
    """What it wrote until its end. One that does not end is killed, and harms no other test."""
    try:
        async with deadline(within_seconds):
            return await process.communicate(said)
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def hubbub_here(*words: str | Path) -> Ended:
    """The same in this process, which is quicker; one at a time."""
    out, err = (TextIOWrapper(BytesIO(), "utf-8", write_through=True) for _ in range(2))
    with redirect_stdout(out), redirect_stderr(err):
        code = await asyncio.to_thread(main, [str(word) for word in words])
    return Ended(code, out.buffer.getvalue().decode(), err.buffer.getvalue().decode())


class Serving:
    """A server in a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process, url: str, metrics: str | None) -> None:
        self.process = process
        self.url = url
        self.metrics = metrics

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    async def ended(self) -> Ended:
        async with deadline():
            out, err = await self.process.communicate()
        assert self.process.returncode is not None
        return Ended(self.process.returncode, out.decode(), err.decode())

    async def stops(self) -> Ended:
        self.signal(signal.SIGTERM)
        return await self.ended()


@asynccontextmanager
async def serving(
    data: Path,
    *flags: str,
    program: Sequence[str] = HUBBUB,
    admin: bool = False,
    listen: str = "127.0.0.1:0",
) -> AsyncIterator[Serving]:
    """A server that accepts requests, on a free port unless it is to come back where it was."""
    admin_listen = "127.0.0.1:0" if admin else "off"
    process = await started(
        "serve", "--listen", listen, "--admin-listen", admin_listen, "--data", data, *flags,
        program=program, cwd=data.parent,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        async with deadline():
            url = (await process.stdout.readline()).decode().split()[-1:]
            await process.stdout.readline()
            metrics = (await process.stdout.readline()).decode().split()[-1] if admin else None
        if not url:
            raise AssertionError((await process.communicate())[1].decode())
        yield Serving(process, url[0], metrics)
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()
