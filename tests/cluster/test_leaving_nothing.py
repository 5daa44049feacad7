"""Whatever becomes of who started the pieces, they end."""

import asyncio
import os
import shutil
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
    where = tmp_path / "postgres"
    if where.is_symlink():  # who was to remove this was killed
        shutil.rmtree(where.resolve())


@pytest.mark.parametrize("frozen", [(), ("frozen",)], ids=["running", "frozen"])
async def test_nothing_is_left_running_when_who_started_it_is_killed(started, frozen):
    starter, pids = await started(*frozen)

    starter.kill()
    await starter.wait()

    await all_gone(pids)


async def test_nothing_is_started_for_who_is_gone_already():

    someone_else = os.getppid()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-S", leash.__file__, "9", str(someone_else), "-", "/bin/echo", "started"),
        stdout=asyncio.subprocess.PIPE,
    )
    async with deadline():
        assert await process.communicate() == (b"", None)
