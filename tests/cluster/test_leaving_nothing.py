"""Whatever becomes of who started the pieces, they end."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from hubbub.cluster import leash
from support.deadline import deadline
from support.pieces import needs_pieces

STARTER = Path(__file__).parent / "starter.py"

pytestmark = [needs_pieces, pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells them")]


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


async def all_gone(pids):
    async with deadline():
        while any(map(is_alive, pids)):
            await asyncio.sleep(0.01)


@pytest.fixture
async def started(tmp_path):
    """A process that has started all pieces, and theirs."""
    process = None

    async def start(*words):
        nonlocal process
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, str(STARTER), str(tmp_path), *words), stdout=asyncio.subprocess.PIPE
        )
        async with deadline(60):
            pids = [int(pid) for pid in (await process.stdout.readline()).split()]
        assert len(pids) > 5
        assert all(map(is_alive, pids))
        return process, pids

    yield start
    if process.returncode is None:
        process.kill()
    await process.communicate()


@pytest.mark.parametrize("frozen", [(), ("frozen",)], ids=["running", "frozen"])
async def test_nothing_is_left_when_who_started_it_is_killed(started, tmp_path, frozen):
    starter, pids = await started(*frozen)
    data = (tmp_path / "postgres").resolve()
    assert data.exists()

    starter.kill()
    await starter.wait()

    await all_gone(pids)
    if not data.is_relative_to(tmp_path):  # PostgreSQL's user cannot reach that, so root put it elsewhere
        async with deadline():
            while data.exists():
                await asyncio.sleep(0.01)


async def test_nothing_is_started_for_who_is_gone_already():
    someone_else = os.getppid()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-S", leash.__file__, "9", str(someone_else), "-", "/bin/echo", "started"),
        stdout=asyncio.subprocess.PIPE,
    )
    async with deadline():
        assert await process.communicate() == (b"", None)
